package modules

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"

	"sunup/internal/say"
)

var aptRepositoryModule = Module{
	Name:       "ansible.builtin.apt_repository",
	Summary:    say.T("Adds and removes APT repositories in sources.list.", "sources.list에 APT 저장소를 더하고 뺀다."),
	Notes:      say.T("ppa: addresses are turned into lines, but their key is not fetched: use a Signed-By key.", "ppa: 주소는 줄로 바꾸지만 키는 받지 않으므로 Signed-By 키를 쓴다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "repo", Required: true, Doc: say.T("The line: deb [options] address suite components.", "저장소 줄: deb [옵션] 주소 배포판 구성.")},
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether it should be there.", "저장소가 있어야 하는지.")},
		{Name: "mode", Type: Raw, Doc: say.T("Mode of a new file.", "새 파일의 권한.")},
		{Name: "update_cache", Aliases: []string{"update-cache"}, Type: Bool, Default: true, Doc: say.T("Run apt-get update after a change.", "바꾼 뒤 apt-get update를 실행한다.")},
		{Name: "update_cache_retries", Type: Int, Default: 5, Doc: say.T("How often to try the update.", "갱신을 시도하는 횟수.")},
		{Name: "update_cache_retry_max_delay", Type: Int, Default: 12, Doc: say.T("Longest wait between two tries, in seconds.", "다시 시도하기까지 가장 긴 초.")},
		{Name: "filename", Doc: say.T("File below sources.list.d, without .list.", "sources.list.d 아래의 파일(.list 제외).")},
		{Name: "install_python_apt", Type: Bool, Default: true, NoEffect: true, Doc: say.T("python3-apt is not needed.", "python3-apt가 필요 없다.")},
		{Name: "validate_certs", Type: Bool, Default: true, NoEffect: true, Doc: say.T("nothing is downloaded for ppa: addresses.", "ppa: 주소를 위해 내려받는 것이 없다.")},
		{Name: "codename", Doc: say.T("Suite for ppa: addresses.", "ppa: 주소의 배포판 이름.")},
	}},
	Returns: []Return{
		{"repo", "str", "always", say.T("The line.", "저장소 줄.")},
		{"sources_added", "list", "success", say.T("Files that are new.", "새로 생긴 파일.")},
		{"sources_removed", "list", "success", say.T("Files that are gone.", "없어진 파일.")},
	},
	Run: runAptRepository,
}

const lookSources = `for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
[ ! -f "$f" ] || { printf 'file.%s=' "$f"; cat "$f"; printf '\0'; }
done
[ ! -r /etc/os-release ] || { . /etc/os-release; printf 'codename=%s\0' "${VERSION_CODENAME:-}"; }
`

var (
	sourceLine    = regexp.MustCompile(`^(deb|deb-src)\s+(\[[^\]]*\]\s*)?\S+\s+\S+.*$`)
	sourceOptions = regexp.MustCompile(`\[[^\]]+\]`)
	sourceScheme  = regexp.MustCompile(`\w+://`)
	noWord        = regexp.MustCompile(`[^a-zA-Z0-9]+`)
)

// sourceKey is a line as two of them are compared: without its comment and
// with single blanks.
func sourceKey(line string) string {
	line, _, _ = strings.Cut(line, " #")
	return strings.Join(strings.Fields(line), " ")
}

// suggestedSource is the file for a line whose file was not named.
func suggestedSource(line string) string {
	line = sourceScheme.ReplaceAllString(sourceOptions.ReplaceAllString(line, ""), "")
	for _, word := range strings.Fields(line) {
		if word == "deb" || word == "deb-src" {
			continue
		}
		if _, after, ok := strings.Cut(word, "@"); ok {
			word = after
		}
		return strings.Trim(noWord.ReplaceAllString(word, "_"), "_")
	}
	return "repository"
}

