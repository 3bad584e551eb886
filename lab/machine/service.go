package machine

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"sunup/lab/hostfs"
)

// ServiceSpec describes a service of a machine.
type ServiceSpec struct {
	Name, Description string
	Enabled           bool
	// Running starts it with the machine the first time even if not enabled.
	Running               bool
	StartDelay, StopDelay time.Duration
	// ReadyDelay is how long after the start ports and endpoints answer.
	ReadyDelay time.Duration
	Ports      []int
	HTTP       []Endpoint
	Log        string
	User       string
	Exec       string
	Fault      ServiceFault
}

// ServiceFault says how a service misbehaves; the zero value is healthy.
type ServiceFault struct {
	// FailCode makes starting fail with that exit code, after StartDelay.
	FailCode int
	// FailMessage goes to the journal.
	FailMessage string
	// FailTimes bounds the failures; 0 means every start fails.
	FailTimes int
	// DiesAfter ends the service that long after it came up.
	DiesAfter time.Duration
	// Flaps lets it come and go with this period.
	Flaps time.Duration
	// HangStart and HangStop never finish (a job's time limit ends them).
	HangStart, HangStop bool
	// Slow multiplies every delay.
	Slow float64
	// Unready lets it run without ever opening its ports.
	Unready bool
}

// The states of systemd units.
const (
	Inactive     = "inactive"
	Activating   = "activating"
	Active       = "active"
	Deactivating = "deactivating"
	Failed       = "failed"
)

// jobLimit is the start and stop time limit of systemd.
const jobLimit = 90 * time.Second

// Service is one unit. Its methods may be called from any goroutine.
type Service struct {
	t    *Services
	Spec ServiceSpec

	state   string
	sub     string
	result  string
	code    int
	enabled bool
	masked  bool
	pid     int
	proc    *Proc
	since   time.Time
	ready   bool
	starts  int
	fails   int
	// turn numbers the states, so that a timer of a former state does nothing.
	turn  int
	timer context.CancelFunc
	// changed is closed at the next change of state.
	changed chan struct{}
}

// Status is what is known of a service at one moment.
type Status struct {
	Name, Description   string
	State, Sub, Result  string
	Load, UnitFileState string
	Fragment            string
	PID, Code, Starts   int
	Since               time.Time
	Ports               []int
}

// Services is the service table of a machine.
type Services struct {
	m  *Machine
	mu sync.Mutex
	by map[string]*Service
	// extra are ports opened by hand (SetPort).
	extra map[int]string
}

func newServices(m *Machine, specs []ServiceSpec) *Services {
	t := &Services{m: m, by: map[string]*Service{}, extra: map[int]string{}}
	for _, spec := range specs {
		if spec.Exec == "" {
			spec.Exec = "/usr/sbin/" + spec.Name
		}
		t.by[spec.Name] = &Service{t: t, Spec: spec, state: Inactive, sub: "dead", result: "success", enabled: spec.Enabled}
	}
	return t
}

// UnitText is the unit file of a service.
func (s ServiceSpec) UnitText() string {
	user := ""
	if s.User != "" {
		user = "User=" + s.User + "\n"
	}
	return fmt.Sprintf("[Unit]\nDescription=%s\nAfter=network.target\n\n[Service]\nType=notify\n%sExecStart=%s\nRestart=no\n\n[Install]\nWantedBy=multi-user.target\n", s.text(), user, s.Exec)
}

func (s ServiceSpec) text() string {
	if s.Description != "" {
		return s.Description
	}
	return s.Name
}

// boot starts what is enabled, each on its own.
func (t *Services) boot() {
	firstBoot := t.m.firstBoot()
	t.mu.Lock()
	var start []*Service
	for _, name := range slices.Sorted(maps.Keys(t.by)) {
		s := t.by[name]
		if !s.masked && (s.enabled || firstBoot && s.Spec.Running) {
			start = append(start, s)
		}
	}
	t.mu.Unlock()
	for _, s := range start {
		if firstBoot && s.Spec.Running {
			t.mu.Lock()
			s.comeUp(true)
			t.mu.Unlock()
			continue
		}
		t.m.wg.Go(func() { s.Start(t.m.BootContext()) })
	}
}

// halt stops everything at once, as a power loss does.
func (t *Services) halt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.by {
		s.proc, s.pid, s.ready = nil, 0, false
		s.set(Inactive, "dead")
	}
	clear(t.extra)
}

// unitDirs are where unit files are looked for, the strongest first.
var unitDirs = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"}

// Trim takes the suffix off a unit name.
func Trim(name string) string { return strings.TrimSuffix(name, ".service") }

