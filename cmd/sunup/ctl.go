package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sunup/internal/say"
	"sunup/internal/store"
	"sunup/runner"
)

// orderLine is what is sent to a run: one JSON object in one line.
type orderLine struct {
	Order  string `json:"order"`
	Host   string `json:"host,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// answerLine is what the run answers, in one line too.
type answerLine struct {
	Told   say.Text       `json:"told,omitzero"`
	Refuse say.Text       `json:"refuse,omitzero"`
	Status *runner.Status `json:"status,omitempty"`
}

// statusOrder asks how the run is.
const statusOrder = "status"

// Bounds of the control socket: an order is small and comes at once.
const (
	maxOrder     = 64 << 10
	orderTimeout = 10 * time.Second
)

// control listens on a run's socket for orders.
type control struct {
	run      *runner.Run
	listener *net.UnixListener
	wg       sync.WaitGroup
}

// listen opens the socket of a run; only its owner may connect.
func (a *app) listen(s *store.Store, run *runner.Run, runID string) (*control, error) {
	path := s.SocketFile(runID)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	// The directory is the owner's alone, so that nobody can connect before the
	// mode is set.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("open control socket: %w", err), l.Close())
	}
	c := &control{run: run, listener: l}
	c.wg.Add(1)
	go func() { defer c.wg.Done(); c.serve() }()
	return c, nil
}

func (c *control) serve() {
	for {
		conn, err := c.listener.AcceptUnix()
		if err != nil {
			return // closed
		}
		c.wg.Add(1)
		go func() { defer c.wg.Done(); c.answer(conn) }()
	}
}

// close ends the listening; the socket's file goes with it.
func (c *control) close() {
	if c == nil {
		return
	}
	_ = c.listener.Close() // nothing is lost with it
	c.wg.Wait()
}

// answer takes one order and answers it.
func (c *control) answer(conn *net.UnixConn) {
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(orderTimeout)) != nil {
		return
	}
	var order orderLine
	if json.NewDecoder(&limited{conn, maxOrder}).Decode(&order) != nil {
		return // no order of ours
	}
	hand, err := peer(conn)
	if err != nil {
		return
	}
	hand.Reason = order.Reason
	_ = json.NewEncoder(conn).Encode(c.carryOut(order, hand)) // whoever asked is gone
}

func (c *control) carryOut(order orderLine, hand runner.Hand) answerLine {
	if order.Order == statusOrder {
		s := c.run.Status()
		return answerLine{Status: &s}
	}
	told, err := c.run.Steer(runner.Order(order.Order), order.Host, hand)
	if err == nil {
		return answerLine{Told: told}
	}
	var said *say.Error
	if errors.As(err, &said) {
		return answerLine{Refuse: said.Text}
	}
	return answerLine{Refuse: say.Plain(err.Error())}
}

// limited reads at most so much of a connection.
type limited struct {
	net.Conn
	left int
}

func (l *limited) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errors.New("the order is too long")
	}
	n, err := l.Conn.Read(b[:min(len(b), l.left)])
	l.left -= n
	return n, err
}

// peer is who is at the other end, as the system knows it.
func peer(conn *net.UnixConn) (runner.Hand, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return runner.Hand{}, err
	}
	var cred *syscall.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return runner.Hand{}, err
	}
	if credErr != nil {
		return runner.Hand{}, credErr
	}
	return runner.Hand{User: userName(int(cred.Uid)), UID: int(cred.Uid), From: "ctl"}, nil
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// helm is the two ways to steer a run: its socket and its terminal.
type helm struct {
	app     *app
	control *control
	keys    *keys
}

// takeHelm opens both, as far as the run is recorded and watched.
func (a *app) takeHelm(rec *record, run *runner.Run, runID string) (*helm, error) {
	h := &helm{app: a}
	if rec.recording != nil {
		var err error
		if h.control, err = a.listen(rec.store, run, runID); err != nil {
			return nil, err
		}
	}
	h.keys = a.listenKeys(run, rec.live)
	a.keys.Store(h.keys)
	return h, nil
}

func (h *helm) close() {
	h.app.keys.Store(nil)
	h.keys.close()
	h.control.close()
}

// ctlCommand gives orders to a run that goes on.
func (a *app) ctlCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ctl [flags] RUN ORDER [HOST]",
		Short: a.text("Steer a run while it goes on", "진행 중인 실행을 조종합니다"),
		Long: a.text(`Steer a run while it goes on. RUN may be 'last'. Every order leaves an event with who gave it and why.

  status            how the run is: plays, hosts at work, failed and set aside
  pause             begin nothing new; what has begun goes on
  resume            end of the pause
  cancel            begin nothing new, finish what has begun, report, end
  skip HOST         leave the host alone for the rest of the run; it is no failure
  quarantine HOST   set the host aside, as a fault that somebody has to look at
  release HOST      take a host that was skipped or set aside in again
  retry HOST        try a failed host again where it failed, while its play goes on`,
			`진행 중인 실행을 조종합니다. 실행 자리에 'last'를 쓸 수 있습니다. 모든 지시는 누가 왜 했는지 이벤트로 남습니다.

  status            상태: 플레이, 작업 중인 호스트, 실패·격리된 호스트
  pause             새로 시작하지 않음. 시작된 것은 계속
  resume            일시 중지 끝
  cancel            새로 시작하지 않고, 시작된 것을 마치고, 보고한 뒤 종료
  skip 호스트        이 호스트를 끝까지 건너뜀. 실패가 아님
  quarantine 호스트  점검이 필요한 고장으로 격리
  release 호스트     건너뛰거나 격리한 호스트를 다시 참여시킴
  retry 호스트       플레이가 진행되는 동안, 실패한 호스트를 실패한 곳에서 다시 시도`),
		Example: "  sunup ctl last status\n  sunup ctl last quarantine kiosk17 --reason 'no power'",
		Args:    cobra.RangeArgs(2, 3),
	}
	var reason string
	var asJSON bool
	c.Flags().StringVar(&reason, "reason", "", a.text("why, for the record", "이유 (기록에 남음)"))
	c.Flags().BoolVar(&asJSON, "json", false, a.text("the status as JSON", "상태를 JSON으로 출력"))
	c.RunE = func(c *cobra.Command, args []string) error {
		order := orderLine{Order: args[1], Reason: reason}
		if len(args) == 3 {
			order.Host = args[2]
		}
		if err := a.checkOrder(order); err != nil {
			return err
		}
		return a.order(c.Context(), args[0], order, asJSON)
	}
	return c
}

// takesHost tells the orders and whether they are about a host.
var takesHost = map[string]bool{
	statusOrder: false, string(runner.OrderPause): false, string(runner.OrderResume): false, string(runner.OrderCancel): false,
	string(runner.OrderSkip): true, string(runner.OrderQuarantine): true, string(runner.OrderRelease): true, string(runner.OrderRetry): true,
}

func (a *app) checkOrder(o orderLine) error {
	host, known := takesHost[o.Order]
	switch {
	case !known:
		return usageError{fmt.Errorf(a.text("'%s' is no order: use status, pause, resume, cancel, skip, quarantine, release or retry",
			"'%s'{은/는} 지시가 아닙니다: status, pause, resume, cancel, skip, quarantine, release, retry 중에서 쓰십시오"), o.Order)}
	case host && o.Host == "":
		return usageError{fmt.Errorf(a.text("%s needs a host", "%s에는 호스트를 지정해야 합니다"), o.Order)}
	case !host && o.Host != "":
		return usageError{fmt.Errorf(a.text("%s takes no host", "%s에는 호스트를 쓰지 않습니다"), o.Order)}
	}
	return nil
}

// order sends an order to a run and tells the answer.
func (a *app) order(ctx context.Context, ref string, o orderLine, asJSON bool) error {
	var socket, runID string
	if err := a.withStore(ctx, func(s *store.Store) error {
		run, err := s.Find(ctx, ref)
		if err != nil {
			return err
		}
		if run.State != store.Running {
			return say.Fail(nil, say.T("run %s is not running (%s)\n→ 'sunup runs' lists the runs; 'sunup resume %[1]s' carries one on", "실행 %s{은/는} 진행 중이 아닙니다 (%s)\n→ 'sunup runs'로 목록을 보고, 'sunup resume %[1]s'로 이어 갈 수 있습니다",
				run.ID, a.stateText(run)))
		}
		socket, runID = s.SocketFile(run.ID), run.ID
		return nil
	}); err != nil {
		return err
	}
	answer, err := send(ctx, socket, o)
	if err != nil {
		return say.Fail(err, say.T("run %s cannot be reached: %s\n→ it may be just beginning or ending, or belong to another user or machine", "실행 %s에 연결할 수 없습니다: %s\n→ 막 시작하거나 끝나는 중이거나, 다른 사용자나 다른 컴퓨터의 실행일 수 있습니다", runID, err.Error()))
	}
	switch {
	case !answer.Refuse.IsZero():
		return say.Fail(nil, answer.Refuse)
	case answer.Status != nil && asJSON:
		return a.printJSON(answer.Status)
	case answer.Status != nil:
		a.showStatus(*answer.Status)
	default:
		a.tell(a.out, answer.Told)
	}
	return nil
}

func send(ctx context.Context, socket string, o orderLine) (answerLine, error) {
	var answer answerLine
	conn, err := (&net.Dialer{Timeout: orderTimeout}).DialContext(ctx, "unix", socket)
	if err != nil {
		return answer, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(orderTimeout)); err != nil {
		return answer, err
	}
	if err := json.NewEncoder(conn).Encode(o); err != nil {
		return answer, err
	}
	return answer, json.NewDecoder(conn).Decode(&answer)
}

// shownBusy is how many hosts at work are listed.
const shownBusy = 20

func (a *app) showStatus(s runner.Status) {
	state := say.T("running", "실행 중")
	switch {
	case s.Stopped:
		state = say.T("ending: steps that have begun are finished", "끝내는 중: 시작된 단계를 마칩니다")
	case s.Paused:
		state = say.T("paused", "일시 중지")
	}
	a.tell(a.out, say.T("run %s: %s", "실행 %s: %s", s.Run, state))
	for _, p := range s.Plays {
		a.tell(a.out, say.T("  play %s: %d of %d hosts go on", "  플레이 %s: 호스트 %[3]d대 중 %[2]d대 진행", p.Name, p.Left, p.Hosts))
	}
	for i, b := range s.Busy {
		if i == shownBusy {
			a.tell(a.out, say.T("  and %d more hosts at work", "  그 밖에 작업 중인 호스트 %d대", len(s.Busy)-i))
			break
		}
		fmt.Fprintf(a.out, "  %s  %s  %s\n", b.Host, b.Task, time.Since(b.Since).Round(time.Second))
	}
	lists := []struct {
		names []string
		title say.Text
	}{
		{s.Failed, say.T("failed", "실패")}, {s.Aside, say.T("in quarantine", "격리")}, {s.Skipped, say.T("skipped", "건너뜀")},
	}
	for _, l := range lists {
		if len(l.names) > 0 {
			fmt.Fprintf(a.out, "  %s (%d): %s\n", l.title.In(a.lang), len(l.names), strings.Join(l.names, ", "))
		}
	}
}
