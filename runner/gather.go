package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sunup/internal/connection"
	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

// What is collected at most. A person reads the last lines of a log; whoever
// needs all of it goes to the host.
const (
	gatherPerHost = 512 << 10 // bytes of text
	gatherPerRun  = 32 << 20
	gatherFiles   = 20              // that one path with wildcards stands for
	gatherTime    = 2 * time.Minute // for one host, everything together
	gatherAtOnce  = 32              // hosts
)

// gatherings are the collections that go on beside the run: the hosts that did
// not fail do not wait for them. The run owns them.
type gatherings struct {
	wg    sync.WaitGroup
	slots chan struct{}
	left  atomic.Int64 // bytes that the run may still keep
}

func newGatherings() *gatherings {
	g := &gatherings{slots: make(chan struct{}, gatherAtOnce)}
	g.left.Store(gatherPerRun)
	return g
}

// gathering collects from one host after one task failed there.
type gathering struct {
	x     *execution
	ctx   context.Context
	asked []source
	left  int // bytes that the host may still give
	check bool
	conn  connection.Conn
}

// beginGathering collects what the play and the task ask for after a failure.
// It returns false when there is nothing to collect; otherwise the host stays
// taken until it is done, and is given back there.
func (x *execution) beginGathering(end *taskEnd) bool {
	if !gathersAfter(end.outcome) {
		return false
	}
	asked, err := x.asked()
	if x.past != nil {
		asked = x.run_.Journal.ungathered(stepKey{taskKey{x.play.number, x.task.ID}, x.host.name}, asked, x.run_.Hidden)
	}
	if err == nil && len(asked) == 0 {
		return false
	}
	g := x.run_.gatherings
	g.wg.Go(func() {
		defer x.host.working.Unlock()
		// A bound of its own: who has a place in the run's pool may wait for this host.
		g.slots <- struct{}{}
		defer func() { <-g.slots }()
		x.collect(end, asked, err)
	})
	return true
}

// gathersAfter reports whether a host is lost to the play with this outcome: a
// failure that is rescued or ignored is none.
func gathersAfter(o event.Outcome) bool {
	switch o {
	case event.Failed, event.Unreachable, event.Unknown, event.Quarantined:
		return true
	}
	return false
}

func (x *execution) collect(end *taskEnd, asked []source, err error) {
	ctx, cancel := context.WithTimeout(x.play.ctx, gatherTime)
	defer cancel()
	g := &gathering{x: x, ctx: ctx, asked: asked, left: gatherPerHost}
	if err != nil {
		g.refuse(say.T("gather cannot be evaluated for this host: %s", "이 호스트에 대해 gather를 평가할 수 없습니다: %s", err.Error()))
		return
	}
	if truthAt(end.result, "unreachable") {
		g.refuse(say.T("the host could not be reached, so nothing was collected", "호스트에 연결할 수 없어 아무것도 수집하지 못했습니다"))
		return
	}
	if err := g.connect(); err != nil {
		g.refuse(refusal(err))
		return
	}
	for _, s := range asked {
		if !g.source(s) {
			return
		}
	}
}

// connect takes the host as the identity of the task that failed.
func (g *gathering) connect() error {
	x := g.x
	x.ctx = g.ctx
	set := x.settings(x.host, x.scope)
	var err error
	if g.check, err = set.bool("check_mode", x.run_.Check); err != nil {
		return err
	}
	g.conn, err = x.conn(set, target{host: x.host, scope: x.scope}, x.scope)
	x.run_.Hidden.Add(x.secrets...)
	return err
}

// refuse tells that nothing of the host was collected.
func (g *gathering) refuse(why say.Text) { g.tell(event.Gathered{Refused: why}) }

func refusal(err error) say.Text {
	var limit *connection.TimeLimit
	switch {
	case errors.As(err, &limit), errors.Is(err, context.DeadlineExceeded):
		return say.T("it took too long and was broken off", "너무 오래 걸려 중단했습니다")
	case errors.Is(err, context.Canceled):
		return say.T("the run was stopped", "실행이 중단되었습니다")
	}
	return say.Plain(err.Error())
}

