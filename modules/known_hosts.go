package modules

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"strings"

	"sunup/internal/say"
)

var knownHostsModule = Module{
	Name:       "ansible.builtin.known_hosts",
	Summary:    say.T("Manages host keys in known_hosts.", "known_hosts의 호스트 키를 관리한다."),
	Notes:      say.T("Reads hashed names itself; ssh-keygen is not needed.", "해시된 이름도 직접 읽으므로 ssh-keygen이 필요 없다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "name", Aliases: []string{"host"}, Required: true, Doc: say.T("Name of the host, as in the key: [host]:port for another port.", "호스트 이름. 다른 포트는 [host]:port.")},
		{Name: "key", Doc: say.T("The line: host, type and key.", "호스트, 형식, 키로 된 줄.")},
		{Name: "path", Type: Path, Default: "~/.ssh/known_hosts", Doc: say.T("The file.", "파일.")},
		{Name: "hash_host", Type: Bool, Default: false, Doc: say.T("Hash the name.", "이름을 해시한다.")},
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether the key should be there.", "키가 있어야 하는지.")},
	}},
	Run: runKnownHosts,
}

// hostKeyLine is one line of known_hosts.
type hostKeyLine struct {
	marker, hosts, kind, key string
}

func readHostKey(line string) (hostKeyLine, bool) {
	words := strings.Fields(line)
	k := hostKeyLine{}
	if len(words) > 0 && strings.HasPrefix(words[0], "@") {
		k.marker, words = words[0], words[1:]
	}
	if len(words) < 3 || strings.HasPrefix(words[0], "#") {
		return k, false
	}
	k.hosts, k.kind, k.key = words[0], words[1], words[2]
	return k, true
}

// names reports whether the line is for a host.
func (k hostKeyLine) names(host string) bool {
	if parts := strings.Split(k.hosts, "|"); len(parts) == 4 && parts[1] == "1" {
		salt, err := base64.StdEncoding.DecodeString(parts[2])
		return err == nil && hashHost(salt, host) == k.hosts
	}
	for _, h := range strings.Split(strings.ToLower(k.hosts), ",") {
		if h == host {
			return true
		}
	}
	return false
}

// hashHost hashes a name as OpenSSH does.
func hashHost(salt []byte, host string) string {
	m := hmac.New(sha1.New, salt)
	m.Write([]byte(host))
	return "|1|" + base64.StdEncoding.EncodeToString(salt) + "|" + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func runKnownHosts(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	host, key := strings.ToLower(a.Str("name")), strings.TrimSpace(a.Str("key"))
	present := a.Str("state") == "present"
	if key == "" && present {
		return Fail("No key specified when adding a host"), nil
	}
	wanted, ok := readHostKey(key)
	switch {
	case key == "":
	case strings.Contains(host, ","):
		return Fail("Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file."), nil
	case !ok || !wanted.names(host):
		return Fail("Host parameter does not match hashed host field in supplied key"), nil
	}
	t, fail, err := c.openFile(ctx, a.Str("path"), attrs{}, ":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	text, changed := placeHostKey(t.text(), host, key, wanted, present, a.Bool("hash_host"))
	r := ChangedIf(changed)
	c.fileDiff(r, t, text)
	if c.Check {
		return r, nil
	}
	if changed {
		if _, _, fail, err := c.keepFile(ctx, t, text, kept{}); fail != nil || err != nil {
			return fail, err
		}
	}
	for _, name := range []string{"name", "key", "path", "hash_host", "state"} {
		r.Set(name, a.Raw(name))
	}
	r.Set("path", t.fields["p"])
	t.at.describe(r, t.id.secontext)
	return r, nil
}

// placeHostKey returns the file with the key in it, or without the host.
func placeHostKey(text, host, key string, wanted hostKeyLine, present, hash bool) (string, bool) {
	var out strings.Builder
	found, changed := false, false
	for _, l := range fileLines(text) {
		k, ok := readHostKey(l)
		if !ok || !k.names(host) {
			out.WriteString(l)
			continue
		}
		hashed := strings.HasPrefix(k.hosts, "|1|")
		same := k.kind == wanted.kind && k.key == wanted.key && k.marker == wanted.marker
		switch {
		case present && same && !found && (hashed || !hash):
			found = true
			out.WriteString(l)
		case present && k.kind != wanted.kind, !present && key != "" && !same:
			out.WriteString(l)
		default:
			changed = true
		}
	}
	if !present || found {
		return out.String(), changed
	}
	if s := out.String(); s != "" && !strings.HasSuffix(s, "\n") {
		out.WriteByte('\n')
	}
	if hash && !strings.HasPrefix(wanted.hosts, "|1|") {
		var salt [20]byte
		rand.Read(salt[:]) //nolint:errcheck // never fails since Go 1.24
		key = strings.Replace(key, wanted.hosts, hashHost(salt[:], host), 1)
	}
	return out.String() + key + "\n", true
}
