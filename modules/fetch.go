package modules

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

var fetchModule = Module{
	Name:    "ansible.builtin.fetch",
	Summary: say.T("Copies a file of the host to the controller.", "호스트의 파일을 제어 노드로 가져온다."),
	Check:   CheckNone,
	Spec: Spec{Refuse: refuseFetchArgs, Params: []Param{
		{Name: "src", Required: true, Doc: say.T("The file on the host.", "호스트의 파일.")},
		{Name: "dest", Required: true, Doc: say.T("Directory of the controller, below which each host has its own tree.", "제어 노드의 디렉터리. 그 아래에 호스트마다 나무가 생긴다.")},
		{Name: "flat", Type: Bool, Default: false, Doc: say.T("dest is the file itself (or its directory, with a trailing slash).", "dest가 파일 자체(빗금으로 끝나면 디렉터리)이다.")},
		{Name: "fail_on_missing", Type: Bool, Default: true, Doc: say.T("Fail when the file cannot be read.", "파일을 읽을 수 없으면 실패한다.")},
		{Name: "validate_checksum", Type: Bool, Default: true, Doc: say.T("Compare checksums after the transfer.", "전송 뒤 체크섬을 견준다.")},
	}},
	Idempotent: true,
	Returns: []Return{
		{Name: "dest", Type: "str", When: "success", Doc: say.T("The file on the controller.", "제어 노드의 파일.")},
		{Name: "checksum", Type: "str", When: "success", Doc: say.T("SHA-1 of the file.", "파일의 SHA-1 값.")},
		{Name: "md5sum", Type: "str", When: "success", Doc: say.T("MD5 of the file.", "파일의 MD5 값.")},
		{Name: "remote_checksum", Type: "str", When: "changed", Doc: say.T("SHA-1 on the host.", "호스트에서의 SHA-1 값.")},
	},
	Run: runFetch,
}

// refuseFetchArgs has the words of Ansible's fetch for arguments that are
// missing or no text.
func refuseFetchArgs(given *value.Dict) string {
	src, dest := given.At("src"), given.At("dest")
	isText := func(v any) bool {
		switch v.(type) {
		case string, value.Unsafe, nil:
			return true
		}
		return false
	}
	switch {
	case src == nil || dest == nil:
		return "src and dest are required"
	case !isText(src):
		return "Invalid type supplied for source option, it must be a string"
	case !isText(dest):
		return "Invalid type supplied for dest option, it must be a string"
	}
	return ""
}

func runFetch(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	f, fail, err := c.observe(ctx, "p="+quotePath(a.Str("src"))+`
printf 'p=%s\0' "$p"
if [ -d "$p" ]; then printf 'isdir=1\0'
elif [ ! -e "$p" ]; then
d=${p%/*}
while [ -n "$d" ] && [ "$d" != "${d%/*}" ] && [ ! -e "$d" ]; do d=${d%/*}; done
if [ -d "$d" ] && [ ! -x "$d" ]; then printf 'hidden=1\0'; else printf 'missing=1\0'; fi
elif [ ! -r "$p" ]; then printf 'hidden=1\0'
else H sum "$p"; `+strings.TrimSuffix(readContent(maxInline), "\n")+`
fi
`)
	if fail != nil || err != nil {
		return fail, err
	}
	if r := refuseFetch(f, a.Bool("fail_on_missing")); r != nil {
		return r, nil
	}
	dest, err := fetchDest(a.Str("dest"), c.hostName(), f["p"], a.Bool("flat"))
	if err != nil {
		return Fail("%s", err), nil
	}
	remote := f.sum("sum")
	if sha, md, err := hashFile(dest); err == nil && sha == remote {
		return OK().Set("md5sum", md).Set("file", f["p"]).Set("dest", dest).Set("checksum", sha), nil
	}
	return c.fetch(ctx, f, dest, remote)
}

