package ssh

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// login is what we show one hop to be let in.
type login struct {
	env   Environment
	hop   *settings
	agent net.Conn
	notes []string // what could not be used, for the hint when we are refused
}

// close ends the talk with ssh-agent.
func (l *login) close() {
	if l.agent != nil {
		l.agent.Close()
	}
}

func (l *login) note(format string, args ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}

// methods are tried in this order: keys cost no secret, so they come first.
func (l *login) methods(ctx context.Context) []ssh.AuthMethod {
	var list []ssh.AuthMethod
	if l.hop.methods["publickey"] {
		list = append(list, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) { return l.signers(ctx), nil }))
	}
	if l.hop.password == "" && l.env.Prompt == nil {
		return list
	}
	if l.hop.methods["keyboard-interactive"] {
		list = append(list, ssh.KeyboardInteractive(l.challenge(ctx)))
	}
	if l.hop.methods["password"] {
		list = append(list, ssh.PasswordCallback(func() (string, error) { return l.password(ctx) }))
	}
	return list
}

func (l *login) password(ctx context.Context) (string, error) {
	if l.hop.password != "" {
		return l.hop.password.Reveal(), nil
	}
	if l.env.Prompt == nil {
		return "", errors.New("no password was given")
	}
	return l.env.Prompt(ctx, fmt.Sprintf("%s@%s's password: ", l.hop.user, l.hop.host))
}

// challenge answers keyboard-interactive: what is asked for without echo is the
// password. A server that asks twice did not like it.
func (l *login) challenge(ctx context.Context) ssh.KeyboardInteractiveChallenge {
	asked := false
	return func(_, _ string, questions []string, echos []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i, q := range questions {
			switch {
			case !echos[i] && !asked:
				asked = true
				p, err := l.password(ctx)
				if err != nil {
					return nil, err
				}
				answers[i] = p
			case l.env.Prompt != nil:
				a, err := l.env.Prompt(ctx, q)
				if err != nil {
					return nil, err
				}
				answers[i] = a
			default:
				return nil, fmt.Errorf("the host asks %q, and nobody is there to answer", strings.TrimSpace(q))
			}
		}
		return answers, nil
	}
}

// signers are the keys: files that were asked for, then the agent's, then the
// usual files.
func (l *login) signers(ctx context.Context) []ssh.Signer {
	var list keyring
	held := l.agentSigners()
	for _, name := range l.hop.identities {
		if s := l.identity(ctx, name, true, held); s != nil {
			list.add(s)
		}
	}
	if !l.hop.identitiesOnly {
		for _, s := range held {
			list.add(s)
		}
	}
	for _, name := range l.hop.defaultKeys {
		if s := l.identity(ctx, name, false, held); s != nil {
			list.add(s)
		}
	}
	return list.signers
}

// keyring keeps each key once: servers count attempts.
type keyring struct{ signers []ssh.Signer }

func (k *keyring) add(s ssh.Signer) {
	blob := string(s.PublicKey().Marshal())
	for _, have := range k.signers {
		if string(have.PublicKey().Marshal()) == blob {
			return
		}
	}
	k.signers = append(k.signers, s)
}

func (l *login) agentSigners() []ssh.Signer {
	if l.hop.agent == "" {
		return nil
	}
	conn, err := net.Dial("unix", l.hop.agent)
	if err != nil {
		l.note("ssh-agent: %v", err)
		return nil
	}
	l.agent = conn
	list, err := agent.NewClient(conn).Signers()
	if err != nil {
		l.note("ssh-agent: %v", err)
	}
	return list
}

// identity is the key of a file. A key that the agent holds is taken from there,
// which saves asking for the passphrase.
func (l *login) identity(ctx context.Context, name string, wanted bool, held []ssh.Signer) ssh.Signer {
	if s := fromAgent(name, held); s != nil {
		return s
	}
	pem, err := os.ReadFile(name)
	if err != nil {
		if wanted || !errors.Is(err, fs.ErrNotExist) {
			l.note("key %s: %v", name, err)
		}
		return nil
	}
	s, err := l.parse(ctx, name, pem)
	if err != nil {
		if strings.HasPrefix(string(pem), "ssh-") {
			err = errors.New("this is the public half; name the private key")
		}
		l.note("key %s: %v", name, err)
		return nil
	}
	return certified(name, s)
}

func (l *login) parse(ctx context.Context, name string, pem []byte) (ssh.Signer, error) {
	s, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	if !errors.As(err, &locked) {
		return s, err
	}
	passphrase := l.hop.passphrase.Reveal()
	if passphrase == "" && l.env.Prompt != nil {
		if passphrase, err = l.env.Prompt(ctx, "Passphrase of "+name+": "); err != nil {
			return nil, err
		}
	}
	if passphrase == "" {
		return nil, errors.New("it is protected by a passphrase and none was given")
	}
	s, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(passphrase))
	if err != nil {
		return nil, errors.New("the passphrase does not open it")
	}
	return s, nil
}

// fromAgent finds the agent's key whose public half lies beside the file.
func fromAgent(name string, held []ssh.Signer) ssh.Signer {
	if len(held) == 0 {
		return nil
	}
	text, err := os.ReadFile(strings.TrimSuffix(name, ".pub") + ".pub")
	if err != nil {
		return nil
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil
	}
	for _, s := range held {
		if string(s.PublicKey().Marshal()) == string(pub.Marshal()) {
			return s
		}
	}
	return nil
}

// certified adds the certificate beside a key, when there is one.
func certified(name string, s ssh.Signer) ssh.Signer {
	text, err := os.ReadFile(name + "-cert.pub")
	if err != nil {
		return s
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return s
	}
	cert, ok := pub.(*ssh.Certificate)
	if !ok {
		return s
	}
	if c, err := ssh.NewCertSigner(cert, s); err == nil {
		return c
	}
	return s
}
