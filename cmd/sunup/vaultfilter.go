package main

import (
	"bytes"
	"crypto/rand"
	"errors"

	"sunup/internal/jinja"
	"sunup/internal/value"
	"sunup/internal/vault"
)

// vaultFilter is the filter vault: text encrypted with a secret of the playbook, not of the command line.
func vaultFilter(c *jinja.Call) (any, error) {
	identity, err := filterIdentity(c, 2)
	if err != nil {
		return nil, err
	}
	plain, ok := vaultText(c.Value)
	if !ok {
		return nil, jinja.TypeError("Can only vault strings, instead we got: <class '%s'>", value.TypeName(c.Value))
	}
	salt := make([]byte, 32)
	_, _ = rand.Read(salt) // never fails
	if v := filterArg(c, 1, "salt"); v != nil {
		salt = []byte(value.Str(v))
	}
	sealed, err := vault.EncryptSalted([]byte(plain), identity, salt)
	if err != nil {
		return nil, jinja.FilterError("Unable to encrypt: %s", err)
	}
	if value.Truth(filterArg(c, 3, "wrap_object")) {
		return value.Vaulted(sealed), nil
	}
	return string(sealed), nil
}

// unvaultFilter is the filter unvault; text that is not encrypted stays as it is.
func unvaultFilter(c *jinja.Call) (any, error) {
	identity, err := filterIdentity(c, 1)
	if err != nil {
		return nil, err
	}
	text, ok := vaultText(c.Value)
	if !ok {
		return nil, jinja.TypeError("Vault should be in the form of a string, instead we got: <class '%s'>", value.TypeName(c.Value))
	}
	if !vault.IsEncrypted([]byte(text)) {
		return text, nil
	}
	plain, _, err := vault.NewSecrets(identity).Decrypt(bytes.TrimSpace([]byte(text)))
	var wrong *vault.Error
	switch {
	case errors.As(err, &wrong) && wrong.Kind == vault.WrongSecret:
		return nil, jinja.FilterError("Unable to decrypt: Decryption failed (no vault secrets were found that could decrypt)")
	case err != nil:
		return nil, jinja.FilterError("Unable to decrypt: %s", err)
	}
	return string(plain), nil
}

// filterIdentity is the secret in the first argument and the id at place id.
func filterIdentity(c *jinja.Call, id int) (vault.Identity, error) {
	v := filterArg(c, 0, "secret")
	if err := jinja.Defined(v); err != nil {
		return vault.Identity{}, err
	}
	if err := jinja.Defined(c.Value); err != nil {
		return vault.Identity{}, err
	}
	secret, ok := vaultText(v)
	if !ok {
		return vault.Identity{}, jinja.TypeError("Secret passed is required to be a string, instead we got: <class '%s'>", value.TypeName(v))
	}
	name := "filter_default"
	if v := filterArg(c, id, "vaultid"); v != nil {
		name = value.Str(v)
	}
	return vault.Identity{ID: name, Secret: vault.NewSecret([]byte(secret))}, nil
}

func filterArg(c *jinja.Call, i int, name string) any {
	if i < len(c.Args) {
		return c.Args[i]
	}
	v, _ := c.Kwarg(name)
	return v
}

func vaultText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case value.Vaulted:
		return string(v), true
	}
	return "", false
}
