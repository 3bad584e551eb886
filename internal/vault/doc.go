// Package vault reads and writes text encrypted by Ansible Vault.
//
//   - Vault text: a header line ($ANSIBLE_VAULT;1.1;AES256, or 1.2 with an id)
//     and the encrypted data in hexadecimal digits, in lines of eighty.
//   - Secret: a password. It prints as stars.
//   - Identity: a secret with the vault id that it goes by; the id of a secret
//     without one is "default".
//   - Secrets: the identities of a run, in the order they are tried.
//   - Source: where a secret comes from: a file, a program, or a question to
//     the person (label@source, as in --vault-id).
package vault