// fragment finds the unit file.
func (t *Services) fragment(name string) string {
	for _, dir := range unitDirs {
		p := path.Join(dir, name+".service")
		if i, err := t.m.FS.Stat(hostfs.Root, p); err == nil && i.FileMode.IsRegular() {
			return p
		}
	}
	return ""
}

// Get finds a service by name. One that the scenario does not know but that has
// a unit file (copied there by a playbook) is a simple service.
func (t *Services) Get(name string) *Service {
	name = Trim(name)
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.by[name]; s != nil {
		return s
	}
	file := t.fragment(name)
	if file == "" {
		return nil
	}
	s := &Service{t: t, Spec: t.fromFile(name, file), state: Inactive, sub: "dead", result: "success"}
	if _, err := t.m.FS.Lstat(hostfs.Root, wants(name)); err == nil {
		s.enabled = true
	}
	t.by[name] = s
	return s
}

func (t *Services) fromFile(name, file string) ServiceSpec {
	spec := ServiceSpec{Name: name, Exec: "/usr/sbin/" + name}
	data, _ := t.m.FS.ReadFile(hostfs.Root, file)
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			continue
		}
		switch key {
		case "Description":
			spec.Description = value
		case "ExecStart":
			spec.Exec = strings.TrimLeft(value, "-@+!:")
		case "User":
			spec.User = value
		}
	}
	return spec
}

