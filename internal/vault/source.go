package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sunup/internal/say"
)

// Sources says where secrets are looked for. The zero value asks nobody and
// reads files below the working directory.
type Sources struct {
	// BaseDir is what relative file names are relative to.
	BaseDir string
	// Ask gets a password from the person for a vault id; nil when nobody can
	// be asked.
	Ask func(id string) (Secret, error)
	// Decrypt opens a password file that is itself encrypted; nil when no
	// password is known yet.
	Decrypt func(text []byte) ([]byte, error)
	// Timeout ends a password program that does not answer. Default 60 s: it
	// may itself ask a person or a remote key store.
	Timeout time.Duration
}

// Open fetches the secret of one --vault-id value: label@source, or a source
// alone. A source is "prompt", a file, or an executable file; one whose name
// ends in -client is called with --vault-id LABEL.
func (s Sources) Open(ctx context.Context, labelAtSource string) (Identity, error) {
	label, source, ok := strings.Cut(labelAtSource, "@")
	if !ok {
		label, source = "", labelAtSource
	}
	identity := Identity{ID: label}
	if label == "" {
		identity.ID = DefaultID
	}
	var err error
	if source == "prompt" || source == "prompt_ask_vault_pass" {
		identity.Secret, err = s.ask(identity.ID)
	} else {
		identity.Secret, err = s.fromFile(ctx, source, label)
	}
	return identity, err
}

func (s Sources) ask(id string) (Secret, error) {
	if s.Ask == nil {
		return Secret{}, fail(BadSource,
			say.T("the password of the vault id '%s' must be asked for, and there is no terminal", "볼트 id '%s'의 비밀번호를 물어야 하는데 터미널이 없습니다", id),
			say.T("give it in a file with --vault-id %s@FILE", "--vault-id %s@파일 로 알려 주세요", id))
	}
	secret, err := s.Ask(id)
	if err != nil {
		return Secret{}, fmt.Errorf("ask for vault password: %w", err)
	}
	if secret.IsZero() {
		return Secret{}, empty(say.T("the answer", "입력"))
	}
	return secret, nil
}

func empty(where say.Text) *Error {
	return fail(BadSource,
		say.T("%s holds no vault password", "%s에 볼트 비밀번호가 없습니다", where),
		say.T("put the password there", "비밀번호를 넣으세요"))
}

func (s Sources) fromFile(ctx context.Context, source, label string) (Secret, error) {
	path := source
	if strings.HasPrefix(path, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, path[2:])
		}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.BaseDir, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Secret{}, &Error{Kind: BadSource, Err: err,
			What: say.T("the vault password file '%s' cannot be read", "볼트 비밀번호 파일 '%s'{을/를} 읽을 수 없습니다", source),
			Fix:  say.T("check its name and its permissions", "이름과 권한을 확인하세요")}
	}
	if info.IsDir() {
		return Secret{}, fail(BadSource,
			say.T("the vault password file '%s' is a directory", "볼트 비밀번호 파일 '%s'{은/는} 디렉터리입니다", source),
			say.T("name a file in it", "그 안의 파일을 지정하세요"))
	}
	if info.Mode()&0o111 != 0 {
		return s.fromProgram(ctx, path, label)
	}
	return s.readSecret(path, source)
}

// maxSecret bounds a password; anything longer is another file by mistake.
const maxSecret = 1 << 20

func (s Sources) readSecret(path, source string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return Secret{}, fmt.Errorf("read vault password: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return Secret{}, fmt.Errorf("read vault password: %w", err)
	}
	text = bytes.TrimSpace(text)
	if IsEncrypted(text) && s.Decrypt != nil {
		if text, err = s.Decrypt(text); err != nil {
			return Secret{}, err
		}
		text = bytes.Trim(text, "\r\n")
	}
	if len(text) == 0 {
		return Secret{}, empty(say.T("the file '%s'", "파일 '%s'", source))
	}
	return NewSecret(text), nil
}

// fromProgram runs a password program and takes what it prints.
func (s Sources) fromProgram(ctx context.Context, path, label string) (Secret, error) {
	timeout := s.Timeout
	if timeout == 0 {
		timeout = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var args []string
	name := filepath.Base(path)
	client := strings.HasSuffix(strings.TrimSuffix(name, filepath.Ext(name)), "-client")
	if client && label != "" {
		args = []string{"--vault-id", label}
	}
	program := path
	if !strings.ContainsRune(program, '/') {
		program = "./" + program // the file of that name, not a command of the search path
	}
	cmd := exec.CommandContext(ctx, program, args...)
	var out limited
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, &out, os.Stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return Secret{}, programFailed(path, label, client, err)
	}
	secret := bytes.Trim(out.Bytes(), "\r\n")
	if len(secret) == 0 {
		return Secret{}, empty(say.T("what '%s' printed", "'%s'의 출력", path))
	}
	return NewSecret(secret), nil
}

// notFound is the exit code by which a client program says that it has no
// secret for the id.
const notFound = 2

func programFailed(path, label string, client bool, err error) error {
	var exit *exec.ExitError
	if client && errors.As(err, &exit) && exit.ExitCode() == notFound {
		return fail(BadSource,
			say.T("the password program '%s' has no secret for the vault id '%s'", "비밀번호 프로그램 '%s'에 볼트 id '%s'의 비밀번호가 없습니다", path, label),
			say.T("check the id, or add the secret to its store", "id를 확인하거나 저장소에 비밀번호를 추가하세요"))
	}
	return &Error{Kind: BadSource, Err: err,
		What: say.T("the password program '%s' failed", "비밀번호 프로그램 '%s'{이/가} 실패했습니다", path),
		Fix:  say.T("run it by hand; a plain file with a password must not be executable", "직접 실행해 보세요. 비밀번호만 적은 파일에는 실행 권한이 없어야 합니다")}
}

// limited keeps the beginning of what a program prints.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := maxSecret - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
