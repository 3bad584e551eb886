package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sunup/internal/say"
	"sunup/internal/vault"
)

// vaultFlags are those of ansible-vault.
type vaultFlags struct {
	target                     targetFlags
	encryptID, output          string
	newID, newFile             string
	names                      []string
	stdinName                  string
	prompt, showInput, skipTTY bool
	verbosity                  int
}

// vaultWork is one vault command with its passwords at hand.
type vaultWork struct {
	*project
	f *vaultFlags
}

func (a *app) vaultCommand() *cobra.Command {
	f := &vaultFlags{}
	root := &cobra.Command{
		Use:   "vault",
		Short: a.text("Encrypt and decrypt files and values", "파일과 값을 암호화하고 복호화합니다"),
		Example: "  sunup vault encrypt secrets.yml\n" +
			"  sunup vault encrypt_string --name db_password 'correct horse'\n" +
			"  sunup vault edit secrets.yml",
	}
	commands := []struct {
		use, en, ko string
		run         func(v *vaultWork, args []string) error
	}{
		{"create FILE", "Write a new encrypted file in the editor", "편집기로 새 암호화 파일을 만듭니다", (*vaultWork).create},
		{"view FILE...", "Show what encrypted files hold", "암호화된 파일의 내용을 보입니다", (*vaultWork).view},
		{"edit FILE...", "Change encrypted files in the editor", "암호화된 파일을 편집기로 고칩니다", (*vaultWork).edit},
		{"encrypt [FILE...]", "Encrypt files, or what is typed", "파일이나 입력을 암호화합니다", (*vaultWork).encrypt},
		{"decrypt [FILE...]", "Decrypt files, or what is typed", "파일이나 입력을 복호화합니다", (*vaultWork).decryptFiles},
		{"rekey FILE...", "Encrypt files with another password", "파일의 암호를 바꿉니다", (*vaultWork).rekey},
		{"encrypt_string [TEXT...]", "Encrypt values for use in a variables file", "변수 파일에 쓸 값을 암호화합니다", (*vaultWork).encryptString},
	}
	for _, one := range commands {
		c := &cobra.Command{Use: one.use, Short: a.text(one.en, one.ko), SilenceErrors: true, SilenceUsage: true,
			RunE: func(c *cobra.Command, args []string) error {
				p, err := a.openProject(c.Context(), f.target, true)
				if err != nil {
					return err
				}
				return one.run(&vaultWork{p, f}, args)
			}}
		a.addVaultFlags(c, f)
		root.AddCommand(c)
	}
	return root
}

func (a *app) addVaultFlags(c *cobra.Command, f *vaultFlags) {
	fs := c.Flags()
	fs.SortFlags = false
	a.addVaultIDFlags(fs, &f.target)
	fs.StringVar(&f.encryptID, "encrypt-vault-id", "", a.text("the vault id to encrypt with", "암호화에 쓸 볼트 id"))
	fs.CountVarP(&f.verbosity, "verbose", "v", a.text("tell more", "더 자세히"))
	switch name := c.Name(); name {
	case "encrypt", "decrypt", "encrypt_string":
		fs.StringVar(&f.output, "output", "", a.text("write to this file; - is the standard output", "이 파일에 쓰기. -는 표준 출력"))
	case "create":
		fs.BoolVar(&f.skipTTY, "skip-tty-check", false, a.text("open the editor without a terminal too", "터미널이 없어도 편집기 열기"))
	case "rekey":
		fs.StringVar(&f.newID, "new-vault-id", "", a.text("the new vault password: label@file", "새 볼트 암호: 이름@파일"))
		fs.StringVar(&f.newFile, "new-vault-password-file", "", a.text("file with the new vault password", "새 볼트 암호 파일"))
	}
	if c.Name() == "encrypt_string" {
		fs.StringArrayVarP(&f.names, "name", "n", nil, a.text("name of the variable (one for each text)", "변수 이름 (글마다 하나)"))
		fs.StringVar(&f.stdinName, "stdin-name", "", a.text("name of the variable for what is typed", "입력한 값의 변수 이름"))
		fs.BoolVarP(&f.prompt, "prompt", "p", false, a.text("ask for the value", "값을 묻기"))
		fs.BoolVar(&f.showInput, "show-input", false, a.text("show the value while it is typed", "입력하는 값 보이기"))
	}
}

