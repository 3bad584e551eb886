package health

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/connection/local"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// plainConn is a host that knows nothing of connections.
type plainConn struct{ connection.Conn }

// dialing is a host that opens connections for us.
type dialing struct{ connection.Conn }

func (dialing) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

// refusing is a host that could and does not.
type refusing struct{ connection.Conn }

func (refusing) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, fmt.Errorf("open direct-tcpip: %w", connection.ErrNoDial)
}

func localConn(t *testing.T) connection.Conn {
	link := local.New(connection.Options{Name: "here"})
	t.Cleanup(func() { link.Close() })
	return link.As(connection.Become{})
}

// busyboxConn is a host that has nothing but busybox; nil when there is none
// here.
func busyboxConn(t *testing.T) connection.Conn {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Log("left out: busybox is not installed")
		return nil
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, exec.Command(busybox, "--install", "-s", dir).Run())
	link := local.New(connection.Options{Name: "here", Shell: filepath.Join(dir, "sh")})
	t.Cleanup(func() { link.Close() })
	return connection.WithEnv(plainConn{link.As(connection.Become{})}, []string{"PATH=" + dir})
}

func TestAsks(t *testing.T) {
	places := startServers(t)
	src, err := os.ReadFile("testdata/asks.yml")
	require.NoError(t, err)
	text := string(src)
	for name, v := range places {
		text = strings.ReplaceAll(text, "{"+name+"}", v)
	}
	docs, problems := yaml.Parse("asks.yml", []byte(text))
	require.Empty(t, problems)
	conn := localConn(t)
	ways := map[string]*Target{
		"tools":      {Name: "here", Address: "127.0.0.1", Conn: plainConn{conn}},
		"refused":    {Name: "here", Address: "127.0.0.1", Conn: refusing{conn}},
		"connection": {Name: "here", Address: "127.0.0.1", Conn: dialing{conn}},
		"controller": {Name: "here", Address: "127.0.0.1"},
	}
	if small := busyboxConn(t); small != nil {
		ways["busybox"] = &Target{Name: "here", Address: "127.0.0.1", Conn: small}
	}
	for _, item := range docs[0].Items {
		c := item.Value().(*value.Dict)
		probe := c.At("probe").(*value.Dict)
		reason, _ := c.At("reason").(string)
		for way, target := range ways {
			args := probe.Copy()
			if way == "controller" {
				args.Set("from", "controller")
			}
			plan, problems := Read(value.NewList(args))
			if way == "controller" && plan == nil { // it has no such choice
				continue
			}
			require.Empty(t, problems.Format(say.English), item.Pos)
			if kind := plan.Probes()[0].Kind; way == "busybox" && (kind == "http" || kind == "tls" || kind == "dns" || kind == "command") {
				continue // they need curl, openssl, getent, or what the case itself runs
			}
			t.Run(fmt.Sprintf("%d/%s/%s", item.Pos.Line, plan.Probes()[0].Kind, way), func(t *testing.T) {
				t.Parallel()
				r, err := (&Gate{Plan: plan, Target: target, Once: true}).Run(t.Context())
				require.NoError(t, err)
				if reason == "" {
					assert.True(t, r.Passed, r.Why.String())
					return
				}
				assert.False(t, r.Passed)
				assert.Regexp(t, regexp.MustCompile(reason), r.Why.String())
				assert.NotContains(t, r.Why.In(say.Korean)+r.Why.String(), "%!")
			})
		}
	}
}

// startServers gives names to the ports of small servers.
func startServers(t *testing.T) map[string]string {
	t.Helper()
	tmp := t.TempDir()
	require.NoError(t, os.Chmod(tmp, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(tmp, "log"), []byte("starting\nready to go\nFATAL: disk\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(tmp, "old"), nil, 0o644))
	long := time.Now().Add(-3 * time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(tmp, "old"), long, long))
	sleeper := exec.Command("sleep", "4711")
	require.NoError(t, sleeper.Start())
	t.Cleanup(func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() })

	web := httptest.NewServer(shop())
	t.Cleanup(web.Close)
	secure := httptest.NewUnstartedServer(shop())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	return map[string]string{
		"tmp": tmp, "http": portOf(web.Listener), "tls": portOf(secure.Listener), "closed": portOf(closed),
		"open":              serve(t, func(net.Conn) {}),
		"silent":            serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }),
		"garbage":           serve(t, func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-nothing for you\r\n\r\n"); _, _ = io.Copy(io.Discard, c) }),
		"postgres":          serve(t, postgresServer("R\x00\x00\x00\x08\x00\x00\x00\x05")),
		"postgres_starting": serve(t, postgresServer(postgresError("57P03", "the database system is starting up"))),
		"postgres_refuses":  serve(t, postgresServer(postgresError("28000", "no pg_hba.conf entry"))),
		"mysql":             serve(t, mysqlServer("\xff\x15\x04#28000Access denied for user 'sunup'")),
		"mysql_far":         "127.0.0.2:" + serveAt(t, "127.0.0.2", mysqlServer("\xff\x15\x04#28000Access denied for user 'sunup'")),
		"mysql_ending":      "127.0.0.2:" + serveAt(t, "127.0.0.2", mysqlServer("\xff\x1d\x04#08S01Server shutdown in progress")),
		"mysql_full":        serve(t, func(c net.Conn) { fmt.Fprint(c, "\x17\x00\x00\x00\xff\x10\x04Too many connections") }),
		"redis":             serve(t, redisServer("", "+PONG")),
		"redis_locked":      serve(t, redisServer("secret", "+PONG")),
		"redis_loading":     serve(t, redisServer("", "-LOADING Redis is loading the dataset in memory")),
	}
}