// tell emits one thing that was, or was not, collected.
func (g *gathering) tell(e event.Gathered) {
	e.Play, e.Task, e.Host = g.x.play.number, g.x.number, g.x.host.name
	hidden := g.x.run_.Hidden
	e.Source, _ = hidden.mask(e.Source)
	e.File, _ = hidden.mask(e.File)
	if !e.Refused.IsZero() {
		en, _ := hidden.mask(e.Refused.In(say.English))
		ko, _ := hidden.mask(e.Refused.In(say.Korean))
		e.Refused = say.T("%[1]s", "%[2]s", en, ko)
	}
	g.x.run_.stream.emit(e)
}

// source collects one thing that was asked for; false when the host is gone.
func (g *gathering) source(s source) bool {
	switch {
	case s.bad != "":
		g.tell(event.Gathered{Source: s.text, Refused: say.T("%s is no path that begins with / or ~", "%s{은/는} /나 ~로 시작하는 경로가 아닙니다", s.bad)})
	case s.command && g.check:
		g.tell(event.Gathered{Source: s.text, Command: true, Refused: say.T("check mode: the command was not run", "점검 모드라서 명령을 실행하지 않았습니다")})
	case s.command:
		return g.run(s)
	default:
		return g.files(s)
	}
	return true
}

// run keeps the end of what a command prints.
func (g *gathering) run(s source) bool {
	most := g.room(s)
	if most == 0 {
		return g.noRoom(s)
	}
	out, err := g.conn.Exec(g.ctx, connection.Command{Script: s.script(most + overlap), Timeout: s.within, MaxOutput: most + 2*overlap})
	e := event.Gathered{Source: s.text, Command: true, Took: out.Ended.Sub(out.Started)}
	if rc, ok := value.AsInt(exitCode(out.Stderr)); ok {
		e.RC = &rc
	}
	return g.keep(e, out, err, most)
}

// files keeps the end of each file that a path stands for.
func (g *gathering) files(s source) bool {
	out, err := g.conn.Exec(g.ctx, connection.Command{Script: listing(s.text), Timeout: s.within})
	if err != nil {
		g.tell(event.Gathered{Source: s.text, Refused: refusal(err)})
		return !connection.IsUnreachable(err)
	}
	found := foundFiles(string(out.Stdout))
	if len(found) == 0 {
		g.tell(event.Gathered{Source: s.text, Refused: say.T("there is no such file that this user can see", "이 사용자가 볼 수 있는 그런 파일이 없습니다")})
	}
	for i, f := range found {
		if i == gatherFiles {
			g.tell(event.Gathered{Source: s.text, Refused: say.T("%d more files are left out: %d are collected of one path", "파일 %d개를 생략했습니다. 한 경로에서 %d개까지 수집합니다", len(found)-i, gatherFiles)})
			break
		}
		if !g.file(s, f) {
			return false
		}
	}
	return true
}

func (g *gathering) file(s source, f foundFile) bool {
	e := event.Gathered{Source: s.text, File: f.name, Size: f.size}
	most := g.room(s)
	switch {
	case !f.why.IsZero():
		e.Refused = f.why
		g.tell(e)
		return true
	case most == 0:
		return g.noRoom(s)
	}
	out, err := g.conn.Exec(g.ctx, connection.Command{Script: tailOf(f.name, most+overlap), Timeout: s.within, MaxOutput: most + 2*overlap})
	e.Took = out.Ended.Sub(out.Started)
	if err == nil && out.Code != 0 {
		err = errors.New(strings.TrimSpace(connection.Text(out.Stderr)))
	}
	return g.keep(e, out, err, most)
}

// room is how many bytes of a source may still be kept.
func (g *gathering) room(s source) int {
	return max(0, min(s.most, g.left, int(min(g.x.run_.gatherings.left.Load(), gatherPerRun))))
}

