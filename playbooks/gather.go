package playbooks

import (
	"strconv"
	"strings"
	"time"

	"sunup/internal/say"
	"sunup/internal/yaml"
)

// What an entry of gather collects at most, and in what time.
const (
	GatherMost   = 64 << 10 // bytes, when the entry does not say
	GatherLimit  = 256 << 10
	GatherWithin = 30 * time.Second
)

// gatherKeys are the keys of an entry of gather.
var gatherKeys = []string{"path", "command", "most", "within"}

// gather checks the list of what is collected after a failure: paths, and
// mappings with a path or a command.
func (s *session) gather(key, v *yaml.Node) {
	if isNull(v) || isTemplateNode(v) || s.broken(v) {
		return
	}
	items := []*yaml.Node{v}
	if v.Kind == yaml.Sequence {
		items = v.Items
	}
	for _, item := range items {
		switch {
		case s.broken(item):
		case item.Kind == yaml.Mapping:
			s.gatherEntry(item)
		case isText(item):
			s.gatherPath(item)
		default:
			s.report(problem(item, "bad-gather", say.T("gather must be a list of files and commands, not %s", "gather에는 파일과 명령의 목록이 와야 하는데 %s{이/가} 있습니다", kindWords(item)), say.Text{},
				say.T("write '- /var/log/app.log' or '- command: df -h'; for facts the keyword is gather_facts", "'- /var/log/app.log'나 '- command: df -h'처럼 쓰세요. 팩트 수집은 gather_facts입니다")))
		}
	}
}

// gatherPath refuses what can only be a command, or a file nobody would find.
func (s *session) gatherPath(n *yaml.Node) {
	t, known := literal(n)
	if !known || strings.HasPrefix(t, "/") || strings.HasPrefix(t, "~") {
		return
	}
	s.report(problem(n, "bad-gather", say.T("'%s' is no path that begins with / or ~", "'%s'{은/는} /나 ~로 시작하는 경로가 아닙니다", t),
		say.T("the file is looked for on the host, where no directory is ours", "파일은 호스트에서 찾으며, 기준이 되는 디렉터리가 없습니다"),
		say.T("write the whole path; for a command write '- command: %s'", "전체 경로를 쓰세요. 명령이면 '- command: %s'처럼 쓰세요", t)))
}

func (s *session) gatherEntry(n *yaml.Node) {
	wanted := 0
	for _, part := range n.Entries {
		name := scalarText(part.Key)
		switch name {
		case "path", "command":
			wanted++
			if s.checkShape(&keyword{name: name, shape: text}, part.Key, part.Value) && name == "path" {
				s.gatherPath(part.Value)
			}
		case "most":
			s.gatherSize(part.Value)
		case "within":
			s.checkShape(&keyword{name: name, shape: duration}, part.Key, part.Value)
		default:
			s.report(problem(part.Key, "unknown-keyword", say.T("unknown key '%s' in gather", "gather에 알 수 없는 키 '%s'{이/가} 있습니다", name), say.Text{},
				nearestOr(name, gatherKeys, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(gatherKeys, ", ")))))
		}
	}
	if wanted != 1 {
		s.report(problem(n, "bad-gather", say.T("an entry of gather has either a path or a command", "gather의 항목에는 path나 command 중 하나만 있어야 합니다"), say.Text{},
			say.T("write '- path: /var/log/app.log' or '- command: df -h'", "'- path: /var/log/app.log'나 '- command: df -h'처럼 쓰세요")))
	}
}

func (s *session) gatherSize(n *yaml.Node) {
	t, known := literal(n)
	if !known || s.broken(n) {
		return
	}
	if size, ok := ParseSize(t); !ok || size == 0 || size > GatherLimit {
		s.report(problem(n, "bad-gather", say.T("most must be a size up to %dK, not %s", "most에는 %dK 이하의 크기가 와야 하는데 %s{이/가} 있습니다", GatherLimit>>10, kindWords(n)), say.Text{},
			say.T("write 64K", "64K처럼 쓰세요")))
	}
}

// ParseSize reads a number of bytes, such as 4096, 64K or 1M.
func ParseSize(text string) (bytes int, ok bool) {
	t := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(text)), "B"), "I")
	unit := 1
	for suffix, n := range map[string]int{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30} {
		if before, found := strings.CutSuffix(t, suffix); found {
			t, unit = strings.TrimSpace(before), n
			break
		}
	}
	n, err := strconv.Atoi(t)
	if err != nil || n < 0 || n > 1<<20 {
		return 0, false
	}
	return n * unit, true
}
