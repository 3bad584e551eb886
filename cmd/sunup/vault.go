package main

import (
	"context"

	"sunup/internal/vault"
)

// openVault fetches the vault passwords that flags and configuration name.
func (p *project) openVault(ctx context.Context) error {
	from := vault.Sources{Ask: p.app.askVault}
	ids := append([]string(nil), p.config.List("DEFAULT_VAULT_IDENTITY_LIST")...)
	ids = append(ids, p.target.vaultIDs...)
	if f := p.config.Text("DEFAULT_VAULT_PASSWORD_FILE"); f != "" && len(p.target.vaultFiles) == 0 {
		ids = append(ids, "default@"+f)
	}
	for _, f := range p.target.vaultFiles {
		ids = append(ids, "default@"+f)
	}
	if p.target.askVault {
		ids = append(ids, "default@prompt")
	}
	var found []vault.Identity
	for _, id := range ids {
		identity, err := from.Open(ctx, id)
		if err != nil {
			return err
		}
		found = append(found, identity)
	}
	p.secrets = vault.NewSecrets(found...)
	p.secrets.MatchIDs = p.config.Bool("DEFAULT_VAULT_ID_MATCH")
	return nil
}

// askVault asks the person for a vault password.
func (a *app) askVault(id string) (vault.Secret, error) {
	text, err := a.ask(a.text("Vault password", "볼트 암호")+" ("+id+"): ", true)
	return vault.NewSecret([]byte(text)), err
}