func (g *gathering) noRoom(s source) bool {
	g.tell(event.Gathered{Source: s.text, Command: s.command, Refused: say.T(
		"the limit is reached: %d KiB of one host, %d MiB of one run", "한도에 이르렀습니다: 호스트마다 %dKiB, 실행마다 %dMiB", gatherPerHost>>10, gatherPerRun>>20)})
	return true
}

// keep tells what came, safe to be shown.
func (g *gathering) keep(e event.Gathered, out connection.Output, err error, most int) bool {
	raw := out.Stdout
	cut := len(raw) > most || out.Dropped > 0 || e.Size > int64(most)
	if at := bytes.IndexByte(raw, '\n'); len(raw) > most && at >= 0 && at < overlap {
		raw = raw[at+1:] // the rest of a line
	}
	var text string
	text, e.Encoding = readableText(raw)
	text, e.Hidden = g.x.run_.Hidden.mask(text)
	e.Text, e.Cut = lastLines(text, most), cut || len(text) > most
	g.left -= len(e.Text)
	g.x.run_.gatherings.left.Add(-int64(len(e.Text)))
	if err != nil {
		e.Refused = refusal(err)
	}
	g.tell(e)
	return !connection.IsUnreachable(err) && g.ctx.Err() == nil
}

// lastLines is the end of a text, from the beginning of a line on: what is cut
// off in the middle of one says little, and may be the rest of a secret.
func lastLines(text string, most int) string {
	if len(text) <= most {
		return text
	}
	from := len(text) - most
	if at := strings.IndexByte(text[from:], '\n'); at >= 0 && at < most/4 {
		return text[from+at+1:]
	}
	for from < len(text) && text[from]&0xC0 == 0x80 {
		from++
	}
	return text[from:]
}

// exitCode is the last line that the script of a command left on its second
// stream.
func exitCode(stderr []byte) any {
	lines := strings.Fields(string(stderr))
	if len(lines) == 0 {
		return nil
	}
	var n int
	if _, err := fmt.Sscanf(lines[len(lines)-1], "%d", &n); err != nil {
		return nil
	}
	return n
}

// noteHidden remembers what must not be shown, for what is collected from hosts:
// passwords, secret arguments, and with no_log all arguments.
func (x *execution) noteHidden(noLog bool) {
	x.run_.Hidden.Add(x.secrets...)
	if !noLog || x.args == nil {
		return
	}
	var texts []string
	value.Walk(x.args, func(leaf any) {
		if text, isText := leaf.(string); isText {
			texts = append(texts, text)
		}
	})
	x.run_.Hidden.Add(wordsOf(texts)...)
}

// pastGathering is what the record has of one gathering.
type pastGathering struct {
	sources map[string]bool
	seqs    []int64
}

// noteGathered remembers that the record has this.
func (j *Journal) noteGathered(d event.Gathered, seq int64) {
	start := j.starts[d.Task]
	key := stepKey{taskKey{start.Play, start.ID}, d.Host}
	past := j.gathered[key]
	if past == nil {
		past = &pastGathering{sources: map[string]bool{}}
		j.gathered[key] = past
	}
	past.sources[d.Source], past.seqs = true, append(past.seqs, seq)
}

// forgetGathered makes what was collected after a failure count no more: the
// step is tried again, and if it fails again its logs are others.
func (j *Journal) forgetGathered(key stepKey) {
	if past := j.gathered[key]; past != nil {
		j.void = append(j.void, past.seqs...)
		delete(j.gathered, key)
	}
}

// ungathered leaves out what the record has from before the run broke: all of it
// when nothing of the host could be had then.
func (j *Journal) ungathered(key stepKey, asked []source, hidden *Hidden) []source {
	past := j.gathered[key]
	switch {
	case past == nil:
		return asked
	case past.sources[""]:
		return nil
	}
	return slices.DeleteFunc(asked, func(s source) bool {
		shown, _ := hidden.mask(s.text) // as the record has it
		return past.sources[shown]
	})
}
