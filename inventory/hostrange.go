package inventory

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"sunup/internal/say"
)

// What Ansible takes for a host name, an address or a range of them. A name
// that fits none of these is taken as it is; the forms only decide what is a
// port, and which patterns are split at colons.
const (
	numericRange = `\[[0-9]+:[0-9]+(?::[0-9]+)?\]`
	hexRange     = `\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\]`
	letterRange  = `\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]`
	quad         = `(?:[0-9a-f]{1,4}|` + hexRange + `)`
	octet        = `(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5]|` + numericRange + `)`
	word         = `[\p{L}\p{N}_]`
	label        = `(?:` + word + `|` + letterRange + `)(?:[\p{L}\p{N}_-]|` + letterRange + `)*`
)

// The forms are compiled when the first host or pattern needs them: together
// they take longer than all of a command such as --version.
var (
	bracketedPort = form(`^\[(.+)\]:([0-9]+)$`)
	namePort      = form(`^((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)$`)
	ipv4          = form(`(?i)^(?:` + octet + `\.){3}` + octet + `$`)
	hostname      = form(`(?i)^` + label + `(?:\.` + label + `)*$`)
	// Only the last alternative is held to the end: in Ansible's expression, too,
	// so that a pattern such as fe80::1:&web stays in one piece.
	ipv6 = form(`(?i)^(?:` + strings.Join([]string{
		`(?:` + quad + `:){7}` + quad,
		`(?:` + quad + `:){1,6}:`,
		`(?:` + quad + `:)(?::` + quad + `){1,6}`,
		`(?:` + quad + `:){2}(?::` + quad + `){1,5}`,
		`(?:` + quad + `:){3}(?::` + quad + `){1,4}`,
		`(?:` + quad + `:){4}(?::` + quad + `){1,3}`,
		`(?:` + quad + `:){5}(?::` + quad + `){1,2}`,
		`(?:` + quad + `:){6}(?::` + quad + `)`,
		`:(?::` + quad + `){1,6}`,
		quad + `?::`,
		`(?:0:){6}(?:` + octet + `\.){3}` + octet,
		`::(?:ffff:)?(?:` + octet + `\.){3}` + octet,
		`(?:0:){5}ffff:(?:` + octet + `\.){3}` + octet + `$`,
	}, `|`) + `)`)
	rangeInName = form(`\[[^\]]*\]`)
)

// form is a regular expression that is compiled when it is asked for first.
func form(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

func isIPv6(s string) bool { return strings.Contains(s, ":") && ipv6().MatchString(s) }

// isHostname reports whether s is made of labels; a label must not end in a
// hyphen or an underscore.
func isHostname(s string) bool {
	if !hostname().MatchString(s) {
		return false
	}
	for _, l := range strings.Split(rangeInName().ReplaceAllString(s, "r"), ".") {
		if strings.HasSuffix(l, "-") || strings.HasSuffix(l, "_") {
			return false
		}
	}
	return true
}

// parseAddress splits a port off a name, an address or a range of them. It
// reports false when the text is none of these.
func parseAddress(s string) (host string, port int, ok bool) {
	host = s
	for _, form := range []*regexp.Regexp{bracketedPort(), namePort()} {
		if m := form.FindStringSubmatch(host); m != nil {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				return s, 0, false
			}
			host, port = m[1], n
		}
	}
	if ipv4().MatchString(host) || isIPv6(host) || isHostname(host) {
		return host, port, true
	}
	return s, 0, false
}

// maxRange bounds the hosts of one range: [1:999999999] is a slip of the hand.
const maxRange = 200_000

// expandHosts returns the names that a host entry stands for, and its port.
func expandHosts(entry string) (hosts []string, port int, problem say.Text) {
	host := entry
	if strings.ContainsAny(entry, ":[") {
		if h, p, ok := parseAddress(entry); ok {
			host, port = h, p
		}
	}
	if !strings.Contains(host, "[") {
		return []string{host}, port, say.Text{}
	}
	hosts, problem = expandRange(host, nil)
	return hosts, port, problem
}

