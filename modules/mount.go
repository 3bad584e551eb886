package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var mountModule = Module{
	Name:       "ansible.posix.mount",
	Summary:    say.T("Manages mounts and their lines in fstab.", "마운트와 fstab의 줄을 관리한다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "path", Aliases: []string{"name"}, Type: Path, Required: true, Doc: say.T("Where it is mounted.", "마운트할 곳.")},
			{Name: "src", Type: Path, Doc: say.T("What is mounted.", "마운트할 것.")},
			{Name: "fstype", Doc: say.T("Type of the file system.", "파일 시스템 종류.")},
			{Name: "opts", Doc: say.T("Options.", "옵션.")},
			{Name: "dump", Default: "0", Doc: say.T("Dump field of fstab.", "fstab의 dump 칸.")},
			{Name: "passno", Default: "0", Doc: say.T("Pass field of fstab.", "fstab의 passno 칸.")},
			{Name: "state", Required: true, Choices: []any{"absent", "absent_from_fstab", "mounted", "present", "unmounted", "remounted", "ephemeral"}, Doc: say.T("What should be: mounted and in fstab, only in fstab (present), and so on.", "상태: mounted는 마운트하고 fstab에도 둔다. present는 fstab에만 둔다.")},
			{Name: "fstab", Doc: say.T("File to use instead of /etc/fstab.", "/etc/fstab 대신 쓸 파일.")},
			{Name: "boot", Type: Bool, Default: true, Doc: say.T("Mount at boot; no adds noauto.", "부팅할 때 마운트한다. no이면 noauto를 더한다.")},
			{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old fstab under a name with the time.", "이전 fstab을 시각이 붙은 이름으로 남긴다.")},
		},
		RequiredIf: []RequiredIf{
			{Param: "state", Value: "mounted", Needs: []string{"src", "fstype"}},
			{Param: "state", Value: "present", Needs: []string{"src", "fstype"}},
			{Param: "state", Value: "ephemeral", Needs: []string{"src", "fstype"}},
		},
	},
	Returns: []Return{
		{"name", "str", "success", say.T("Where it is mounted.", "마운트한 곳.")},
		{"fstab", "str", "success", say.T("The file.", "파일.")},
		{"opts", "str", "success", say.T("Options.", "옵션.")},
		{"backup_file", "str", "success", say.T("The name of the backup.", "백업의 이름.")},
	},
	Run: runMount,
}

// mountWish is a mount as it should be.
type mountWish struct {
	c                             *Call
	name, src, kind, opts         string
	dump, passno                  string
	fstab, boot                   string
	warnings                      []string
	t                             *textFile
	mounted, exists, defaultFstab bool
	mountedFrom                   string
}

func runMount(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	w := &mountWish{c: c, name: a.Str("path"), src: a.Str("src"), kind: a.Str("fstype"), opts: "defaults", dump: a.Str("dump"), passno: a.Str("passno"), fstab: "/etc/fstab", boot: "yes"}
	if a.Given("opts") {
		w.opts = a.Str("opts")
	}
	if a.Given("fstab") {
		w.fstab = a.Str("fstab")
	}
	w.defaultFstab = w.fstab == "/etc/fstab"
	w.settleBoot()
	t, fail, err := c.openFile(ctx, w.fstab, attrs{}, "n="+quotePath(w.name)+"\nprintf 'name=%s\\0mountinfo=' \"$n\"\ncat /proc/self/mountinfo 2>/dev/null || mount\nprintf '\\0'\n[ ! -e \"$n\" ] || printf 'exists=1\\0'\nprintf 'real='; readlink -f \"$n\" 2>/dev/null; printf '\\0'\n")
	if fail != nil || err != nil {
		return fail, err
	}
	w.t, w.name, w.exists = t, t.fields["name"], t.fields.has("exists")
	w.readMounts()
	return w.settle(ctx)
}

