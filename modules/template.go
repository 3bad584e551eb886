package modules

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"sunup/internal/say"
	"sunup/internal/value"
)

var templateModule = Module{
	Name:    "ansible.builtin.template",
	Summary: say.T("Renders a template of the controller to a file on the host.", "제어 노드의 템플릿을 채워 호스트의 파일로 쓴다."),
	Spec: Spec{File: true, Params: []Param{
		{Name: "src", Type: Path, Required: true, Doc: say.T("The template.", "템플릿이다.")},
		{Name: "dest", Type: Path, Required: true, Doc: say.T("Where to write on the host.", "호스트에서 쓸 위치이다.")},
		{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
		{Name: "force", Type: Bool, Default: true, Doc: say.T("Replace a file that differs; otherwise only write when nothing is there.", "다른 파일이 있으면 바꾼다. 아니면 없을 때만 쓴다.")},
		{Name: "follow", Type: Bool, Default: false, Doc: say.T("Write to what a link at dest leads to.", "dest가 링크이면 그 대상에 쓴다.")},
		{Name: "validate", Doc: say.T("Command that must accept the new file (%s) before it is put in place.", "새 파일(%s)을 놓기 전에 통과해야 하는 명령이다.")},
		{Name: "newline_sequence", Default: "\n", Choices: []any{"\n", "\r", "\r\n", `\n`, `\r`, `\r\n`}, Doc: say.T("How lines end.", "줄 끝 문자이다.")},
		{Name: "block_start_string", Doc: say.T("Begins a block.", "블록의 시작이다.")},
		{Name: "block_end_string", Doc: say.T("Ends a block.", "블록의 끝이다.")},
		{Name: "variable_start_string", Doc: say.T("Begins an expression.", "식의 시작이다.")},
		{Name: "variable_end_string", Doc: say.T("Ends an expression.", "식의 끝이다.")},
		{Name: "comment_start_string", Doc: say.T("Begins a comment.", "주석의 시작이다.")},
		{Name: "comment_end_string", Doc: say.T("Ends a comment.", "주석의 끝이다.")},
		{Name: "trim_blocks", Type: Bool, Default: true, Doc: say.T("Remove the newline after a block.", "블록 뒤의 줄바꿈을 없앤다.")},
		{Name: "lstrip_blocks", Type: Bool, Default: false, Doc: say.T("Remove the blanks before a block.", "블록 앞의 빈칸을 없앤다.")},
		{Name: "output_encoding", Default: "utf-8", Doc: say.T("Encoding of the file.", "파일의 인코딩이다.")},
	}},
	Idempotent: true,
	Returns:    copyModule.Returns,
	Run:        runTemplate,
}

func runTemplate(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	src := a.Str("src")
	file, err := c.Controller.Find("templates", src)
	if err != nil {
		return Fail("%s", err), nil
	}
	source, err := c.Controller.Read(file)
	if err != nil {
		return Fail("could not find src=%s, %v", file, err), nil
	}
	if !utf8.Valid(source) {
		return Fail("Template source files must be utf-8 encoded"), nil
	}
	extra, mode, err := templateVars(c, src, file, a.Str("dest"))
	if err != nil {
		return Fail("could not find src=%s, %v", file, err), nil
	}
	text, err := c.Controller.Template(ctx, file, string(source), templateOptions(a, file), extra)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return Fail("%s", err), nil
	}
	content, err := encodeText(text, a.Str("output_encoding"))
	if err != nil {
		return Fail("%s", err), nil
	}
	d := copyDelivery(c)
	d.content, d.src, d.header, d.base = bytesBlob(content), file, file, filepath.Base(file)
	d.preserve(mode)
	return c.deliver(ctx, d)
}

func templateOptions(a Args, file string) TemplateOptions {
	newline := strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(a.Str("newline_sequence"))
	return TemplateOptions{
		BlockStart: a.Str("block_start_string"), BlockEnd: a.Str("block_end_string"),
		VariableStart: a.Str("variable_start_string"), VariableEnd: a.Str("variable_end_string"),
		CommentStart: a.Str("comment_start_string"), CommentEnd: a.Str("comment_end_string"),
		NewlineSequence: newline, TrimBlocks: a.Bool("trim_blocks"), LstripBlocks: a.Bool("lstrip_blocks"),
		Dir: filepath.Dir(file),
	}
}

// templateVars are the variables that only a template has.
func templateVars(c *Call, src, file, dest string) (*value.Dict, uint32, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, 0, err
	}
	host, _ := os.Hostname()
	uid := ""
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		uid = strconv.Itoa(int(st.Uid))
		if u, err := user.LookupId(uid); err == nil {
			uid = u.Username
		}
	}
	full, err := filepath.Abs(file)
	if err != nil {
		return nil, 0, err
	}
	vars := value.NewDict(
		"template_host", host, "template_path", src, "template_mtime", clockText(info.ModTime()),
		"template_uid", uid, "template_run_date", clockText(time.Now()), "template_destpath", dest,
		"template_fullpath", full)
	if _, set, err := c.Controller.Var("ansible_managed"); err != nil || !set {
		vars.Set("ansible_managed", "Ansible managed")
	}
	return vars, unixMode(info.Mode()), nil
}
