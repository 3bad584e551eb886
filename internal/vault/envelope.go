package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"sunup/internal/say"
)

// Header is the first line of vault text.
type Header struct {
	Version string // "1.1" or "1.2"
	Cipher  string // "AES256"
	ID      string // the vault id; DefaultID when the text names none
}

const magic = "$ANSIBLE_VAULT"

// IsEncrypted reports whether text is vault text.
func IsEncrypted(text []byte) bool { return bytes.HasPrefix(text, []byte(magic)) }

// ParseHeader reads the header line of vault text.
func ParseHeader(text []byte) (Header, error) {
	if !IsEncrypted(text) {
		return Header{}, fail(NotEncrypted,
			say.T("the data is not encrypted with Ansible Vault", "Ansible Vault로 암호화된 데이터가 아닙니다"),
			say.T("encrypted data begins with a line of %s;1.1;AES256", "암호화된 데이터는 %s;1.1;AES256 줄로 시작합니다", magic))
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := strings.Split(strings.TrimSpace(string(line)), ";")
	if len(fields) < 3 || strings.TrimSpace(fields[0]) != magic {
		return Header{}, corrupt(say.T("the header line is incomplete", "머리글 줄이 온전하지 않습니다"))
	}
	h := Header{Version: strings.TrimSpace(fields[1]), Cipher: strings.TrimSpace(fields[2]), ID: DefaultID}
	if len(fields) >= 4 && strings.TrimSpace(fields[3]) != "" {
		h.ID = strings.TrimSpace(fields[3])
	}
	if h.Cipher != "AES256" {
		return Header{}, fail(Corrupt,
			say.T("the vault cipher '%s' is not known", "알 수 없는 볼트 암호 방식 '%s'", h.Cipher),
			say.T("encrypt the data again with AES256 (ansible-vault rekey)", "AES256으로 다시 암호화하세요(ansible-vault rekey)"))
	}
	if h.Version != "1.1" && h.Version != "1.2" {
		return Header{}, fail(Corrupt,
			say.T("the vault format '%s' is not known", "알 수 없는 볼트 형식 '%s'", h.Version),
			say.T("encrypt the data again (ansible-vault rekey)", "다시 암호화하세요(ansible-vault rekey)"))
	}
	return h, nil
}

// envelope is vault text taken apart.
type envelope struct {
	Header                Header
	salt, mac, ciphertext []byte
}

func parse(text []byte) (*envelope, error) {
	header, err := ParseHeader(text)
	if err != nil {
		return nil, err
	}
	_, body, _ := bytes.Cut(text, []byte("\n"))
	outer, err := unhex(bytes.Join(bytes.Fields(body), nil))
	if err != nil {
		return nil, err
	}
	parts := bytes.SplitN(outer, []byte("\n"), 3)
	if len(parts) != 3 {
		return nil, corrupt(say.T("the parts salt, check sum and data are not all there", "솔트, 검사합, 데이터가 모두 있지 않습니다"))
	}
	e := &envelope{Header: header}
	for i, into := range []*[]byte{&e.salt, &e.mac, &e.ciphertext} {
		if *into, err = unhex(parts[i]); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func unhex(digits []byte) ([]byte, error) {
	out := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(out, digits); err != nil {
		said := "Vault format unhexlify error: Non-hexadecimal digit found"
		if errors.Is(err, hex.ErrLength) || len(digits)%2 == 1 {
			said = "Vault format unhexlify error: Odd-length string"
		}
		return nil, corrupt(say.T("it is not made of pairs of hexadecimal digits", "16진 숫자 쌍으로 되어 있지 않습니다")).saying(said)
	}
	return out, nil
}

// keys derives the cipher's key, the check sum's key and the counter's start
// from a password, as Ansible Vault 1.1 fixes them.
func keys(secret Secret, salt []byte) (key, macKey, counter []byte, err error) {
	const keySize, rounds = 32, 10000
	derived, err := pbkdf2.Key(sha256.New, string(secret.Reveal()), salt, rounds, 2*keySize+aes.BlockSize)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("derive vault key: %w", err)
	}
	return derived[:keySize], derived[keySize : 2*keySize], derived[2*keySize:], nil
}

func crypt(key, counter, in []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("start vault cipher: %w", err)
	}
	out := make([]byte, len(in))
	cipher.NewCTR(block, counter).XORKeyStream(out, in)
	return out, nil
}

func sum(macKey, ciphertext []byte) []byte {
	mac := hmac.New(sha256.New, macKey)
	mac.Write(ciphertext)
	return mac.Sum(nil)
}

// open returns the plain text, or false when the secret is not the right one.
func (e *envelope) open(secret Secret) ([]byte, bool, error) {
	key, macKey, counter, err := keys(secret, e.salt)
	if err != nil {
		return nil, false, err
	}
	if !hmac.Equal(sum(macKey, e.ciphertext), e.mac) {
		return nil, false, nil
	}
	padded, err := crypt(key, counter, e.ciphertext)
	if err != nil {
		return nil, false, err
	}
	if len(padded) == 0 {
		return nil, false, corrupt(say.T("the data is empty", "데이터가 비어 있습니다"))
	}
	pad := int(padded[len(padded)-1])
	if pad == 0 || pad > aes.BlockSize || pad > len(padded) {
		return nil, false, corrupt(say.T("its end is not padded as it must be", "끝부분의 채움이 올바르지 않습니다"))
	}
	return padded[:len(padded)-pad], true, nil
}

// Encrypt makes vault text of plain with a fresh salt. An identity without id,
// or with the default one, gives format 1.1; any other 1.2 with its id.
func Encrypt(plain []byte, with Identity) ([]byte, error) {
	salt := make([]byte, 32)
	if _, err := rand.Read(salt); err != nil {
		return nil, fmt.Errorf("make vault salt: %w", err)
	}
	return EncryptSalted(plain, with, salt)
}

// EncryptSalted is Encrypt with a given salt: the same input gives the same text.
func EncryptSalted(plain []byte, with Identity, salt []byte) ([]byte, error) {
	if with.Secret.IsZero() {
		return nil, fail(NoSecret,
			say.T("an empty password cannot encrypt", "빈 비밀번호로는 암호화할 수 없습니다"),
			say.T("give a password", "비밀번호를 정하세요"))
	}
	if IsEncrypted(plain) {
		return nil, fail(Corrupt,
			say.T("the data is encrypted already", "이미 암호화된 데이터입니다"),
			say.T("use rekey to change its password", "비밀번호를 바꾸려면 rekey를 쓰세요"))
	}
	key, macKey, counter, err := keys(with.Secret, salt)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	padded := append(append([]byte(nil), plain...), bytes.Repeat([]byte{byte(pad)}, pad)...)
	ciphertext, err := crypt(key, counter, padded)
	if err != nil {
		return nil, err
	}
	inner := hex.EncodeToString(salt) + "\n" + hex.EncodeToString(sum(macKey, ciphertext)) + "\n" + hex.EncodeToString(ciphertext)
	return wrap(with.ID, hex.EncodeToString([]byte(inner))), nil
}

// wrap puts the header over the digits, in lines of eighty.
func wrap(id, digits string) []byte {
	var out bytes.Buffer
	if id == "" || id == DefaultID {
		out.WriteString(magic + ";1.1;AES256\n")
	} else {
		out.WriteString(magic + ";1.2;AES256;" + id + "\n")
	}
	const width = 80
	for len(digits) > width {
		out.WriteString(digits[:width] + "\n")
		digits = digits[width:]
	}
	out.WriteString(digits + "\n")
	return out.Bytes()
}

// Rekey decrypts text with any of the old secrets and encrypts it again.
func Rekey(text []byte, old *Secrets, with Identity) ([]byte, error) {
	plain, _, err := old.Decrypt(text)
	if err != nil {
		return nil, fmt.Errorf("rekey: %w", err)
	}
	return Encrypt(plain, with)
}
