package ssh

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"sunup/internal/connection"
)

var update = flag.Bool("update", false, "write the golden results")

// TestSettings reads testdata/settings: each file has the OpenSSH configuration
// ("config" and what it includes), the options in JSON, and what came of it.
func TestSettings(t *testing.T) {
	names, err := filepath.Glob("testdata/settings/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			home := t.TempDir()
			o := connection.Options{SSHConfig: []string{"~/.ssh/config"}}
			want := ""
			for _, f := range a.Files {
				switch f.Name {
				case "options":
					if err := json.Unmarshal(f.Data, &o); err != nil {
						t.Fatal(err)
					}
				case "want":
					want = string(f.Data)
				default:
					path := filepath.Join(home, ".ssh", f.Name)
					os.MkdirAll(filepath.Dir(path), 0o700)
					if err := os.WriteFile(path, f.Data, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			got := strings.ReplaceAll(describe(o, home), home, "HOME")
			if *update {
				a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
				a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// describe is the route to a host in words.
func describe(o connection.Options, home string) string {
	var b strings.Builder
	env := Environment{Home: home, User: "me", Agent: "/agent", Note: func(host, text string) { fmt.Fprintf(&b, "note %s: %s\n", host, text) }}.withDefaults()
	src, err := newSources(o, env)
	if err != nil {
		return b.String() + "error " + err.Error() + "\n"
	}
	host, err := src.resolve(o)
	if err != nil {
		return b.String() + "error " + err.Error() + "\n"
	}
	d := &dialer{env: env, options: o}
	hops, err := d.route(src, host, 1)
	if err != nil {
		return b.String() + "error " + err.Error() + "\n"
	}
	for _, h := range hops {
		fmt.Fprintf(&b, "hop %s@%s family %s\n", h.user, h.address(), h.family)
		fmt.Fprintf(&b, "  host key of %s, %s, in %s\n", h.keyAddress(), h.policy, strings.Join(h.knownHosts, " "))
		fmt.Fprintf(&b, "  keys %s, usual ones %d, only these %v, agent %q\n", strings.Join(h.identities, " "), len(h.defaultKeys), h.identitiesOnly, h.agent)
		fmt.Fprintf(&b, "  connect %s, alive %s x %d\n", h.connectTimeout, h.keepAlive, h.keepAliveMax)
		if h.proxyCommand != "" {
			fmt.Fprintf(&b, "  by command %s\n", h.proxyCommand)
		}
		if len(h.algorithms) > 0 {
			fmt.Fprintf(&b, "  algorithms %v\n", h.algorithms)
		}
		for name, allowed := range h.methods {
			if !allowed {
				fmt.Fprintf(&b, "  without %s\n", name)
			}
		}
	}
	return b.String()
}

// No configuration and no arguments make us panic, hang or grow without bound.
func FuzzConfig(f *testing.F) {
	f.Add("Host a*\n Port 22\n ProxyJump b,c\nMatch final all\n User x\nInclude nothing\n", "-o ProxyJump=x -p 5 -J a", "web1")
	f.Add("Host *\n\tProxyJump x\n", "-oPort=7", "x")
	f.Add("Port \"", "-o", "")
	f.Fuzz(func(t *testing.T, config, args, target string) {
		home := t.TempDir()
		os.Mkdir(filepath.Join(home, ".ssh"), 0o700)
		if strings.Contains(strings.ToLower(config), "include") || !utf8.ValidString(config) {
			return // would read this machine's files
		}
		os.WriteFile(filepath.Join(home, ".ssh", "config"), []byte(config), 0o600)
		if strings.Contains(args, "F") {
			return
		}
		describe(connection.Options{Name: target, Address: target, SSHArgs: []string{args}, SSHConfig: []string{"~/.ssh/config"}}, home)
	})
}