func (w *mountWish) settleBoot() {
	opts := strings.Split(w.opts, ",")
	switch {
	case contains(opts, "noauto"):
		w.warnings = append(w.warnings, "Ignore the 'boot' due to 'opts' contains 'noauto'.")
	case w.c.Args.Bool("boot"):
	case contains(opts, "defaults"):
		w.boot = "no"
		w.warnings = append(w.warnings, "Ignore the 'boot' due to 'opts' contains 'defaults'.")
	default:
		w.boot = "no"
		w.opts += ",noauto"
	}
}

func (w *mountWish) readMounts() {
	real := strings.TrimSpace(w.t.fields["real"])
	for _, l := range lines(w.t.fields["mountinfo"]) {
		cols := strings.Fields(l)
		if len(cols) < 7 {
			continue
		}
		at := octalUnescape(cols[4])
		if at != w.name && at != real && at != strings.TrimRight(w.name, "/") {
			continue
		}
		w.mounted = true
		for i, col := range cols {
			if col == "-" && i+2 < len(cols) {
				w.mountedFrom = octalUnescape(cols[i+2])
			}
		}
	}
}

// escapeFstab writes blanks as fstab needs them.
func escapeFstab(s string) string {
	return strings.NewReplacer(`\`, `\134`, " ", `\040`, "&", `\046`, "\t", `\011`, "\n", `\012`).Replace(s)
}

func (w *mountWish) line() string {
	src, opts := escapeFstab(w.src), escapeFstab(w.opts)
	return strings.Join([]string{src, escapeFstab(w.name), w.kind, opts, w.dump, w.passno}, " ") + "\n"
}

// table returns fstab with the line in it, or without it.
func (w *mountWish) table(present bool) (string, bool) {
	var out strings.Builder
	found, changed := false, false
	for _, l := range fileLines(w.t.text()) {
		cols := strings.Fields(l)
		if len(cols) < 4 || strings.HasPrefix(cols[0], "#") || !w.means(cols) {
			out.WriteString(l)
			continue
		}
		if !present {
			changed = true
			continue
		}
		found = true
		for len(cols) < 6 {
			cols = append(cols, "0")
		}
		if want := w.line(); strings.Join(cols[:6], " ")+"\n" != want {
			out.WriteString(want)
			changed = true
		} else {
			out.WriteString(l)
		}
	}
	if present && !found {
		if s := out.String(); s != "" && !strings.HasSuffix(s, "\n") {
			out.WriteByte('\n')
		}
		out.WriteString(w.line())
		changed = true
	}
	return out.String(), changed
}

// means reports whether a line of fstab is about the same mount: swaps and
// what has no place are told apart by what they are.
func (w *mountWish) means(cols []string) bool {
	if octalUnescape(cols[1]) != w.name {
		return false
	}
	return w.name != "none" && w.name != "swap" || w.src == "" || octalUnescape(cols[0]) == w.src
}

func (w *mountWish) settle(ctx context.Context) (*Result, error) {
	state := w.c.Args.Str("state")
	switch state {
	case "present":
		return w.finish(ctx, true, true, nil)
	case "absent_from_fstab":
		return w.finish(ctx, true, false, nil)
	case "absent":
		_, changed := w.table(false)
		var steps []string
		if changed && w.mounted {
			steps = append(steps, "umount "+quoteText(w.name))
		}
		if changed && w.exists {
			steps = append(steps, "rmdir "+quoteText(w.name))
		}
		return w.finish(ctx, true, false, steps)
	case "unmounted":
		if w.mounted {
			return w.finish(ctx, false, false, []string{"umount " + quoteText(w.name)})
		}
		return w.finish(ctx, false, false, nil)
	case "remounted":
		return w.finish(ctx, false, false, []string{w.remount()})
	case "ephemeral":
		return w.ephemeral(ctx)
	}
	_, changed := w.table(true)
	switch {
	case !w.mounted:
		return w.finish(ctx, true, true, w.mountNew(w.mount()))
	case changed:
		return w.finish(ctx, true, true, []string{w.remount()})
	}
	return w.finish(ctx, true, true, nil)
}

// mountNew mounts by the command, on a directory that is made first and taken
// away again when mounting fails.
func (w *mountWish) mountNew(mount string) []string {
	if w.exists {
		return []string{mount}
	}
	at := quoteText(w.name)
	return []string{"mkdir -p " + at, "{ " + mount + " || { r=$?; rmdir -- " + at + " 2>/dev/null; exit \"$r\"; }; }"}
}

func (w *mountWish) ephemeral(ctx context.Context) (*Result, error) {
	switch {
	case !w.mounted:
		return w.finish(ctx, false, false, w.mountNew(shellLine("mount", "-t", w.kind, "-o", w.opts, w.src, w.name)))
	case w.mountedFrom != w.src:
		return Fail("Ephemeral mount point is already mounted with a different source than the specified one. Failing in order to prevent an unwanted unmount or override operation. Try replacing this command with a \"state: unmounted\" followed by a \"state: ephemeral\", or use a different destination path."), nil
	}
	return w.finish(ctx, false, false, []string{w.remount()})
}

func (w *mountWish) mount() string {
	words := []string{"mount"}
	if !w.defaultFstab {
		words = append(words, "-T", w.fstab)
	}
	return shellLine(append(words, w.name)...)
}

// remount takes the mount down and up again where it cannot be remounted.
func (w *mountWish) remount() string {
	options := "remount"
	if w.c.Args.Given("opts") {
		options += "," + w.opts
	}
	words := []string{"mount", "-o", options}
	if !w.defaultFstab {
		words = append(words, "-T", w.fstab)
	}
	again := w.mount()
	if w.c.Args.Str("state") == "ephemeral" {
		again = shellLine("mount", "-t", w.kind, "-o", w.opts, w.src, w.name)
	}
	return "{ " + shellLine(append(words, w.name)...) + " 2>/dev/null || { umount " + quoteText(w.name) + " && " + again + "; }; }"
}

// finish writes fstab and takes the steps. A fstab whose mount fails is put
// back: it could keep the host from booting.
func (w *mountWish) finish(ctx context.Context, write, present bool, steps []string) (*Result, error) {
	text, changed := w.t.text(), false
	if write {
		text, changed = w.table(present)
	}
	r := ChangedIf(changed || len(steps) > 0)
	warnings := value.Strings(w.warnings)
	r.Warnings = w.warnings
	r.Set("name", w.name).Set("fstab", w.fstab).Set("opts", w.opts).Set("dump", w.dump).Set("passno", w.passno).Set("boot", w.boot).Set("warnings", warnings).Set("backup_file", "")
	for name, v := range map[string]string{"src": w.src, "fstype": w.kind} {
		if w.c.Args.Given(name) {
			r.Set(name, v)
		}
	}
	if changed {
		w.c.fileDiff(r, w.t, text)
	}
	if w.c.Check || !r.Changed {
		return r, nil
	}
	if changed {
		_, backup, fail, err := w.c.keepFile(ctx, w.t, text, kept{backup: w.c.Args.Bool("backup"), unsafe: true})
		if fail != nil || err != nil {
			return fail, err
		}
		if backup != "" && backup != "." {
			r.Set("backup_file", backup)
		}
	}
	s, fail, err := w.c.do(ctx, steps...)
	if fail == nil && err == nil {
		return r, nil
	}
	if err == nil {
		word := map[string]string{"absent": "unmounting", "unmounted": "unmounting", "remounted": "remounting"}[w.c.Args.Str("state")]
		if word == "" {
			word = "mounting"
		}
		fail.Msg = "Error " + word + " " + w.name + ": " + s.message()
		if changed && present {
			old := string(w.t.content)
			w.t.content = []byte(text)
			if _, _, undo, err := w.c.keepFile(ctx, w.t, old, kept{unsafe: true}); err != nil {
				return nil, err
			} else if undo != nil {
				fail.Msg += "; and " + w.fstab + " could not be put back: " + undo.Msg
			}
		}
	}
	return fail, err
}
