package sshd

import (
	"bytes"
	"context"
	"io"
	"net"
	"path"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"sunup/lab/machine"
)

// peer is one logged-in connection.
type peer struct {
	s    *Server
	conn *faultConn
	ssh  *ssh.ServerConn
	user machine.User
}

// requests answers global requests; a keep-alive is refused, as OpenSSH does,
// which is answer enough.
func (p *peer) requests(reqs <-chan *ssh.Request) {
	for r := range reqs {
		if r.WantReply {
			r.Reply(false, nil)
		}
	}
}

// maxSessions is OpenSSH's bound on the channels of one connection.
const maxSessions = 10

func (p *peer) channels(chans <-chan ssh.NewChannel) {
	slots := make(chan struct{}, maxSessions)
	for nc := range chans {
		switch nc.ChannelType() {
		case "session":
			select {
			case slots <- struct{}{}:
			default:
				nc.Reject(ssh.ResourceShortage, "open failed")
				continue
			}
			ch, reqs, err := nc.Accept()
			if err != nil {
				<-slots
				continue
			}
			p.s.wg.Go(func() {
				defer func() { <-slots }()
				newSession(p, ch).serve(reqs)
			})
		case "direct-tcpip":
			p.forward(nc)
		default:
			nc.Reject(ssh.UnknownChannelType, "unknown channel type")
		}
	}
}

func (p *peer) forward(nc ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}
	if ssh.Unmarshal(nc.ExtraData(), &to) != nil || p.s.Forward == nil {
		nc.Reject(ssh.Prohibited, "administratively prohibited")
		return
	}
	c, err := p.s.Forward(to.Host, int(to.Port))
	if err != nil {
		nc.Reject(ssh.ConnectionFailed, "Connection refused")
		return
	}
	ch, reqs, err := nc.Accept()
	if err != nil {
		c.Close()
		return
	}
	p.s.wg.Go(func() { ssh.DiscardRequests(reqs) })
	p.s.wg.Go(func() {
		io.Copy(ch, c)
		ch.CloseWrite()
		ch.Close()
		c.Close()
	})
	p.s.wg.Go(func() {
		io.Copy(c, ch)
		if half, ok := c.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		} else {
			c.Close()
		}
	})
}

// session is one session channel.
type session struct {
	p       *peer
	ch      ssh.Channel
	env     []string
	tty     bool
	proc    *machine.Proc
	started bool
}

func newSession(p *peer, ch ssh.Channel) *session { return &session{p: p, ch: ch} }

func (s *session) serve(reqs <-chan *ssh.Request) {
	for r := range reqs {
		ok, begin := s.request(r)
		// The answer comes before the command: a quick one would close the
		// channel first.
		if r.WantReply {
			r.Reply(ok, nil)
		}
		if ok && begin != nil {
			begin()
		}
	}
	// The client went away: standard input has ended by itself. A terminal
	// hangs up.
	if s.proc != nil && s.tty {
		s.proc.Signal(machine.SIGHUP)
	}
	s.ch.Close()
}

// request answers a request; begin, when not nil, is done after the answer.
func (s *session) request(r *ssh.Request) (ok bool, begin func()) {
	switch r.Type {
	case "env":
		var kv struct{ Name, Value string }
		if ssh.Unmarshal(r.Payload, &kv) != nil || len(s.env) > 100 {
			return false, nil
		}
		// OpenSSH takes only the locale by default.
		if kv.Name == "LANG" || strings.HasPrefix(kv.Name, "LC_") {
			s.env = append(s.env, kv.Name+"="+kv.Value)
			return true, nil
		}
		return false, nil
	case "pty-req":
		s.tty = true
		var term struct{ Term string }
		if i := len(r.Payload); i >= 4 {
			n := int(r.Payload[0])<<24 | int(r.Payload[1])<<16 | int(r.Payload[2])<<8 | int(r.Payload[3])
			if n >= 0 && n < 100 && 4+n <= i {
				term.Term = string(r.Payload[4 : 4+n])
			}
		}
		s.env = append(s.env, "TERM="+term.Term)
		return true, nil
	case "exec":
		var cmd struct{ Command string }
		if ssh.Unmarshal(r.Payload, &cmd) != nil || s.started {
			return false, nil
		}
		s.started = true
		return true, func() { s.start(cmd.Command, false) }
	case "shell":
		if s.started {
			return false, nil
		}
		s.started = true
		return true, func() { s.start("", true) }
	case "subsystem":
		var sub struct{ Name string }
		if ssh.Unmarshal(r.Payload, &sub) != nil || s.started || sub.Name != "sftp" {
			return false, nil
		}
		s.started = true
		return true, func() { s.p.s.wg.Go(s.sftp) }
	case "signal":
		var sig struct{ Name string }
		if ssh.Unmarshal(r.Payload, &sig) != nil || s.proc == nil {
			return false, nil
		}
		if n, ok := machine.ParseSignal(sig.Name); ok {
			s.p.s.m.Kill(s.proc.Cred, -s.proc.PGID, n)
		}
		return true, nil
	case "window-change":
		return true, nil
	}
	return false, nil
}

