package modules

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var mountFactsModule = Module{
	Name:    "ansible.builtin.mount_facts",
	Summary: say.T("Tells what is mounted, and what should be, as facts.", "마운트된 것과 마운트할 것을 팩트로 알려 준다."),
	Notes:   say.T("For Linux: /etc/vfstab, /etc/mnttab and AIX's /etc/filesystems are not read. A UUID comes from /dev/disk/by-uuid or lsblk.", "리눅스용이다. /etc/vfstab, /etc/mnttab, AIX의 /etc/filesystems는 읽지 않는다. UUID는 /dev/disk/by-uuid나 lsblk에서 얻는다."),
	Spec: Spec{Params: []Param{
		{Name: "devices", Type: List, Elements: Str, Doc: say.T("Only devices that fit one of these patterns.", "이 패턴에 맞는 장치만.")},
		{Name: "fstypes", Type: List, Elements: Str, Doc: say.T("Only types that fit one of these patterns.", "이 패턴에 맞는 파일 시스템 종류만.")},
		{Name: "sources", Type: List, Elements: Str, Doc: say.T("Files to read, mount for the program, or all, static, dynamic.", "읽을 파일, 프로그램은 mount, 또는 all, static, dynamic.")},
		{Name: "mount_binary", Type: Raw, Default: "mount", Doc: say.T("Program that lists mounts where no file does; null for none.", "파일이 없을 때 마운트를 나열할 프로그램. null이면 쓰지 않는다.")},
		{Name: "timeout", Type: Float, Doc: say.T("Seconds that one file system may take.", "파일 시스템 하나에 걸릴 수 있는 초.")},
		{Name: "on_timeout", Default: "error", Choices: []any{"error", "warn", "ignore"}, Doc: say.T("What to do with one that takes longer.", "더 오래 걸리면 할 일.")},
		{Name: "include_aggregate_mounts", Type: Bool, Doc: say.T("Tell every mount of a place, not only the first.", "한 곳의 마운트를 첫 번째만이 아니라 모두 알려 준다.")},
	}},
	Returns: []Return{
		{"ansible_facts", "dict", "always", say.T("mount_points by place, and aggregate_mounts.", "위치별 mount_points와 aggregate_mounts.")},
	},
	Run: runMountFacts,
}

var (
	staticMounts  = []string{"/etc/fstab"}
	dynamicMounts = []string{"/etc/mtab", "/proc/mounts"}
	mountLine     = regexp.MustCompile(`^(\S+) on (\S+) type (\S+) \((.+)\)$`)
)

// mountEntry is one line of a source.
type mountEntry struct {
	source, line                   string
	device, mount, fstype, options string
	numbers                        []int // dump and passno, where they are
	uuid                           any
}

func runMountFacts(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	program, ok := a.Raw("mount_binary").(string)
	switch {
	case a.Raw("mount_binary") != nil && !ok:
		return Fail("argument 'mount_binary' must be a string or null, not %s", value.Str(a.Raw("mount_binary"))), nil
	case a.Given("timeout") && a.Float("timeout") <= 0:
		return Fail("argument 'timeout' must be a positive number or null, not %s", value.Str(a.Raw("timeout"))), nil
	case slices.Contains(a.Strings("sources"), ""):
		return Fail("sources contains an empty string"), nil
	}
	sources := mountSources(a.Strings("sources"))
	f, fail, err := c.observe(ctx, mountScript(sources, program))
	if fail != nil || err != nil {
		return fail, err
	}
	r := OK()
	if distinct := slices.Compact(slices.Sorted(slices.Values(sources))); len(distinct) < len(sources) {
		r.Warnings = append(r.Warnings, "mount_facts option 'sources' contains duplicate entries, repeat sources will be ignored: "+value.Repr(stringList(sources)))
	}
	var kept []mountEntry
	uuids, devices := mountUUIDs(f)
	for _, m := range readMountSources(f, sources) {
		m.uuid = uuids[m.device]
		device := m.device
		if id, ok := strings.CutPrefix(device, "UUID="); ok {
			m.uuid = id
			if devices[id] != "" {
				device = devices[id]
			}
		} else if id, ok := uuids[device]; ok {
			m.uuid = id
		} else {
			m.uuid = nil
		}
		if fitsAny(a.Strings("devices"), device) && fitsAny(a.Strings("fstypes"), m.fstype) {
			kept = append(kept, m)
		}
	}
	return c.measureMounts(ctx, r, kept)
}

