package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// commands are the names under which sunup takes Ansible's place.
var commands = []string{"ansible", "ansible-playbook", "ansible-inventory", "ansible-vault", "ansible-config", "ansible-doc"}

// places are the paths that a sandbox works with; all are made inside it.
const (
	binDir    = "/sandbox/bin"
	outputDir = "/sandbox/output"
)

// scriptFor is the shell script that runs a target as ansible-test does.
func scriptFor(t target, o options) (string, error) {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	integration := filepath.Join(o.src, "test/integration")
	say("set -e")
	say("mkdir -p %s %s /run/sshd /run/lock", binDir, outputDir)
	say("ip link set lo up")
	// ansible-test finds the tests' Python as `python`, and its virtual
	// environments as a script to source; here Debian's Python serves both.
	say("ln -s /usr/bin/python3 %[1]s/python; ln -s /usr/bin/python3 %[1]s/python3; : > %[1]s/virtualenv.sh", binDir)
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	// What is needed of the machine's own files is copied before /tmp is emptied.
	binary := ""
	if o.binary != "" {
		binary = "/sandbox/sunup"
		say("cp %s %s", quote(o.binary), binary)
	}
	say("printf %%s %s > %s", quote(binary), binaryFile)
	say("cp %s /sandbox/stand-in", quote(self))
	for _, c := range commands {
		say("ln -s /sandbox/stand-in %s/%s", binDir, c)
	}
	if o.packages != "" {
		// Where apt looks before it asks a repository, as long as nothing clears it.
		say("rm -f /etc/apt/apt.conf.d/docker-clean; cp %s/*.deb /var/cache/apt/archives/", quote(o.packages))
	}
	if t.web {
		say("export HTTPTESTER=1")
	}
	say("%s", emptyTemp(o.src))
	// What the targets install with pip is there already; Debian's pip refuses to
	// even look.
	say("rm -f /usr/lib/python3*/EXTERNALLY-MANAGED")
	say("%s", loginByKey)
	say("cat > %s <<'END'\n%sEND", quote(integration+"/inventory"), inventoryFile)
	say(": > /sandbox/ansible.cfg")
	for _, pair := range environment(integration) {
		say("export %s", pair)
	}
	if t.script {
		say("cd %s", quote(t.dir))
		say("export ANSIBLE_PLAYBOOK_DIR=$PWD")
		say("exec ./runme.sh")
		return b.String(), nil
	}
	play, err := json.MarshalIndent([]map[string]any{{
		"hosts": "testhost", "gather_facts": t.gathersFacts(), "roles": []string{t.name},
		"vars": map[string]any{"output_dir": outputDir},
	}}, "", "  ")
	if err != nil {
		return "", err
	}
	say("cd %s", quote(integration))
	say("export ANSIBLE_PLAYBOOK_DIR=$PWD ANSIBLE_ROLES_PATH=%s", quote(integration+"/targets"))
	say("cat > %s.yml <<'END'\n%s\nEND", t.name, play)
	say("exec ansible-playbook %s.yml -i inventory", t.name)
	return b.String(), nil
}

// emptyTemp covers /tmp: targets search all of it, and what others left there is
// none of their business. A checkout that lies there stays.
func emptyTemp(src string) string {
	cover := "mount -t tmpfs -o mode=1777 sandbox /tmp"
	if !strings.HasPrefix(src, "/tmp/") {
		return cover
	}
	return fmt.Sprintf("mkdir -p /sandbox/src; mount --bind %[1]s /sandbox/src; %[2]s; mkdir -p %[1]s; mount --move /sandbox/src %[1]s", quote(src), cover)
}

const inventoryFile = `[testgroup]
testhost ansible_connection=local ansible_pipelining=yes ansible_python_interpreter=/usr/bin/python3
`

// loginByKey lets root of the sandbox log in to itself.
const loginByKey = `mkdir -p -m 700 /root/.ssh
rm -f /root/.ssh/*
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
[ -f /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -A >/dev/null
/usr/sbin/sshd -o PermitRootLogin=yes || echo "no sshd here"
for i in 1 2 3 4 5 6 7 8 9 10; do ssh-keyscan -t ed25519 localhost 127.0.0.1 > /root/.ssh/known_hosts 2>/dev/null && [ -s /root/.ssh/known_hosts ] && break; sleep 0.2; done`

// environment is what ansible-test sets for a target.
func environment(integration string) []string {
	return []string{
		"PYTHONPATH=/usr/lib/python3/dist-packages", "PATH=" + binDir + ":$PATH", "PAGER=/bin/cat", "OUTPUT_DIR=" + outputDir, "JUNIT_OUTPUT_DIR=" + outputDir,
		"INVENTORY_PATH=" + quote(integration+"/inventory"), "ANSIBLE_CONFIG=/sandbox/ansible.cfg", "ANSIBLE_INVENTORY=/dev/null",
		"ANSIBLE_FORCE_COLOR=false", "ANSIBLE_FORCE_HANDLERS=true", "ANSIBLE_HOST_PATTERN_MISMATCH=error",
		"ANSIBLE_DEPRECATION_WARNINGS=false", "ANSIBLE_HOST_KEY_CHECKING=false", "ANSIBLE_RETRY_FILES_ENABLED=false",
		"ANSIBLE_LIBRARY=/dev/null", "ANSIBLE_DEVEL_WARNING=false",
		"ANSIBLE_PYTHON_INTERPRETER=/set/ansible_python_interpreter/in/inventory",
	}
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
