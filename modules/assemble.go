package modules

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var assembleModule = Module{
	Name:    "ansible.builtin.assemble",
	Summary: say.T("Makes one file of the files in a directory.", "디렉터리의 조각 파일들을 하나로 잇는다."),
	Check:   CheckNone,
	Spec: Spec{File: true, Params: []Param{
		{Name: "src", Type: Path, Required: true, Doc: say.T("Directory of the parts.", "조각들의 디렉터리.")},
		{Name: "dest", Type: Path, Required: true, Doc: say.T("The file to write.", "쓸 파일.")},
		{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
		{Name: "delimiter", Doc: say.T("Text between the parts.", "조각 사이에 넣을 글자.")},
		{Name: "remote_src", Type: Bool, Default: true, Doc: say.T("The parts are on the host.", "조각이 호스트에 있다.")},
		{Name: "regexp", Doc: say.T("Only parts whose name matches.", "이름이 맞는 조각만 쓴다.")},
		{Name: "ignore_hidden", Type: Bool, Default: false, Doc: say.T("Leave hidden files out.", "숨은 파일은 뺀다.")},
		{Name: "validate", Doc: say.T("Command that must accept the new file (%s).", "새 파일(%s)을 통과시켜야 하는 명령.")},
		{Name: "follow", Type: Bool, Default: false, Doc: say.T("Write to what a link at dest leads to.", "dest가 링크이면 그 대상에 쓴다.")},
		{Name: "decrypt", Type: Bool, Default: true, Doc: say.T("Decrypt vaulted parts of the controller.", "제어 노드의 암호화된 조각을 푼다.")},
	}},
	Idempotent: true,
	Returns: []Return{
		{Name: "dest", Type: "str", When: "success", Doc: say.T("The file.", "쓴 파일.")},
		{Name: "checksum", Type: "str", When: "success", Doc: say.T("SHA-1 of the file.", "파일의 SHA-1 값.")},
		{Name: "backup_file", Type: "str", When: "changed and if backup=yes", Doc: say.T("The name of the backup.", "백업의 이름.")},
	},
	Run: runAssemble,
}

// part is one file to be joined.
type part struct {
	name    string
	content []byte
}

func runAssemble(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	var wanted *regex
	if a.Given("regexp") {
		var err error
		if wanted, err = compileRegex(a.Str("regexp"), ""); err != nil {
			return Fail("Invalid Regexp (%s) in \"%s\"", err, a.Str("regexp")), nil
		}
	}
	var parts []part
	var fail *Result
	var err error
	src := a.Str("src")
	if a.Bool("remote_src") {
		parts, fail, err = c.remoteParts(ctx, src)
	} else {
		src, parts, fail = c.localParts(src)
	}
	if fail != nil || err != nil {
		return fail, err
	}
	joined, err := joinParts(parts, wanted, a.Str("delimiter"), a.Bool("ignore_hidden"))
	if err != nil {
		return Fail("%s", err), nil
	}
	d := deliveryOf(c)
	// Ansible's module writes to what a link leads to only in place; renaming
	// over the link is what it does, too.
	d.content, d.src, d.header, d.base, d.force = bytesBlob(joined), src, src, filepath.Base(src), true
	r, err := c.deliver(ctx, d)
	if err != nil || r.Failed {
		return assembleFailure(r), err
	}
	if a.Bool("remote_src") {
		r.Msg = "OK"
	}
	r.Values.Delete("path")
	return r.Set("src", src).Set("checksum", d.content.sha1).Set("md5sum", d.content.md5), nil
}

// assembleFailure words a refusal of the validate command as assemble does.
func assembleFailure(r *Result) *Result {
	if r != nil && r.Msg == "failed to validate" {
		r.Msg = fmt.Sprintf("failed to validate: rc:%s error:%s", value.Str(r.Values.At("exit_status")), value.Str(r.Values.At("stderr")))
	}
	return r
}

func (c *Call) remoteParts(ctx context.Context, src string) ([]part, *Result, error) {
	f, fail, err := c.observe(ctx, "s="+quotePath(src)+`
if [ ! -e "$s" ]; then printf 'missing=1\0'
elif [ ! -d "$s" ]; then printf 'file=1\0'
else
i=0
for x in "${s%/}"/* "${s%/}"/.[!.]* "${s%/}"/..?*; do
if [ -f "$x" ]; then
printf 'name.%s=%s\0part.%s=' "$i" "${x##*/}" "$i"; base64 <"$x" || [ "$?" != 127 ] || N base64
printf '\0'
i=$((i + 1))
fi
done
fi
`)
	if fail != nil || err != nil {
		return nil, fail, err
	}
	switch {
	case f.has("missing"):
		return nil, Fail("Source (%s) does not exist", src), nil
	case f.has("file"):
		return nil, Fail("Source (%s) is not a directory", src), nil
	}
	var parts []part
	for i := 0; f.has("name." + strconv.Itoa(i)); i++ {
		b, err := f.content("part." + strconv.Itoa(i))
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, part{f["name."+strconv.Itoa(i)], b})
	}
	return parts, nil, nil
}

func (c *Call) localParts(src string) (string, []part, *Result) {
	dir, err := c.Controller.Find("files", src)
	if err != nil {
		return src, nil, Fail("%s", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return dir, nil, Fail("Source (%s) is not a directory", dir)
	}
	var parts []part
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
			continue
		}
		read := os.ReadFile
		if c.Args.Bool("decrypt") {
			read = c.Controller.Read
		}
		b, err := read(name)
		if err != nil {
			return dir, nil, Fail("%s", err)
		}
		parts = append(parts, part{e.Name(), b})
	}
	return dir, parts, nil
}

// joinParts joins the parts in the order of their names. A part that does not
// end its last line is given an end.
func joinParts(parts []part, wanted *regex, delimiter string, noHidden bool) ([]byte, error) {
	sort.Slice(parts, func(i, j int) bool { return parts[i].name < parts[j].name })
	between := unescape(delimiter)
	if between != "" && !strings.HasSuffix(between, "\n") {
		between += "\n"
	}
	var out bytes.Buffer
	first, open := true, false
	for _, p := range parts {
		if wanted != nil {
			m, err := wanted.search(p.name)
			if err != nil {
				return nil, err
			}
			if m == nil {
				continue
			}
		}
		if noHidden && strings.HasPrefix(p.name, ".") {
			continue
		}
		if open {
			out.WriteByte('\n')
		}
		if !first {
			out.WriteString(between)
		}
		out.Write(p.content)
		first, open = false, !bytes.HasSuffix(p.content, []byte("\n"))
	}
	return out.Bytes(), nil
}

// unescape reads \n and its like in a delimiter.
func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if e, ok := escapes[s[i+1]]; ok {
				out.WriteString(e)
				i++
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