func mountSources(wanted []string) []string {
	if len(wanted) == 0 {
		wanted = []string{"all"}
	}
	var out []string
	for _, s := range wanted {
		switch s {
		case "all":
			out = append(append(out, dynamicMounts...), staticMounts...)
		case "dynamic":
			out = append(out, dynamicMounts...)
		case "static":
			out = append(out, staticMounts...)
		default:
			out = append(out, s)
		}
	}
	return out
}

// mountScript reads the sources, each file once whatever its names.
func mountScript(sources []string, program string) string {
	var s strings.Builder
	s.WriteString(systemPath + `seen=' '
F() { [ -r "$2" ] && [ ! -d "$2" ] || return 0
x=$(readlink -f "$2" 2>/dev/null) || x=$2
case $seen in *" $x "*) return 0 ;; esac
seen="$seen$x "
t=$(cat "$2" 2>/dev/null)
case $2 in /etc/mtab|/proc/mounts) [ -z "$t" ] || dynamic=1 ;; esac
printf 'file.%s=%s\0' "$1" "$t"; }
P() { command -v "$2" >/dev/null 2>&1 || N "$2"; dynamic=1; printf 'file.%s=' "$1"; "$2"; printf '\0'; }
dynamic=
`)
	fallback := false
	told := false
	for i, source := range sources {
		fallback = fallback || slices.Contains(dynamicMounts, source)
		if source != "mount" {
			fmt.Fprintf(&s, "F %d %s\n", i, quoteText(source))
		} else if program != "" && !told {
			told = true
			fmt.Fprintf(&s, "P %d %s\n", i, quoteText(program))
		}
	}
	if fallback && program != "" {
		s.WriteString("[ -n \"$dynamic\" ] || P fallback " + quoteText(program) + "\n")
	}
	s.WriteString(`if command -v lsblk >/dev/null 2>&1; then printf 'lsblk='; lsblk --list --noheadings --paths --output NAME,UUID --exclude 2 2>/dev/null; printf '\0'; fi
for l in /dev/disk/by-uuid/*; do [ ! -h "$l" ] || printf 'uuid.%s=%s\0' "${l##*/}" "$(readlink -f "$l")"; done
:
`)
	return s.String()
}

// mountUUIDs are the UUIDs by device and the devices by UUID.
func mountUUIDs(f fields) (uuids, devices map[string]string) {
	uuids, devices = map[string]string{}, map[string]string{}
	for _, line := range lines(f["lsblk"]) {
		if p := strings.Fields(line); len(p) == 2 {
			uuids[p[0]], devices[p[1]] = p[1], p[0]
		}
	}
	for name, device := range f {
		if id, ok := strings.CutPrefix(name, "uuid."); ok {
			uuids[device], devices[id] = id, device
		}
	}
	return uuids, devices
}

func readMountSources(f fields, sources []string) []mountEntry {
	var out []mountEntry
	for i, source := range sources {
		text := f["file."+strconv.Itoa(i)]
		if source == "mount" {
			out = append(out, readMountTable(source, text)...)
			continue
		}
		out = append(out, readFstab(source, text)...)
	}
	return append(out, readMountTable("mount", f["file.fallback"])...)
}

// readMountTable reads what mount prints; a line that it does not know makes
// all of it unknown.
func readMountTable(source, text string) []mountEntry {
	var out []mountEntry
	for _, line := range lines(text) {
		m := mountLine.FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		out = append(out, mountEntry{source: source, line: line, device: m[1], mount: m[2], fstype: m[3], options: m[4]})
	}
	return out
}

