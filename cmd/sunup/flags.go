package main

import (
	"github.com/spf13/pflag"
)

// targetFlags say which hosts and how to reach them: shared by all commands
// that read an inventory.
type targetFlags struct {
	inventory  []string
	limit      string
	extraVars  []string
	vaultIDs   []string
	vaultFiles []string
	askVault   bool
}

func (a *app) addTargetFlags(fs *pflag.FlagSet, t *targetFlags) {
	fs.StringArrayVarP(&t.inventory, "inventory", "i", nil, a.text("inventory file, directory, script or host list with a comma (may be repeated)", "인벤토리 파일·디렉터리·스크립트 또는 쉼표로 끝나는 호스트 목록 (여러 번 가능)"))
	fs.StringVarP(&t.limit, "limit", "l", "", a.text("further limit the hosts to a pattern", "호스트를 패턴으로 더 제한"))
	fs.StringArrayVarP(&t.extraVars, "extra-vars", "e", nil, a.text("variables: key=value, JSON/YAML, or @file", "변수: key=value, JSON/YAML 또는 @파일"))
	a.addVaultIDFlags(fs, t)
}

// addVaultIDFlags say where vault passwords come from.
func (a *app) addVaultIDFlags(fs *pflag.FlagSet, t *targetFlags) {
	fs.StringArrayVar(&t.vaultIDs, "vault-id", nil, a.text("vault password by name: label@file or label@prompt", "이름별 볼트 암호: 이름@파일 또는 이름@prompt"))
	fs.StringArrayVar(&t.vaultFiles, "vault-password-file", nil, a.text("file with the vault password", "볼트 암호 파일"))
	fs.StringArrayVar(&t.vaultFiles, "vault-pass-file", nil, a.text("the same as --vault-password-file", "--vault-password-file과 같음"))
	fs.BoolVar(&t.askVault, "ask-vault-password", false, a.text("the same as --ask-vault-pass", "--ask-vault-pass와 같음"))
	fs.BoolVarP(&t.askVault, "ask-vault-pass", "J", false, a.text("ask for the vault password", "볼트 암호를 묻기"))
}

// connectFlags say how to log in and who to become.
type connectFlags struct {
	user, connection, privateKey string
	commonArgs, extraArgs        string
	timeout                      int
	askPass, askBecome, become   bool
	becomeMethod, becomeUser     string
	connPassFile, becomePassFile string
	hostKeys                     string
	commandTimeout               int
}

func (a *app) addConnectFlags(fs *pflag.FlagSet, c *connectFlags) {
	fs.StringVarP(&c.user, "user", "u", "", a.text("log in as this user", "로그인 사용자"))
	fs.StringVarP(&c.connection, "connection", "c", "", a.text("connection: ssh or local", "연결 방식: ssh 또는 local"))
	fs.StringVar(&c.privateKey, "private-key", "", a.text("SSH key file", "SSH 개인 키 파일"))
	fs.StringVar(&c.privateKey, "key-file", "", a.text("the same as --private-key", "--private-key와 같음"))
	fs.StringVar(&c.commonArgs, "ssh-common-args", "", a.text("options of ssh, such as '-o ProxyJump=gate'", "ssh 옵션. 예: '-o ProxyJump=gate'"))
	fs.StringVar(&c.extraArgs, "ssh-extra-args", "", a.text("more options of ssh", "추가 ssh 옵션"))
	fs.IntVarP(&c.timeout, "timeout", "T", 0, a.text("seconds to connect (default 10)", "접속 제한 시간, 초 (기본 10)"))
	fs.IntVar(&c.commandTimeout, "command-timeout", 0, a.text("seconds that one command may take (default: no limit)", "명령 하나의 제한 시간, 초 (기본: 없음)"))
	fs.BoolVarP(&c.askPass, "ask-pass", "k", false, a.text("ask for the login password", "로그인 암호를 묻기"))
	fs.BoolVarP(&c.become, "become", "b", false, a.text("become another user", "다른 사용자로 실행"))
	fs.StringVar(&c.becomeMethod, "become-method", "", a.text("sudo, su or doas (default sudo)", "sudo, su, doas (기본 sudo)"))
	fs.StringVar(&c.becomeUser, "become-user", "", a.text("the user to become (default root)", "전환할 사용자 (기본 root)"))
	fs.BoolVarP(&c.askBecome, "ask-become-pass", "K", false, a.text("ask for the become password", "권한 상승 암호를 묻기"))
	fs.StringVar(&c.connPassFile, "connection-password-file", "", a.text("file with the login password", "로그인 암호 파일"))
	fs.StringVar(&c.becomePassFile, "become-password-file", "", a.text("file with the become password", "권한 상승 암호 파일"))
	fs.StringVar(&c.hostKeys, "host-keys", "", a.text("strict (default), accept-new, or off", "호스트 키: strict(기본), accept-new, off"))
}