// refuseFetch says why a file cannot be fetched, in a Result that is failed
// only when the task says so.
func refuseFetch(f fields, failing bool) *Result {
	switch {
	case f.has("isdir"):
		msg := "remote file is a directory, fetch cannot work on directories"
		if !failing {
			msg += ", not transferring, ignored"
		}
		return &Result{Failed: failing, Msg: msg}
	case f.has("missing"):
		// Ansible says ignored even when the task fails by it.
		r := &Result{Failed: failing, Msg: "the remote file does not exist, not transferring, ignored"}
		if failing {
			return r
		}
		return r.Set("file", f["p"])
	case f.has("hidden"):
		r := &Result{Failed: failing}
		if failing {
			r.Msg = "file is not readable: " + f["p"]
			return r
		}
		return r.Set("file", f["p"])
	}
	return nil
}

// fetchDest is the place on the controller. The path of the host, which may be
// hostile, never leads out of dest.
func fetchDest(dest, host, source string, flat bool) (string, error) {
	if strings.HasPrefix(dest, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			dest = filepath.Join(home, dest[2:])
		}
	}
	if flat {
		if info, err := os.Stat(dest); err == nil && info.IsDir() && !strings.HasSuffix(dest, "/") {
			return "", fmt.Errorf("dest is an existing directory, use a trailing slash if you want to fetch src into that directory")
		}
		if strings.HasSuffix(dest, "/") {
			dest += path.Base(path.Clean("/" + source))
		}
		return filepath.Abs(dest)
	}
	name := strings.ReplaceAll(host, "/", "_")
	if name == "" || name == "." || name == ".." {
		return "", fmt.Errorf("the host name %q cannot be a directory", host)
	}
	return filepath.Abs(filepath.Join(dest, name, path.Clean("/"+source)))
}

func hashFile(name string) (sha, md string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	s, m := sha1.New(), md5.New()
	if _, err := io.Copy(io.MultiWriter(s, m), f); err != nil {
		return "", "", err
	}
	return hex.EncodeToString(s.Sum(nil)), hex.EncodeToString(m.Sum(nil)), nil
}

// fetch writes the file beside its place and renames it.
func (c *Call) fetch(ctx context.Context, f fields, dest, remote string) (*Result, error) {
	if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil {
		return Fail("Failed to fetch the file: %v", err), nil
	}
	temp, err := os.CreateTemp(filepath.Dir(dest), ".sunup-")
	if err != nil {
		return Fail("Failed to fetch the file: %v", err), nil
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	s, m := sha1.New(), md5.New()
	to := io.MultiWriter(temp, s, m)
	if fail, err := c.receive(ctx, f, to); fail != nil || err != nil {
		return fail, err
	}
	sha, md := hex.EncodeToString(s.Sum(nil)), hex.EncodeToString(m.Sum(nil))
	r := (&Result{}).Set("md5sum", md).Set("dest", dest).Set("remote_md5sum", nil).Set("checksum", sha).Set("remote_checksum", remote)
	if c.Args.Bool("validate_checksum") && sha != remote {
		r.Failed, r.Msg = true, "checksum mismatch"
		return r.Set("file", f["p"]), nil
	}
	if err := replaceLocal(temp, dest); err != nil {
		return Fail("Failed to fetch the file: %v", err), nil
	}
	r.Changed = true
	return r, nil
}

// replaceLocal puts a written temporary file in its place on the controller.
func replaceLocal(temp *os.File, dest string) error {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(dest); err == nil {
		mode = info.Mode().Perm()
	}
	if err := temp.Chmod(mode); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), dest)
}

func (c *Call) receive(ctx context.Context, f fields, to io.Writer) (*Result, error) {
	if f.has("content") {
		b, err := f.content("content")
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(to, bytes.NewReader(b))
		return nil, err
	}
	err := c.Conn.Get(ctx, f["p"], to)
	switch {
	case err == nil:
		return nil, nil
	case connection.IsUnreachable(err) || ctx.Err() != nil:
		return nil, err
	}
	return Fail("Failed to fetch the file: %v", err), nil
}
