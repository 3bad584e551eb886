package modules

import (
	"context"
	"path"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var archiveModule = Module{
	Name:    "community.general.archive",
	Summary: say.T("Packs files into an archive.", "파일을 압축 파일로 묶는다."),
	Notes: say.T("Made by tar (or zip) of the host. An archive is made anew when what it lists differs, or a file is newer than it.",
		"호스트의 tar(또는 zip)로 만든다. 담긴 목록이 다르거나 더 새로운 파일이 있으면 다시 만든다."),
	Idempotent: true,
	Spec: Spec{File: true, Params: []Param{
		{Name: "path", Type: List, Elements: Path, Required: true, Doc: say.T("Files, directories and patterns.", "파일, 디렉터리, 패턴.")},
		{Name: "format", Default: "gz", Choices: []any{"bz2", "gz", "tar", "xz", "zip"}, Doc: say.T("Kind of archive.", "압축 형식.")},
		{Name: "dest", Type: Path, Doc: say.T("The archive.", "압축 파일.")},
		{Name: "exclude_path", Type: List, Elements: Path, Default: value.NewList(), Doc: say.T("What of path to leave out.", "path에서 뺄 것.")},
		{Name: "exclusion_patterns", Type: List, Elements: Path, Doc: say.T("Patterns of names to leave out.", "뺄 이름의 패턴.")},
		{Name: "force_archive", Type: Bool, Default: false, Doc: say.T("Make an archive also of a single file.", "파일이 하나라도 묶는다.")},
		{Name: "remove", Type: Bool, Default: false, Doc: say.T("Delete what was packed.", "묶은 것을 지운다.")},
	}},
	Returns: []Return{
		{"dest", "str", "always", say.T("The archive.", "압축 파일.")},
		{"archived", "list", "success", say.T("What was packed.", "묶은 것.")},
		{"missing", "list", "always", say.T("What was not there.", "없었던 것.")},
		{"expanded_paths", "list", "always", say.T("The paths found.", "찾은 경로.")},
		{"dest_state", "str", "success", say.T("archive, compressed or absent.", "archive, compressed 또는 absent.")},
	},
	Run: runArchive,
}

func runArchive(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	var s strings.Builder
	s.WriteString(systemPath)
	for _, p := range a.Strings("path") {
		s.WriteString("for x in " + quoteGlob(p) + "; do if [ -e \"$x\" ] || [ -h \"$x\" ]; then printf 'batch=1\\0%s\\0' \"$x\"; if [ -d \"$x\" ]; then printf 'd'; else printf 'f'; fi; printf '\\0'; else printf 'gone.%s=1\\0' \"$x\"; fi; done\n")
	}
	f, fail, err := c.observe(ctx, s.String()+"d="+quotePath(a.Str("dest"))+"\nprintf 'dest=%s\\0' \"$d\"\n[ ! -f \"$d\" ] || printf 'there=1\\0'\n")
	if fail != nil || err != nil {
		return fail, err
	}
	var paths []string
	dir := false
	parts := strings.Split(f[batchesField], "\x00")
	for i := 0; i+2 < len(parts); i += 3 {
		if p := parts[i+1]; !contains(a.Strings("exclude_path"), p) && p != f["dest"] {
			paths = append(paths, p)
			dir = dir || parts[i+2] == "d"
		}
	}
	missing := []string{}
	for name := range f {
		if p, ok := strings.CutPrefix(name, "gone."); ok {
			missing = append(missing, p)
		}
	}
	w := packing{c: c, format: a.Str("format"), dest: f["dest"], paths: paths, single: len(paths) == 1 && !dir && !a.Bool("force_archive") && len(a.Strings("path")) == 1}
	if w.dest == "" {
		if len(paths) != 1 {
			return Fail("Error, must specify \"dest\" when archiving multiple files or trees"), nil
		}
		w.dest = strings.TrimRight(paths[0], "/") + w.ending()
	}
	r := OK().Set("dest", w.dest).Set("missing", stringList(sortedTexts(missing))).Set("expanded_paths", stringList(paths)).Set("archived", stringList(paths)).Set("dest_state", "absent")
	if len(paths) == 0 {
		if f.has("there") {
			r.Set("dest_state", "archive")
		}
		if !f.has("there") {
			return Fail("Error, no source paths were found"), nil
		}
		return r, nil
	}
	return w.pack(ctx, r)
}

// packing is an archive to be made.
type packing struct {
	c            *Call
	format, dest string
	paths        []string
	single       bool
}

func (w packing) ending() string {
	if w.single || w.format == "zip" || w.format == "tar" {
		return "." + w.format
	}
	return ".tar." + w.format
}

// root is the directory that all paths share.
func (w packing) root() string {
	root := path.Dir(strings.TrimRight(w.paths[0], "/"))
	for _, p := range w.paths[1:] {
		for root != "/" && root != "." && !strings.HasPrefix(p, root+"/") {
			root = path.Dir(root)
		}
	}
	return root
}

func (w packing) pack(ctx context.Context, r *Result) (*Result, error) {
	a := w.c.Args
	root := w.root()
	var members []string
	for _, p := range w.paths {
		members = append(members, strings.TrimPrefix(strings.TrimPrefix(strings.TrimRight(p, "/"), root), "/"))
	}
	flag := map[string]string{"gz": "z", "bz2": "j", "xz": "J", "tar": ""}[w.format]
	var exclude []string
	for _, x := range a.Strings("exclude_path") {
		exclude = append(exclude, "--exclude="+strings.TrimPrefix(strings.TrimPrefix(strings.TrimRight(x, "/"), root), "/"))
	}
	for _, x := range a.Strings("exclusion_patterns") {
		exclude = append(exclude, "--exclude="+x)
	}
	state := "archive"
	var make, list string
	switch {
	case w.single && w.format != "zip" && w.format != "tar":
		state = "compressed"
		tool := map[string]string{"gz": "gzip -n", "bz2": "bzip2", "xz": "xz"}[w.format]
		make = strings.Fields(tool)[0] + " -c" + option(w.format == "gz", " -n") + " <" + quoteText(w.paths[0]) + " >\"$t\""
	case w.format == "zip":
		make = "rm -f \"$t\" && zip -q -r \"$t\" " + shellLine(append([]string{"--"}, members...)...)
		for _, x := range exclude {
			make += " -x " + quoteText(strings.TrimPrefix(x, "--exclude="))
		}
	default:
		make = shellLine(append(append([]string{"tar", "-c" + flag + "f"}, ""), exclude...)...)
		make = strings.Replace(make, " ''", " \"$t\"", 1) + " -- " + shellLine(members...)
		list = "tar -t" + flag + "f"
	}
	// An archive that lists the same, and is not older than any of it, stays.
	same := "[ -f \"$d\" ] && [ -z \"$(find " + shellLine(members...) + " -newer \"$d\" ! -type d 2>/dev/null | head -n 1)\" ]"
	switch {
	case state == "compressed":
		same = "cmp -s \"$t\" \"$d\""
	case list != "":
		same += " && [ \"$(" + list + " \"$t\" 2>/dev/null)\" = \"$(" + list + " \"$d\" 2>/dev/null)\" ]"
	}
	write := "cat \"$t\" >\"$d\" || { printf '\\0fail=cannot write %s\\0' \"$d\"; exit 0; }"
	if w.c.Check {
		write = ":"
	}
	script := systemPath + "d=" + quoteText(w.dest) + "\ncd " + quoteText(dashless(root)) + " || exit 1\n"
	tool := strings.Fields(make)[0]
	if tool == "rm" {
		tool = "zip"
	}
	script += needTool(tool) + "t=$(mktemp) || exit 1\ntrap 'rm -f \"$t\"' EXIT\nx=$( { " + make + "; } 2>&1) || { printf '\\0fail=Error when writing %s: %s\\0' \"$d\" \"$x\"; exit 0; }\n" +
		"if " + same + "; then :; else printf 'changed=1\\0'; " + write + "; fi\n"
	if a.Bool("remove") && !w.c.Check {
		script += "rm -rf -- " + shellLine(members...) + "\n"
	}
	f, fail, err := w.c.observe(ctx, script)
	if fail != nil || err != nil {
		return fail, err
	}
	r.Changed = f.has("changed") || a.Bool("remove")
	r.Set("dest_state", state).Set("state", "file")
	if !w.c.Check {
		return w.attributes(ctx, r)
	}
	return r, nil
}

// attributes gives the archive the owner and mode that were asked for.
func (w packing) attributes(ctx context.Context, r *Result) (*Result, error) {
	want := attrsOf(w.c.Args)
	f, fail, err := w.c.observe(ctx, "p="+quoteText(w.dest)+"\nO at \"$p\"\n"+want.lookup())
	if fail != nil || err != nil {
		return fail, err
	}
	at := f.found("at", w.dest)
	change, fail := want.compare(at, want.identities(f))
	if fail != nil {
		return fail, nil
	}
	if change.needed() {
		r.Changed = true
		if at, fail, err = w.c.changeAttrs(ctx, at, change); fail != nil || err != nil {
			return fail, err
		}
	}
	at.describe(r, "")
	return r, nil
}
