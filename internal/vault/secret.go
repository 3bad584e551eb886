package vault

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"sync"

	"sunup/internal/say"
)

// stars stand for a secret wherever it would be printed.
const stars = "********"

// Secret is a password. However it is printed, it shows stars.
type Secret struct{ text []byte }

// NewSecret returns a secret with a copy of text.
func NewSecret(text []byte) Secret { return Secret{append([]byte(nil), text...)} }

// Reveal returns the password itself. The caller must not keep, change or
// print it.
func (s Secret) Reveal() []byte { return s.text }

// IsZero reports whether there is no password.
func (s Secret) IsZero() bool { return len(s.text) == 0 }

// String prints stars.
func (s Secret) String() string { return stars }

// Format prints stars for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(stars)) }

// MarshalText writes stars, in JSON and elsewhere.
func (s Secret) MarshalText() ([]byte, error) { return []byte(stars), nil }

// LogValue logs stars.
func (s Secret) LogValue() slog.Value { return slog.StringValue(stars) }

// DefaultID is the vault id of a secret that was given without one.
const DefaultID = "default"

// Identity is a secret and the vault id that it goes by.
type Identity struct {
	ID     string
	Secret Secret
}

// Secrets are the identities of a run, in the order they were given. It is
// safe for concurrent use once it is filled.
type Secrets struct {
	Identities []Identity
	// MatchIDs tries only secrets whose id is that of the vault text
	// (DEFAULT_VAULT_ID_MATCH). Otherwise the id only decides which is first.
	MatchIDs bool

	mu   sync.Mutex
	seen map[[sha256.Size]byte]opened
}

type opened struct {
	plain []byte
	id    string
}

// seenLimit bounds the memory of decrypted texts. Each decryption costs
// several milliseconds by design, and the same variable is read for many hosts.
const seenLimit = 4096

// NewSecrets returns secrets that are tried in the given order.
func NewSecrets(identities ...Identity) *Secrets { return &Secrets{Identities: identities} }

// Decrypt returns the plain text of vault text and the id of the secret that
// opened it. The caller must not change the plain text.
func (s *Secrets) Decrypt(text []byte) (plain []byte, id string, err error) {
	key := sha256.Sum256(text)
	if s != nil {
		s.mu.Lock()
		o, ok := s.seen[key]
		s.mu.Unlock()
		if ok {
			return o.plain, o.id, nil
		}
	}
	plain, id, err = s.open(text)
	if err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || len(s.seen) >= seenLimit {
		s.seen = map[[sha256.Size]byte]opened{}
	}
	s.seen[key] = opened{plain, id}
	return plain, id, nil
}

func (s *Secrets) open(text []byte) ([]byte, string, error) {
	env, err := parse(text)
	if err != nil {
		return nil, "", err
	}
	if s == nil || len(s.Identities) == 0 {
		return nil, "", fail(NoSecret,
			say.T("the data is encrypted with Ansible Vault, and no vault secret is known", "Ansible Vault로 암호화된 데이터인데 볼트 비밀번호가 없습니다"),
			say.T("give one with --vault-password-file, --vault-id or --ask-vault-pass", "--vault-password-file, --vault-id 또는 --ask-vault-pass로 알려 주세요")).
			saying("Attempting to decrypt but no vault secrets found")
	}
	tried := s.candidates(env.Header.ID)
	if len(tried) == 0 {
		return nil, "", fail(NoSecret,
			say.T("no secret is known for the vault id '%s'", "볼트 id '%s'의 비밀번호가 없습니다", env.Header.ID),
			say.T("give it with --vault-id %s@FILE", "--vault-id %s@파일 로 알려 주세요", env.Header.ID)).
			saying(undecryptable)
	}
	for _, identity := range tried {
		plain, ok, err := env.open(identity.Secret)
		if err != nil {
			return nil, "", err
		}
		if ok {
			return plain, identity.ID, nil
		}
	}
	return nil, "", fail(WrongSecret,
		say.T("no known vault secret opens the data with the vault id '%s' (%d tried)", "볼트 id '%s'의 데이터를 열 수 있는 비밀번호가 없습니다(%d개 시도)", env.Header.ID, len(tried)),
		say.T("check the password; when it is right, the data was changed after it was encrypted", "비밀번호를 확인하세요. 맞다면 암호화한 뒤에 데이터가 바뀐 것입니다")).
		saying(undecryptable)
}

// undecryptable is what ansible-core says when no secret fits.
const undecryptable = "Decryption failed (no vault secrets were found that could decrypt)"

// candidates are the secrets to try, in order: the one of the text's own id
// first, then all others unless ids must match.
func (s *Secrets) candidates(id string) []Identity {
	var own, others []Identity
	for _, identity := range s.Identities {
		if identity.ID == id {
			own = append(own, identity)
		} else {
			others = append(others, identity)
		}
	}
	if s.MatchIDs {
		return own
	}
	return append(own, others...)
}

// ForEncryption returns the identity that new vault text is made with: that of
// the id, or the first one when id is empty.
func (s *Secrets) ForEncryption(id string) (Identity, error) {
	if s != nil {
		for _, identity := range s.Identities {
			if id == "" || identity.ID == id {
				return identity, nil
			}
		}
	}
	if id == "" {
		return Identity{}, fail(NoSecret,
			say.T("a vault secret is needed to encrypt", "암호화하려면 볼트 비밀번호가 있어야 합니다"),
			say.T("give one with --vault-password-file, --vault-id or --ask-vault-pass", "--vault-password-file, --vault-id 또는 --ask-vault-pass로 알려 주세요"))
	}
	return Identity{}, fail(NoSecret,
		say.T("no secret is known for the vault id '%s'", "볼트 id '%s'의 비밀번호가 없습니다", id),
		say.T("give it with --vault-id %s@FILE", "--vault-id %s@파일 로 알려 주세요", id))
}
