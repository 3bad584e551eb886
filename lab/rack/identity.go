package rack

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// identity is the key pair of a host, or of who logs in.
type identity struct {
	private ed25519.PrivateKey
	public  ssh.PublicKey
}

func newIdentity() (identity, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return identity{}, fmt.Errorf("make a key: %w", err)
	}
	p, err := ssh.NewPublicKey(public)
	if err != nil {
		return identity{}, fmt.Errorf("make a key: %w", err)
	}
	return identity{private, p}, nil
}

// privateFile is the private key as OpenSSH keeps it.
func (i identity) privateFile() (string, error) {
	block, err := ssh.MarshalPrivateKey(i.private, "sunup rack")
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(block)), nil
}

// publicLine is a line of authorized_keys.
func (i identity) publicLine() string { return string(ssh.MarshalAuthorizedKey(i.public)) }