// identity is what new text is encrypted with.
func (v *vaultWork) identity() (vault.Identity, error) {
	id := v.f.encryptID
	if id == "" {
		id = v.config.Text("DEFAULT_VAULT_ENCRYPT_IDENTITY")
	}
	if id == "" && len(v.secrets.Identities) > 1 {
		return vault.Identity{}, usageError{fmt.Errorf("The vault-ids %s are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id", strings.Join(v.ids(), ","))}
	}
	if id == "" && len(v.secrets.Identities) == 0 {
		secret, err := v.newPassword("New Vault password")
		if err != nil {
			return vault.Identity{}, err
		}
		return vault.Identity{ID: vault.DefaultID, Secret: secret}, nil
	}
	if id != "" {
		if _, err := v.secrets.ForEncryption(id); err != nil {
			quoted := v.ids()
			for i, one := range quoted {
				quoted[i] = "'" + one + "'"
			}
			return vault.Identity{}, fmt.Errorf("Did not find a match for --encrypt-vault-id=%s in the known vault-ids [%s]", id, strings.Join(quoted, ", "))
		}
	}
	return v.secrets.ForEncryption(id)
}

func (v *vaultWork) ids() []string {
	var out []string
	for _, one := range v.secrets.Identities {
		id := one.ID
		if id == "" {
			id = vault.DefaultID
		}
		out = append(out, id)
	}
	return out
}

func (v *vaultWork) newPassword(question string) (vault.Secret, error) {
	first, err := v.app.ask(question+": ", true)
	if err != nil {
		return vault.Secret{}, err
	}
	again, err := v.app.ask("Confirm "+question+": ", true)
	if err != nil {
		return vault.Secret{}, err
	}
	if first != again {
		return vault.Secret{}, fmt.Errorf("%s", v.app.text("the passwords differ", "두 암호가 다릅니다"))
	}
	return vault.NewSecret([]byte(first)), nil
}

// unlock asks for the password when none was given.
func (v *vaultWork) unlock() error {
	if len(v.secrets.Identities) > 0 {
		return nil
	}
	secret, err := v.app.askVault(vault.DefaultID)
	if err != nil {
		return fmt.Errorf("a vault password is required to use Ansible's Vault: %w", err)
	}
	v.secrets.Identities = append(v.secrets.Identities, vault.Identity{ID: vault.DefaultID, Secret: secret})
	return nil
}

// done says that the work is done, to a person only.
func (v *vaultWork) done(what say.Text) {
	if stat, err := v.app.out.Stat(); err == nil && stat.Mode()&os.ModeCharDevice != 0 {
		v.app.tell(v.app.err, what)
	}
}

func (v *vaultWork) encrypt(files []string) error {
	id, err := v.identity()
	if err != nil {
		return err
	}
	err = v.eachFile(files, func(text []byte) ([]byte, error) {
		if vault.IsEncrypted(text) {
			return nil, fmt.Errorf("input is already encrypted")
		}
		return vault.Encrypt(text, id)
	})
	if err == nil {
		v.done(say.T("Encryption successful", "암호화했습니다"))
	}
	return err
}

func (v *vaultWork) decryptFiles(files []string) error {
	if err := v.unlock(); err != nil {
		return err
	}
	err := v.eachFile(files, v.openText)
	if err == nil {
		v.done(say.T("Decryption successful", "복호화했습니다"))
	}
	return err
}

func (v *vaultWork) openText(text []byte) ([]byte, error) {
	if !vault.IsEncrypted(text) {
		return nil, fmt.Errorf("input is not vault encrypted data")
	}
	return v.decrypt(text)
}