// All lists the services by name.
func (t *Services) All() []*Service {
	for _, dir := range unitDirs {
		list, err := t.m.FS.ReadDir(hostfs.Root, dir)
		if err != nil {
			continue
		}
		for _, i := range list {
			if strings.HasSuffix(i.Base, ".service") && i.FileMode.IsRegular() {
				t.Get(i.Base)
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*Service, 0, len(t.by))
	for _, name := range slices.Sorted(maps.Keys(t.by)) {
		out = append(out, t.by[name])
	}
	return out
}

// Reload finds unit files that were added since.
func (t *Services) Reload() { t.All() }

func wants(name string) string {
	return "/etc/systemd/system/multi-user.target.wants/" + name + ".service"
}

// Status tells the state of the service.
func (s *Service) Status() Status {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	st := Status{
		Name: s.Spec.Name, Description: s.Spec.text(), State: s.state, Sub: s.sub, Result: s.result, Load: "loaded", UnitFileState: "disabled",
		Fragment: s.t.fragment(s.Spec.Name), PID: s.pid, Code: s.code, Starts: s.starts, Since: s.since,
	}
	switch {
	case s.masked:
		st.Load, st.UnitFileState, st.Fragment = "masked", "masked", "/etc/systemd/system/"+s.Spec.Name+".service"
	case s.enabled:
		st.UnitFileState = "enabled"
	}
	if s.ready {
		st.Ports = slices.Clone(s.Spec.Ports)
	}
	return st
}

// SetFault changes how the service misbehaves from the next change of state on.
func (s *Service) SetFault(f ServiceFault) {
	s.t.mu.Lock()
	s.Spec.Fault = f
	s.fails = 0
	s.t.mu.Unlock()
}

// Kill ends the service's process as a crash does.
func (s *Service) Kill() {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if s.state == Active {
		s.fall("signal", 9, "Main process exited, code=killed, status=9/KILL")
	}
}

// JobError is why a start or stop did not do its work.
type JobError struct{ Reason string }

// Error gives systemd's word: "failed", "timeout", "masked".
func (e *JobError) Error() string { return e.Reason }

func (s *Service) slow(d time.Duration) time.Duration {
	if f := s.Spec.Fault.Slow; f > 0 {
		return time.Duration(float64(d) * f)
	}
	return d
}

// unit is the name in the journal.
func (s *Service) unit() string { return s.Spec.Name + ".service" }

func (s *Service) say(priority int, message string) {
	s.t.m.LogUnit(s.unit(), "systemd", 1, priority, message)
}

// speak writes as the service itself: to the journal and its log file.
func (s *Service) speak(priority int, message string) {
	m := s.t.m
	m.LogUnit(s.unit(), s.Spec.Name, s.pid, priority, message)
	if s.Spec.Log == "" {
		return
	}
	m.FS.MkdirAll(hostfs.Root, path.Dir(s.Spec.Log), 0o755)
	m.FS.AppendFile(hostfs.Root, s.Spec.Log, []byte(m.Now().UTC().Format("2006-01-02T15:04:05.000Z ")+message+"\n"), 0o640)
}

func (s *Service) set(state, sub string) {
	s.endTimer()
	s.turn++
	if s.changed != nil {
		close(s.changed)
	}
	s.changed = make(chan struct{})
	s.state, s.sub = state, sub
	s.since = s.t.m.Now()
}

func (s *Service) endTimer() {
	if s.timer != nil {
		s.timer()
		s.timer = nil
	}
}

// after runs f with the table locked when d has passed and the state is still
// the same.
func (s *Service) after(d time.Duration, f func()) {
	m := s.t.m
	ctx, cancel := context.WithCancel(m.BootContext())
	s.timer = cancel
	turn := s.turn
	m.wg.Go(func() {
		defer cancel()
		if m.Sleep(ctx, d) != nil {
			return
		}
		s.t.mu.Lock()
		defer s.t.mu.Unlock()
		if s.turn == turn {
			f()
		}
	})
}

// Start starts the service and waits till it is up or has failed. One that is
// up already is left alone.
func (s *Service) Start(ctx context.Context) error {
	s.t.mu.Lock()
	if s.masked {
		s.t.mu.Unlock()
		return &JobError{"masked"}
	}
	if s.state == Active {
		s.t.mu.Unlock()
		return nil
	}
	if s.state == Activating {
		turn := s.turn
		s.t.mu.Unlock()
		return s.await(ctx, turn)
	}
	s.set(Activating, "start")
	turn := s.turn
	s.starts++
	s.say(6, fmt.Sprintf("Starting %s - %s...", s.unit(), s.Spec.text()))
	delay := s.slow(s.Spec.StartDelay)
	hang := s.Spec.Fault.HangStart
	if hang {
		delay = jobLimit
	}
	s.after(delay, func() { s.started(hang) })
	s.t.mu.Unlock()
	return s.await(ctx, turn)
}

// started decides how a start ended.
func (s *Service) started(hung bool) {
	f := s.Spec.Fault
	switch {
	case hung:
		s.fall("timeout", 0, "start operation timed out. Terminating.")
	case f.FailCode != 0 && (f.FailTimes == 0 || s.fails < f.FailTimes):
		s.fails++
		if f.FailMessage != "" {
			s.speak(3, f.FailMessage)
		}
		s.code = f.FailCode
		s.fall("exit-code", f.FailCode, fmt.Sprintf("Main process exited, code=exited, status=%d/FAILURE", f.FailCode))
	default:
		s.comeUp(false)
	}
}

// comeUp makes the service active; at once means without its ready delay.
func (s *Service) comeUp(atOnce bool) {
	s.set(Active, "running")
	s.result, s.code = "success", 0
	s.proc = s.t.m.system(0, strings.Fields(s.Spec.Exec)...)
	s.pid = s.proc.PID
	if u, ok := s.t.m.User(s.Spec.User); ok {
		s.proc.Cred, s.proc.User = s.t.m.Cred(u), u.Name
	}
	s.say(6, fmt.Sprintf("Started %s - %s.", s.unit(), s.Spec.text()))
	s.speak(6, s.Spec.Name+" started")
	ready := s.slow(s.Spec.ReadyDelay)
	switch {
	case s.Spec.Fault.Unready:
	case atOnce || ready == 0:
		s.beReady()
	default:
		s.after(ready, s.beReady)
	}
}

func (s *Service) beReady() {
	s.ready = true
	if len(s.Spec.Ports) > 0 {
		s.speak(6, fmt.Sprintf("ready, listening on %s", joinInts(s.Spec.Ports)))
	}
	if d := s.Spec.Fault.DiesAfter; d > 0 {
		s.after(d, func() { s.fall("exit-code", 1, "Main process exited, code=exited, status=1/FAILURE") })
	}
	if d := s.Spec.Fault.Flaps; d > 0 {
		s.after(d, s.flap)
	}
}

// flap takes the ports away and brings them back.
func (s *Service) flap() {
	s.ready = false
	s.speak(4, "connection to upstream lost")
	s.after(s.Spec.Fault.Flaps, s.beReady)
}

func joinInts(list []int) string {
	var out []string
	for _, n := range list {
		out = append(out, fmt.Sprint(n))
	}
	return strings.Join(out, ", ")
}

// fall makes the service failed.
func (s *Service) fall(result string, code int, message string) {
	s.dropProc()
	s.ready = false
	s.set(Failed, "failed")
	s.result, s.code = result, code
	s.say(5, s.unit()+": "+message)
	s.say(4, fmt.Sprintf("%s: Failed with result '%s'.", s.unit(), result))
}

func (s *Service) dropProc() {
	if s.proc != nil {
		p := s.proc
		s.proc, s.pid = nil, 0
		p.Abandon()
	}
}

// await waits till the service has left the state of turn for a final one.
func (s *Service) await(ctx context.Context, turn int) error {
	for {
		s.t.mu.Lock()
		state, result, now := s.state, s.result, s.turn
		changed := s.changed
		s.t.mu.Unlock()
		if now != turn || state != Activating && state != Deactivating {
			switch {
			case state == Failed && result == "timeout":
				return &JobError{"timeout"}
			case state == Failed:
				return &JobError{"failed"}
			}
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Stop stops the service and waits till it is down.
func (s *Service) Stop(ctx context.Context) error {
	s.t.mu.Lock()
	if s.state == Inactive || s.state == Failed {
		s.t.mu.Unlock()
		return nil
	}
	s.set(Deactivating, "stop-sigterm")
	s.ready = false
	turn := s.turn
	s.say(6, fmt.Sprintf("Stopping %s - %s...", s.unit(), s.Spec.text()))
	delay := s.slow(s.Spec.StopDelay)
	if s.Spec.Fault.HangStop {
		delay = jobLimit
	}
	s.after(delay, func() {
		s.dropProc()
		s.set(Inactive, "dead")
		s.result = "success"
		s.say(6, fmt.Sprintf("Stopped %s - %s.", s.unit(), s.Spec.text()))
	})
	s.t.mu.Unlock()
	return s.await(ctx, turn)
}

// Restart stops and starts.
func (s *Service) Restart(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	return s.Start(ctx)
}

// ReloadConfig is systemctl reload: it only leaves a trace.
func (s *Service) ReloadConfig() error {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if s.state != Active {
		return &JobError{"inactive"}
	}
	s.say(6, fmt.Sprintf("Reloaded %s - %s.", s.unit(), s.Spec.text()))
	return nil
}

// ResetFailed forgets a failure.
func (s *Service) ResetFailed() {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if s.state == Failed {
		s.set(Inactive, "dead")
		s.result = "success"
	}
}

// Enable makes the service start at boot, or not. It reports whether that is
// a change.
func (s *Service) Enable(on bool) bool {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	link := wants(s.Spec.Name)
	changed := s.enabled != on
	s.enabled = on
	if on {
		s.t.m.FS.MkdirAll(hostfs.Root, path.Dir(link), 0o755)
		s.t.m.FS.Symlink(hostfs.Root, s.t.fragment(s.Spec.Name), link)
	} else {
		s.t.m.FS.Remove(hostfs.Root, link, "file")
	}
	return changed
}

// Mask forbids starting, or allows it again.
func (s *Service) Mask(on bool) {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	s.masked = on
}

// listeners lists the ports of the services that are ready.
func (t *Services) listeners() []Listener {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Listener
	for _, s := range t.by {
		if !s.ready || s.state != Active {
			continue
		}
		for _, port := range s.Spec.Ports {
			out = append(out, Listener{port, s.pid, s.Spec.Name})
		}
	}
	for port, name := range t.extra {
		out = append(out, Listener{port, 1, name})
	}
	return out
}

// OpenPort opens a port by hand, as a netcat in the background would.
func (t *Services) OpenPort(port int, name string) {
	t.mu.Lock()
	t.extra[port] = name
	t.mu.Unlock()
}

// ClosePort closes what OpenPort opened.
func (t *Services) ClosePort(port int) {
	t.mu.Lock()
	delete(t.extra, port)
	t.mu.Unlock()
}

// serve answers an HTTP request to a port that is open.
func (t *Services) serve(port int, url string) Response {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, _, _ := strings.Cut(url, "?")
	for _, s := range t.by {
		if !s.ready || !slices.Contains(s.Spec.Ports, port) {
			continue
		}
		for _, e := range s.Spec.HTTP {
			if (e.Port == port || e.Port == 0) && e.Path == p {
				return Response{e.Status, e.Type, e.Body}
			}
		}
	}
	return Response{404, "text/plain", "404 page not found\n"}
}

// signal lets a service notice that its process was killed; it reports whether
// the process was a service's.
func (t *Services) signal(p *Proc, sig Signal) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.by {
		if s.proc != p {
			continue
		}
		switch sig {
		case SIGHUP:
			s.speak(6, "configuration reloaded")
		case SIGTERM, SIGINT:
			s.dropProc()
			s.ready = false
			s.set(Inactive, "dead")
			s.say(6, s.unit()+": Deactivated successfully.")
		case SIGKILL, SIGQUIT:
			s.fall("signal", int(sig), fmt.Sprintf("Main process exited, code=killed, status=%d/%s", int(sig), sig))
		}
		return true
	}
	return false
}