// environment is what sshd gives a login.
func (s *session) environment() []string {
	u := s.p.user
	search := "/usr/local/bin:/usr/bin:/bin:/usr/games"
	if u.UID == 0 {
		search = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	host, port, _ := net.SplitHostPort(s.p.ssh.RemoteAddr().String())
	env := []string{"USER=" + u.Name, "LOGNAME=" + u.Name, "HOME=" + u.Home, "PATH=" + search, "SHELL=" + u.Shell, "MAIL=/var/mail/" + u.Name,
		"SSH_CLIENT=" + host + " " + port + " 22", "SSH_CONNECTION=" + host + " " + port + " " + s.p.s.m.Address + " 22"}
	return append(env, s.env...)
}

// start runs a command line, or the login shell, on the channel.
func (s *session) start(line string, login bool) {
	srv := s.p.s
	f := srv.Fault()
	shell := s.p.user.Shell
	argv := []string{path.Base(shell), "-c", line}
	if login {
		argv = []string{"-" + path.Base(shell)}
	}
	proc := srv.m.Login(s.p.user, argv, s.environment())
	s.proc = proc
	srv.m.RecordLogin(proc, line)
	inR, inW := machine.Pipe()
	outR, outW := machine.Pipe()
	errR, errW := machine.Pipe()
	if s.tty {
		proc.TTY = "pts/" + strconv.Itoa(proc.PID%100)
		errR.Drop()
		errW.Drop()
		errR, errW = nil, outW.Hold()
	}
	proc.SetFD(0, inR)
	proc.SetFD(1, outW)
	proc.SetFD(2, errW)
	life := srv.ctx
	// The streams end with the processes that hold them, the machine, or the
	// connection.
	srv.wg.Go(func() { feed(s.ch, inW, life) })
	drained := make(chan struct{}, 2)
	srv.wg.Go(func() {
		s.flood(f)
		pump(s.out(), machine.Reader{Ctx: life, D: outR})
		outR.Drop()
		drained <- struct{}{}
	})
	if errR != nil {
		srv.wg.Go(func() {
			pump(s.ch.Stderr(), machine.Reader{Ctx: life, D: errR})
			errR.Drop()
			drained <- struct{}{}
		})
	} else {
		drained <- struct{}{}
	}
	img, err := proc.Load(shell, argv)
	proc.Go(func() int {
		if err != nil {
			machine.Writer{Ctx: proc.Context(), D: proc.FD(2)}.Write([]byte(shell + ": " + err.Error() + "\n"))
			return 255
		}
		return proc.Become(img)
	})
	srv.wg.Go(func() { s.finish(proc, drained) })
	s.countCommand(f)
}

// pump copies with a small buffer: a thousand idle shells have two each.
func pump(w io.Writer, r io.Reader) {
	buf := make([]byte, 4<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// out is where standard output goes; a terminal turns newlines into CR LF.
func (s *session) out() io.Writer {
	if s.tty {
		return crlf{s.ch}
	}
	return s.ch
}

type crlf struct{ w io.Writer }

func (c crlf) Write(b []byte) (int, error) {
	_, err := c.w.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")))
	return len(b), err
}

// flood prints what a bad login script prints.
func (s *session) flood(f Fault) {
	if f.Motd != "" {
		io.WriteString(s.ch, f.Motd)
	}
	block := bytes.Repeat([]byte("flood "), 1024)
	for left := f.Flood; left > 0; left -= int64(len(block)) {
		if _, err := s.ch.Write(block[:min(left, int64(len(block)))]); err != nil {
			return
		}
	}
}

// feed copies what the client sends to the command's standard input.
func feed(ch ssh.Channel, w *machine.Desc, ctx context.Context) {
	defer w.Drop()
	buf := make([]byte, 4<<10)
	for {
		n, err := ch.Read(buf)
		if n > 0 {
			if _, werr := w.Write(ctx, buf[:n]); werr != nil {
				// Nobody reads: take the rest away, or the window stays full.
				io.Copy(io.Discard, ch)
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// finish reports how the command ended and closes the channel when nobody
// holds its output any more.
func (s *session) finish(proc *machine.Proc, drained <-chan struct{}) {
	<-proc.Done()
	if !s.p.s.m.Up() {
		return // the host went down: no status comes any more
	}
	for range 2 {
		select {
		case <-drained:
		case <-s.p.s.ctx.Done():
			return
		}
	}
	// Only now: after the end of one stream the channel takes nothing on the
	// other either.
	s.ch.CloseWrite()
	if sig := proc.Killed(); sig != 0 {
		s.ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal string
			Core   bool
			Msg    string
			Lang   string
		}{sig.String(), false, "", ""}))
	} else {
		s.ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(proc.ExitStatus())}))
	}
	s.ch.Close()
}

// countCommand drops the connection when its number of commands is reached.
func (s *session) countCommand(f Fault) {
	if f.DropCommands == 0 {
		return
	}
	srv := s.p.s
	srv.mu.Lock()
	srv.commands++
	hit := srv.commands >= f.DropCommands
	if hit {
		srv.commands = 0
	}
	srv.mu.Unlock()
	if hit {
		srv.drop(s.p.conn)
	}
}