// eachFile changes files in place, or to --output; without files it changes
// what is typed.
func (v *vaultWork) eachFile(files []string, change func([]byte) ([]byte, error)) error {
	if len(files) == 0 {
		files = []string{"-"}
	}
	if len(files) > 1 && v.f.output != "" {
		return usageError{fmt.Errorf("at most one input file may be used with the --output option")}
	}
	for _, name := range files {
		text, err := v.read(name)
		if err != nil {
			return err
		}
		out, err := change(text)
		if err != nil {
			return fmt.Errorf("%w for %s", err, name)
		}
		to := v.f.output
		if to == "" {
			to = name
		}
		if err := v.write(to, out); err != nil {
			return err
		}
	}
	return nil
}

func (v *vaultWork) read(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(v.app.in)
	}
	return os.ReadFile(name)
}

// write replaces a file whole; an old file keeps its mode, a new one is the
// owner's alone.
func (v *vaultWork) write(name string, text []byte) error {
	if name == "-" {
		_, err := v.app.out.Write(text)
		return err
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	mode := os.FileMode(0o600)
	if info, err := os.Stat(name); err == nil {
		if !info.Mode().IsRegular() {
			return os.WriteFile(name, text, 0o600) // /dev/stdout and the like
		}
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(mode)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(f.Name(), name)
}

func (v *vaultWork) view(files []string) error {
	if len(files) == 0 {
		return usageError{fmt.Errorf("%s", v.app.text("name a file", "파일을 지정하십시오"))}
	}
	if err := v.unlock(); err != nil {
		return err
	}
	for _, name := range files {
		text, err := v.read(name)
		if err != nil {
			return err
		}
		plain, err := v.openText(text)
		if err != nil {
			return fmt.Errorf("%w for %s", err, name)
		}
		if len(plain) > 0 && plain[len(plain)-1] != '\n' {
			plain = append(bytes.Clone(plain), '\n')
		}
		if _, err := v.app.out.Write(plain); err != nil {
			return err
		}
	}
	return nil
}

func (v *vaultWork) create(files []string) error {
	if len(files) != 1 {
		return usageError{fmt.Errorf("ansible-vault create can take only one filename argument")}
	}
	if _, err := os.Stat(files[0]); err == nil {
		return fmt.Errorf("%s exists, please use 'edit' instead", files[0])
	}
	id, err := v.identity()
	if err != nil {
		return err
	}
	text, err := v.editor(nil)
	if err != nil {
		return err
	}
	sealed, err := vault.Encrypt(text, id)
	if err != nil {
		return err
	}
	return v.write(files[0], sealed)
}

func (v *vaultWork) edit(files []string) error {
	if len(files) == 0 {
		return usageError{fmt.Errorf("%s", v.app.text("name a file", "파일을 지정하십시오"))}
	}
	if err := v.unlock(); err != nil {
		return err
	}
	for _, name := range files {
		if err := v.editOne(name); err != nil {
			return fmt.Errorf("%w for %s", err, name)
		}
	}
	return nil
}

// editOne encrypts with the secret, and under the id, that the file had.
func (v *vaultWork) editOne(name string) error {
	sealed, err := v.read(name)
	if err != nil {
		return err
	}
	plain, id, err := v.secrets.Decrypt(bytes.TrimSpace(sealed))
	if err != nil {
		return err
	}
	with, err := v.secrets.ForEncryption(id)
	if err != nil {
		return err
	}
	if header, err := vault.ParseHeader(sealed); err == nil {
		with.ID = header.ID
	}
	changed, err := v.editor(plain)
	if err != nil {
		return err
	}
	if bytes.Equal(changed, plain) && v.f.encryptID == "" {
		return nil
	}
	if v.f.encryptID != "" {
		if with, err = v.identity(); err != nil {
			return err
		}
	}
	if sealed, err = vault.Encrypt(changed, with); err != nil {
		return err
	}
	return v.write(name, sealed)
}

// editor lets a person change text; the file it stands in is the owner's alone
// and overwritten afterwards.
func (v *vaultWork) editor(text []byte) ([]byte, error) {
	dir, err := os.MkdirTemp("", "sunup-vault-")
	if err != nil {
		return nil, fmt.Errorf("make a private directory: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "text.yml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, fmt.Errorf("write for the editor: %w", err)
	}
	defer func() { _ = os.WriteFile(path, bytes.Repeat([]byte{0}, len(text)), 0o600) }()
	program := v.app.getenv("EDITOR")
	if program == "" {
		program = "vi"
	}
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", program+` "$0"`, path)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = v.app.in, v.app.out, v.app.err
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("editor %s: %w", program, err)
	}
	return os.ReadFile(path)
}

func (v *vaultWork) rekey(files []string) error {
	if len(files) == 0 {
		return usageError{fmt.Errorf("%s", v.app.text("name a file", "파일을 지정하십시오"))}
	}
	if err := v.unlock(); err != nil {
		return err
	}
	with, err := v.newIdentity()
	if err != nil {
		return err
	}
	err = v.eachFile(files, func(text []byte) ([]byte, error) { return vault.Rekey(bytes.TrimSpace(text), v.secrets, with) })
	if err == nil {
		v.done(say.T("Rekey successful", "암호를 바꿨습니다"))
	}
	return err
}

func (v *vaultWork) newIdentity() (vault.Identity, error) {
	if v.f.newID != "" && v.f.newFile != "" {
		return vault.Identity{}, usageError{argumentError{fmt.Errorf("--new-vault-password-file and --new-vault-id are mutually exclusive")}}
	}
	source := v.f.newID
	if v.f.newFile != "" {
		source = vault.DefaultID + "@" + v.f.newFile
	}
	if source != "" {
		return vault.Sources{Ask: v.app.askVault}.Open(context.Background(), source)
	}
	secret, err := v.newPassword("New Vault password")
	return vault.Identity{ID: vault.DefaultID, Secret: secret}, err
}

// encryptString prints values as they stand in a variables file.
func (v *vaultWork) encryptString(texts []string) error {
	id, err := v.identity()
	if err != nil {
		return err
	}
	values, names, err := v.values(texts)
	if err != nil {
		return err
	}
	var out strings.Builder
	for i, text := range values {
		sealed, err := vault.Encrypt([]byte(text), id)
		if err != nil {
			return err
		}
		if names[i] != "" {
			out.WriteString(names[i] + ": ")
		}
		out.WriteString("!vault |\n")
		for _, line := range strings.Split(strings.TrimRight(string(sealed), "\n"), "\n") {
			out.WriteString("          " + line + "\n")
		}
		if i+1 < len(values) {
			out.WriteString("\n")
		}
	}
	to := v.f.output
	if to == "" {
		to = "-"
	}
	if err := v.write(to, []byte(out.String())); err != nil {
		return err
	}
	v.done(say.T("Encryption successful", "암호화했습니다"))
	return nil
}

// values are the texts of the command line, of a question, and of the standard
// input when nothing else was given.
func (v *vaultWork) values(texts []string) (values, names []string, err error) {
	name := func(i int) string {
		if i < len(v.f.names) {
			return v.f.names[i]
		}
		return ""
	}
	add := func(text, name string) { values, names = append(values, text), append(names, name) }
	if v.f.prompt {
		text, err := v.app.ask(v.app.text("String to encrypt", "암호화할 값")+": ", !v.f.showInput)
		if err != nil {
			return nil, nil, err
		}
		add(text, name(0))
	}
	fromInput := len(texts) == 0 && !v.f.prompt || v.f.stdinName != ""
	for i, text := range texts {
		if text == "-" {
			fromInput = true
			continue
		}
		add(text, name(i))
	}
	if fromInput {
		v.app.tell(v.app.err, say.T("Reading plaintext input from stdin. (ctrl-d to end input, twice if your content does not already have a newline)", "표준 입력에서 평문을 읽습니다. (Ctrl-D로 끝냅니다)"))
		text, err := io.ReadAll(v.app.in)
		if err != nil {
			return nil, nil, err
		}
		add(string(text), v.f.stdinName)
	}
	return values, names, nil
}
