package playbooks

import (
	"strconv"
	"strings"
	"time"

	"sunup/internal/yaml"
)

// ParseDuration reads a length of time: 90, 90s, 30m, 1h30m, 2d.
func ParseDuration(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if !(n >= 0 && n <= maxSeconds) { // NaN is neither
			return 0, false
		}
		return time.Duration(n * float64(time.Second)), true
	}
	var days time.Duration
	if before, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.Atoi(strings.TrimSpace(before))
		if err != nil || n < 0 || n > maxSeconds/86400 {
			return 0, false
		}
		days = time.Duration(n) * 24 * time.Hour
		if text = strings.TrimSpace(after); text == "" {
			return days, true
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, false
	}
	return days + d, true
}

// maxSeconds is ten years: beyond it somebody slipped.
const maxSeconds = 10 * 366 * 86400

func isDuration(n *yaml.Node) bool {
	t, known := literal(n)
	if !known {
		return true
	}
	d, ok := ParseDuration(t)
	return ok && d > 0
}
