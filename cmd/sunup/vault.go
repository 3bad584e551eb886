package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sunup/internal/say"
	"sunup/internal/vault"
)

// askedByFlag is the source of --ask-vault-pass, whose question names no id:
// programs that type the answer look for its words.
const askedByFlag = "prompt_ask_vault_pass"

// openVault fetches the vault passwords that flags and configuration name. One
// that cannot be had is warned of; it is an error only when there is no other.
func (p *project) openVault(ctx context.Context) error {
	p.secrets = vault.NewSecrets()
	p.secrets.MatchIDs = p.config.Bool("DEFAULT_VAULT_ID_MATCH")
	var last error
	for _, id := range p.vaultSources() {
		from := vault.Sources{Ask: p.app.askVault, Decrypt: p.decrypt}
		if strings.HasSuffix(id, "@"+askedByFlag) {
			from.Ask = func(string) (vault.Secret, error) { return p.app.askVault("") }
		}
		identity, err := from.Open(ctx, id)
		if err == nil {
			// A later password may itself be encrypted with this one.
			p.secrets.Identities = append(p.secrets.Identities, identity)
			continue
		}
		if last = err; strings.HasSuffix(id, askedByFlag) || strings.HasSuffix(id, "prompt") {
			return err
		}
		p.app.warnOfSecret(id, err)
	}
	if len(p.secrets.Identities) == 0 {
		return last
	}
	return nil
}

// vaultSources are the sources of vault passwords in the order that they are
// asked and tried: those of the configuration are first, but its single
// password file is last.
func (p *project) vaultSources() []string {
	ids := slices.Concat(p.config.List("DEFAULT_VAULT_IDENTITY_LIST"), p.target.vaultIDs)
	files := p.target.vaultFiles
	if f := p.config.Text("DEFAULT_VAULT_PASSWORD_FILE"); f != "" {
		files = append(slices.Clone(files), f)
	}
	for _, f := range files {
		ids = append(ids, vault.DefaultID+"@"+f)
	}
	if p.target.askVault {
		ids = append(ids, vault.DefaultID+"@"+askedByFlag)
	}
	return ids
}

// warnOfSecret tells that a vault password could not be had.
func (a *app) warnOfSecret(id string, err error) {
	label, _, named := strings.Cut(id, "@")
	if !named {
		label = vault.DefaultID
	}
	if strings.HasPrefix(a.name, "ansible") {
		fmt.Fprintf(a.err, "[WARNING]: Error getting vault password file (%s): %v\n", label, a.textOf(err))
		return
	}
	a.tell(a.err, say.T("warning: no vault password for the id '%s': %s", "경고: 볼트 id '%s'의 암호가 없습니다: %s", label, a.textOf(err)))
}

// askVault asks the person for a vault password; without an id, as
// --ask-vault-pass does.
func (a *app) askVault(id string) (vault.Secret, error) {
	question := a.text("Vault password", "볼트 암호")
	if id != "" {
		question += " (" + id + ")"
	}
	text, err := a.ask(question+": ", true)
	return vault.NewSecret([]byte(text)), err
}