func portOf(l net.Listener) string { return fmt.Sprint(l.Addr().(*net.TCPAddr).Port) }

func serve(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	return serveAt(t, "127.0.0.1", talk)
}

func serveAt(t *testing.T, address string, talk func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); talk(c) }()
		}
	}()
	return portOf(l)
}

func postgresServer(reply string) func(net.Conn) {
	return func(c net.Conn) {
		head := make([]byte, 8)
		if _, err := io.ReadFull(c, head); err != nil || binary.BigEndian.Uint32(head[4:]) != 3<<16 {
			return
		}
		rest := make([]byte, binary.BigEndian.Uint32(head)-8)
		if _, err := io.ReadFull(c, rest); err != nil || !strings.Contains(string(rest), "user\x00") {
			return
		}
		fmt.Fprint(c, reply)
		_, _ = io.Copy(io.Discard, c)
	}
}

func postgresError(code, message string) string {
	body := "SFATAL\x00C" + code + "\x00M" + message + "\x00\x00"
	return "E" + string(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))) + body
}

// mysqlServer greets, and answers the login.
func mysqlServer(answer string) func(net.Conn) {
	return func(c net.Conn) {
		fmt.Fprint(c, "\x0c\x00\x00\x00\x0a8.0.36\x00rest")
		login := make([]byte, 4+32)
		if _, err := io.ReadFull(c, login); err != nil || binary.LittleEndian.Uint32(login)>>24 != 1 {
			return
		}
		_, _ = io.CopyN(io.Discard, c, int64(binary.LittleEndian.Uint32(login)&0xffffff)-32)
		fmt.Fprintf(c, "%c\x00\x00\x02%s", len(answer), answer)
	}
}

func redisServer(password, ping string) func(net.Conn) {
	return func(c net.Conn) {
		in, open := bufio.NewReader(c), password == ""
		for {
			var words []string
			n := 0
			if _, err := fmt.Fscanf(in, "*%d\r\n", &n); err != nil {
				return
			}
			for range n {
				size := 0
				if _, err := fmt.Fscanf(in, "$%d\r\n", &size); err != nil {
					return
				}
				b := make([]byte, size+2)
				if _, err := io.ReadFull(in, b); err != nil {
					return
				}
				words = append(words, string(b[:size]))
			}
			switch {
			case words[0] == "QUIT":
				fmt.Fprint(c, "+OK\r\n")
				return
			case words[0] == "AUTH" && words[1] == password:
				open = true
				fmt.Fprint(c, "+OK\r\n")
			case words[0] == "AUTH":
				fmt.Fprint(c, "-WRONGPASS invalid username-password pair\r\n")
			case !open:
				fmt.Fprint(c, "-NOAUTH Authentication required.\r\n")
			default:
				fmt.Fprint(c, ping+"\r\n")
			}
		}
	}
}

// shop is a site where tickets can be bought.
func shop() http.Handler {
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, code int, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprintln(w, body)
	}
	known := func(r *http.Request) bool { c, err := r.Cookie("session"); return err == nil && c.Value == "s1" }
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, `{"state":"up","good":true,"items":[{"id":1},{"id":2}]}`)
	})
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { reply(w, 500, `{}`) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) { time.Sleep(100 * time.Millisecond); reply(w, 200, `{}`) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		reply(w, 200, fmt.Sprintf(`{"method":%q,"body":%q,"type":%q,"token":%q}`, r.Method, b, r.Header.Get("Content-Type"), r.Header.Get("X-Token")))
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("user") == "probe" {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1", Path: "/"})
		}
		reply(w, 200, `{}`)
	})
	mux.HandleFunc("/races", func(w http.ResponseWriter, r *http.Request) {
		if !known(r) {
			reply(w, 403, `{}`)
			return
		}
		reply(w, 200, `{"races":["r7"],"form":"csrf=abc"}`)
	})
	mux.HandleFunc("/buy/r7", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if !known(r) || string(b) != "csrf=abc" {
			reply(w, 403, `{}`)
			return
		}
		reply(w, 201, `{"state":"sold"}`)
	})
	return mux
}
