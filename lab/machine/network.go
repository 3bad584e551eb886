package machine

import (
	"slices"
	"strings"

	"sunup/lab/hostfs"
)

// Endpoint is one address of a simulated HTTP server.
type Endpoint struct {
	Port   int
	Path   string
	Status int
	Type   string
	Body   string
}

// Listener is a port that is open.
type Listener struct {
	Port int
	PID  int
	Name string
}

// Response is what a simulated HTTP server answers.
type Response struct {
	Status int
	Type   string
	Body   string
}

// SSHPort is open on every machine that is up.
const SSHPort = 22

// Listeners lists the open ports of the machine.
func (m *Machine) Listeners() []Listener {
	out := []Listener{{Port: SSHPort, PID: 1, Name: "sshd"}}
	out = append(out, m.services.listeners()...)
	slices.SortFunc(out, func(a, b Listener) int { return a.Port - b.Port })
	return out
}

// Resolve finds the machine behind a name as seen from m: itself, a fleet
// member, or one named in /etc/hosts.
func (m *Machine) Resolve(name string) *Machine {
	switch name {
	case "localhost", "127.0.0.1", "::1", "0.0.0.0", m.Name, m.Hostname(), m.Address:
		return m
	}
	if m.Net != nil {
		if o := m.Net.Machine(name); o != nil {
			return o
		}
	}
	for _, f := range m.hostsFile() {
		if !slices.Contains(f[1:], name) {
			continue
		}
		if strings.HasPrefix(f[0], "127.") {
			return m
		}
		if m.Net != nil {
			return m.Net.Machine(f[0])
		}
	}
	return nil
}

func (m *Machine) hostsFile() [][]string {
	data, _ := m.FS.ReadFile(hostfs.Root, "/etc/hosts")
	var out [][]string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 1 {
			out = append(out, f)
		}
	}
	return out
}

// Dial says whether a TCP connection from m to the port would be accepted.
func (m *Machine) Dial(host string, port int) error {
	to := m.Resolve(host)
	switch {
	case to == nil:
		return hostfs.ENOENT
	case !to.Up():
		return hostfs.EHOSTUNREACH
	case slices.ContainsFunc(to.Listeners(), func(l Listener) bool { return l.Port == port }):
		return nil
	}
	return hostfs.ECONNREFUSED
}

// Get asks the simulated HTTP server at host and port.
func (m *Machine) Get(host string, port int, path string) (Response, error) {
	if err := m.Dial(host, port); err != nil {
		return Response{}, err
	}
	return m.Resolve(host).services.serve(port, path), nil
}