// expandRange replaces the first [begin:end:step] by each of its values, and
// goes on with the ranges behind it.
func expandRange(name string, out []string) ([]string, say.Text) {
	open := strings.IndexByte(name, '[')
	if open < 0 {
		return append(out, name), say.Text{}
	}
	length := strings.IndexByte(name[open:], ']')
	if length < 0 {
		return out, say.T("the range in '%s' has no ']'", "'%s'의 범위에 ']'가 없습니다", name)
	}
	values, problem := rangeValues(name[open+1 : open+length])
	if !problem.IsZero() {
		return out, problem
	}
	head, tail := name[:open], name[open+length+1:]
	for _, v := range values {
		if out, problem = expandRange(head+v+tail, out); !problem.IsZero() {
			return out, problem
		}
		if len(out) > maxRange {
			return out, say.T("'%s' stands for more than %d hosts", "'%s'{은/는} 호스트 %d대가 넘습니다", name, maxRange)
		}
	}
	return out, say.Text{}
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func rangeValues(text string) ([]string, say.Text) {
	bounds := strings.Split(text, ":")
	if len(bounds) != 2 && len(bounds) != 3 {
		return nil, say.T("the range [%s] must be [begin:end] or [begin:end:step]", "범위 [%s]{은/는} [시작:끝] 또는 [시작:끝:간격] 꼴이어야 합니다", text)
	}
	begin, end, step := bounds[0], bounds[1], 1
	if begin == "" {
		begin = "0"
	}
	if end == "" {
		return nil, say.T("the range [%s] has no end", "범위 [%s]에 끝 값이 없습니다", text)
	}
	if len(bounds) == 3 {
		n, err := strconv.Atoi(bounds[2])
		if err != nil || n < 1 {
			return nil, say.T("the step '%s' of a range must be a whole number from 1", "범위의 간격 '%s'{은/는} 1 이상의 정수여야 합니다", bounds[2])
		}
		step = n
	}
	width := 0
	if begin[0] == '0' && len(begin) > 1 {
		if width = len(begin); width != len(end) {
			return nil, say.T("'%s' and '%s' of a range with leading zeros must be of the same length", "0으로 시작하는 범위의 '%s'{와/과} '%s'{은/는} 길이가 같아야 합니다", begin, end)
		}
	}
	if i, j := strings.Index(letters, begin), strings.Index(letters, end); len(begin) == 1 && len(end) == 1 && i >= 0 && j >= 0 {
		return letterValues(text, i, j, step)
	}
	return numberValues(text, begin, end, step, width)
}

func letterValues(text string, from, to, step int) (out []string, problem say.Text) {
	if from > to {
		return nil, say.T("the range [%s] must begin before its end", "범위 [%s]의 시작이 끝보다 뒤입니다", text)
	}
	for i := from; i <= to; i += step {
		out = append(out, letters[i:i+1])
	}
	return out, say.Text{}
}

func numberValues(text, begin, end string, step, width int) (out []string, problem say.Text) {
	from, err := strconv.Atoi(begin)
	to, err2 := strconv.Atoi(end)
	if err != nil || err2 != nil {
		return nil, say.T("the ends of the range [%s] must be two numbers or two letters", "범위 [%s]의 양 끝은 숫자 둘이거나 글자 둘이어야 합니다", text)
	}
	if to/step-from/step > maxRange {
		return nil, say.T("the range [%s] stands for more than %d hosts", "범위 [%s]{은/는} 호스트 %d대가 넘습니다", text, maxRange)
	}
	for i := from; i <= to; i += step {
		s := strconv.Itoa(i)
		for len(s) < width {
			s = "0" + s
		}
		out = append(out, s)
	}
	return out, say.Text{}
}
