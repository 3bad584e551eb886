package modules

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"

	"sunup/internal/connection"
	"sunup/internal/say"
)

var slurpModule = Module{
	Name:    "ansible.builtin.slurp",
	Summary: say.T("Reads a file of the host into a value, in base64.", "호스트의 파일을 base64 값으로 읽는다."),
	Spec: Spec{Params: []Param{
		{Name: "src", Aliases: []string{"path"}, Type: Path, Required: true, Doc: say.T("The file.", "읽을 파일.")},
	}},
	Idempotent: true,
	Returns: []Return{
		{Name: "content", Type: "str", When: "success", Doc: say.T("The content in base64.", "base64로 된 내용.")},
		{Name: "encoding", Type: "str", When: "success", Doc: say.T("base64.", "base64.")},
		{Name: "source", Type: "str", When: "success", Doc: say.T("The file.", "읽은 파일.")},
	},
	Run: runSlurp,
}

func runSlurp(ctx context.Context, c *Call) (*Result, error) {
	f, content, fail, err := c.readFile(ctx, c.Args.Str("src"), maxContent)
	if fail != nil || err != nil {
		return fail, err
	}
	return OK().Set("content", base64.StdEncoding.EncodeToString(content)).Set("source", f["p"]).Set("encoding", "base64"), nil
}

// readFile reads a whole file of the host, in one exchange unless it is large.
func (c *Call) readFile(ctx context.Context, name string, limit int64) (fields, []byte, *Result, error) {
	f, fail, err := c.observe(ctx, "p="+quotePath(name)+`
printf 'p=%s\0' "$p"
if [ -d "$p" ]; then printf 'isdir=1\0'
elif [ ! -e "$p" ]; then
	case $(LC_ALL=C cat "$p" 2>&1 >/dev/null) in
	*'ermission denied'*) printf 'hidden=1\0';;
	*'Not a directory'*) printf 'nodir=1\0';;
	*) printf 'missing=1\0';;
	esac
elif [ ! -r "$p" ]; then printf 'hidden=1\0'
elif [ ! -f "$p" ]; then printf 'content='; head -c `+maxAnswerText+` "$p" | base64; printf '\0'
else O at "$p"; `+strings.TrimSuffix(readContent(maxAnswer), "\n")+`
fi
`)
	if fail != nil || err != nil {
		return nil, nil, fail, err
	}
	switch {
	case f.has("isdir"):
		return f, nil, Fail("source is a directory and must be a file: %s", f["p"]), nil
	case f.has("nodir"):
		return f, nil, Fail("unable to slurp file: Not a directory: %s", f["p"]), nil
	case f.has("missing"):
		return f, nil, Fail("file not found: %s", f["p"]), nil
	case f.has("hidden"):
		return f, nil, Fail("file is not readable: %s", f["p"]), nil
	case f.has("content"):
		b, err := f.content("content")
		return f, b, nil, err
	}
	if in := f.found("at", f["p"]).followed().Inode; in != nil && in.Size > limit {
		return f, nil, Fail("unable to slurp file: %s is too large: %s", f["p"], printSize(in.Size)), nil
	}
	var buf bytes.Buffer
	err = c.Conn.Get(ctx, f["p"], &limitWriter{w: &buf, left: limit})
	switch {
	case err == nil:
		return f, buf.Bytes(), nil, nil
	case connection.IsUnreachable(err) || ctx.Err() != nil:
		return f, nil, nil, err
	}
	return f, nil, Fail("unable to slurp file: %v", err), nil
}
