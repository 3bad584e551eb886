package modules

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Comments, quotes, variables and nested blocks do not lead the reader astray.
func TestNginxUpstreamServers(t *testing.T) {
	servers, found := nginxUpstream(`# upstream app { server no; }
upstream "app" {
  zone app 64k; # server not;
  server 10.0.0.1:80 weight=3 down max_fails=2;
  server "10.0.0.2:80"
         down; server unix:/run/a.sock;
  keepalive 4;
}
log_format x '{ server bad; } ${upstream}';
upstream other { server 10.0.0.9; }`, "app")
	require.True(t, found)
	require.Len(t, servers, 3)
	require.Equal(t, []string{"10.0.0.1:80", "10.0.0.2:80", "unix:/run/a.sock"}, []string{servers[0].address, servers[1].address, servers[2].address})
	require.Equal(t, "3", servers[0].value("weight"))
	require.Equal(t, []bool{true, true, false}, []bool{servers[0].has("down"), servers[1].has("down"), servers[2].has("down")})
	_, found = nginxUpstream("upstream app;", "app")
	require.False(t, found)
}

// Any text is read to its end, words lie in it in order, and edits keep the
// rest of it.
func FuzzNginxUpstream(f *testing.F) {
	f.Add("upstream app { server a down weight=2; }")
	f.Add("upstream app { server 'a\\'b; } # }")
	f.Add("upstream app {server a;server")
	f.Fuzz(func(t *testing.T, text string) {
		at := 0
		for _, w := range nginxWords(text) {
			if w.from < at || w.to <= w.from || w.to > len(text) {
				t.Fatalf("word %+v after %d in %q", w, at, text)
			}
			at = w.to
		}
		servers, _ := nginxUpstream(text, "app")
		for _, s := range servers {
			for _, e := range s.edits(!s.has("down"), "7") {
				_ = text[:e.from] + e.text + text[e.to:]
			}
		}
		nginxFiles(text)
	})
}