// readFstab reads a file of four to six columns; one that is another is none.
func readFstab(source, text string) []mountEntry {
	var out []mountEntry
	for _, line := range lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		p := strings.Fields(line)
		if len(p) < 4 {
			return nil
		}
		for i := range p {
			p[i] = octalUnescape(p[i])
		}
		m := mountEntry{source: source, line: line, device: p[0], mount: p[1], fstype: p[2], options: p[3]}
		for _, word := range p[4:min(len(p), 6)] {
			n, err := strconv.Atoi(word)
			if err != nil {
				return nil
			}
			m.numbers = append(m.numbers, n)
		}
		out = append(out, m)
	}
	return out
}

func fitsAny(patterns []string, s string) bool {
	for _, p := range patterns {
		if globMatch(p, s) {
			return true
		}
	}
	return len(patterns) == 0
}

// measureMounts asks for the sizes and makes the facts.
func (c *Call) measureMounts(ctx context.Context, r *Result, mounts []mountEntry) (*Result, error) {
	a := c.Args
	var s strings.Builder
	limit := ""
	if a.Given("timeout") {
		s.WriteString(needTool("timeout"))
		limit = "timeout " + strconv.FormatFloat(a.Float("timeout"), 'f', -1, 64) + " "
	}
	for i, m := range mounts {
		fmt.Fprintf(&s, "printf 'statfs.%d='; %sstat -f -c '%%s %%S %%b %%a %%c %%d' %s 2>/dev/null </dev/null; printf '\\0code.%d=%%s\\0' \"$?\"\n", i, limit, quoteText(dashless(m.mount)), i)
	}
	f, fail, err := c.observe(ctx, s.String()+":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	points, all := &value.Dict{}, &value.List{}
	repeated := map[string][]string{}
	places := map[string]map[string]bool{}
	for i, m := range mounts {
		d := m.facts()
		n := strconv.Itoa(i)
		if f.text("code."+n) == "124" && limit != "" {
			told := fmt.Sprintf("Timed out getting mount size for mount %s (type %s)", m.mount, m.fstype)
			switch a.Str("on_timeout") {
			case "error":
				return Fail("%s", told), nil
			case "warn":
				r.Warnings = append(r.Warnings, told)
			}
		} else if len(strings.Fields(f["statfs."+n])) == 6 {
			(&factFields{fields: fields{"statfs." + m.mount: f["statfs."+n]}}).statfs(d, m.mount)
		}
		d.Set("ansible_context", value.NewDict("source", m.source, "source_data", m.line))
		d.Set("uuid", m.uuid)
		if !points.Has(m.mount) {
			points.Set(m.mount, d)
		}
		all.Append(d)
		if places[m.source] == nil {
			places[m.source] = map[string]bool{}
		}
		if places[m.source][m.mount] {
			repeated[m.source] = append(repeated[m.source], m.mount)
		}
		places[m.source][m.mount] = true
	}
	if !a.Bool("include_aggregate_mounts") {
		all = &value.List{}
	}
	if len(repeated) > 0 && !a.Given("include_aggregate_mounts") {
		r.Warnings = append(r.Warnings, repeatedMounts(repeated))
	}
	r.Facts = value.NewDict("mount_points", points, "aggregate_mounts", all)
	return r, nil
}

func repeatedMounts(repeated map[string][]string) string {
	var told []string
	for source, list := range repeated {
		told = append(told, source+" ("+value.Repr(stringList(list))+")")
	}
	sort.Strings(told)
	return "mount_facts: ignoring repeat mounts in the following sources: " + strings.Join(told, ", ") +
		". You can disable this warning by configuring the 'include_aggregate_mounts' option as True or False."
}

func (m mountEntry) facts() *value.Dict {
	d := value.NewDict("device", m.device, "fstype", m.fstype, "mount", m.mount, "options", m.options)
	for i, name := range []string{"dump", "passno"} {
		if i < len(m.numbers) {
			d.Set(name, m.numbers[i])
		}
	}
	return d
}