func runAptRepository(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	f, fail, err := c.observe(ctx, lookSources+":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	repo := strings.TrimSpace(a.Str("repo"))
	name := ""
	if ppa, ok := strings.CutPrefix(repo, "ppa:"); ok {
		codename := a.Str("codename")
		if codename == "" {
			codename = f["codename"]
		}
		owner, archive, _ := strings.Cut(ppa, "/")
		if archive == "" {
			archive = "ppa"
		}
		repo = "deb http://ppa.launchpad.net/" + owner + "/" + archive + "/ubuntu " + codename + " main"
		name = strings.Trim(noWord.ReplaceAllString("ppa_"+ppa+"_"+codename, "_"), "_")
	}
	r := OK().Set("repo", a.Str("repo")).Set("state", a.Str("state"))
	if !sourceLine.MatchString(repo) {
		return Fail("Invalid repository string: %s", a.Str("repo")), nil
	}
	if name == "" {
		name = suggestedSource(repo)
	}
	if a.Given("filename") {
		name = a.Str("filename")
	}
	file := name
	if !strings.Contains(name, "/") {
		file = "/etc/apt/sources.list.d/" + name
	}
	if !strings.HasSuffix(file, ".list") {
		file += ".list"
	}
	return c.settleSource(ctx, r, f, repo, file)
}

func (c *Call) settleSource(ctx context.Context, r *Result, f fields, repo, file string) (*Result, error) {
	a := c.Args
	change := map[string]string{} // the new text of files
	there := false
	var disabled []string // files that hold the line as a comment
	for name, text := range f {
		name, ok := strings.CutPrefix(name, "file.")
		if !ok {
			continue
		}
		var keep strings.Builder
		hit := false
		for _, l := range fileLines(text) {
			if sourceKey(l) == sourceKey(repo) {
				hit = true
				continue
			}
			if off, ok := strings.CutPrefix(strings.TrimSpace(l), "#"); ok && off != "" && sourceKey(off) == sourceKey(repo) {
				disabled = append(disabled, name)
			}
			keep.WriteString(l)
		}
		if there = there || hit; hit && a.Str("state") == "absent" {
			change[name] = keep.String()
		}
	}
	added, removed := []string{}, []string{}
	if a.Str("state") == "present" && !there && len(disabled) > 0 {
		name := slices.Min(disabled)
		change[name] = enabledSource(f["file."+name], repo)
	} else if a.Str("state") == "present" && !there {
		old, exists := f["file."+file]
		if exists && old != "" && !strings.HasSuffix(old, "\n") {
			old += "\n"
		}
		if !exists {
			added = append(added, file)
		}
		change[file] = old + repo + "\n"
	}
	r.Changed = len(change) > 0
	for name, text := range change {
		if strings.TrimSpace(text) == "" {
			removed = append(removed, name)
		}
		if c.Diff {
			before, after := name, name
			if !f.has("file." + name) {
				before = os.DevNull
			}
			if strings.TrimSpace(text) == "" {
				after = os.DevNull
			}
			r.Diffs = append(r.Diffs, contentDiff([]byte(f["file."+name]), []byte(text), before, after))
		}
	}
	r.Set("sources_added", stringList(added)).Set("sources_removed", stringList(removed))
	if c.Check || !r.Changed {
		return r, nil
	}
	return c.writeSources(ctx, r, f, change)
}

// enabledSource is a file's text with the commented line taken into use.
func enabledSource(text, repo string) string {
	var out strings.Builder
	done := false
	for _, l := range fileLines(text) {
		if off, ok := strings.CutPrefix(strings.TrimSpace(l), "#"); ok && !done && sourceKey(off) == sourceKey(repo) {
			l, done = repo+"\n", true
		}
		out.WriteString(l)
	}
	return out.String()
}

// writeSources writes the files. When the lists cannot be updated afterwards,
// they are put back.
func (c *Call) writeSources(ctx context.Context, r *Result, f fields, change map[string]string) (*Result, error) {
	a := c.Args
	for name, text := range change {
		if strings.TrimSpace(text) == "" {
			if fail, err := c.removeFile(ctx, name); fail != nil || err != nil {
				return fail, err
			}
			continue
		}
		var w attrs
		if a.Given("mode") {
			w.mode = a.Raw("mode")
		}
		t, fail, err := c.openFile(ctx, name, w, ":\n")
		if fail == nil && err == nil {
			_, _, fail, err = c.keepFile(ctx, t, text, kept{})
		}
		if fail != nil || err != nil {
			return fail, err
		}
	}
	if !a.Bool("update_cache") {
		return r, nil
	}
	s, fail, err := c.hear(ctx, needTool("apt-get")+"n=0\nwhile ! apt-get update -q -o APT::Update::Error-Mode=any -o Acquire::Retries=2 -o DPkg::Lock::Timeout=60; do n=$((n+1)); [ \"$n\" -lt 2 ] || exit 100; sleep 2; done\n", "")
	if fail != nil || err != nil || s.code == 0 {
		if fail == nil && err == nil {
			return r, nil
		}
		return fail, err
	}
	for name := range change {
		old, exists := f["file."+name]
		if !exists {
			if fail, err := c.removeFile(ctx, name); fail != nil || err != nil {
				return fail, err
			}
			continue
		}
		t, fail, err := c.openFile(ctx, name, attrs{}, ":\n")
		if fail == nil && err == nil {
			_, _, fail, err = c.keepFile(ctx, t, old, kept{})
		}
		if fail != nil || err != nil {
			return fail, err
		}
	}
	return Fail("apt cache update failed: %s", s.message()), nil
}
