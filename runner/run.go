package runner

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"sunup/internal/diag"
	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/playbooks"
)

// Run is one invocation: what all its plays share.
type Run struct {
	Options
	stream    *stream
	pool      *pool
	links     links
	jobs      jobs
	extraVars vars.Layer
	debugging sync.Mutex // one person, one prompt
	asked     vars.Layer // passwords given for the run
	// askedSecrets are these passwords: tasks may use them, nobody is shown them.
	askedSecrets []string

	plans sync.Map // *playbooks.Task -> *taskPlan
	tasks atomic.Int64
	plays int

	inventory stock

	layerCache       sync.Map // layerKey -> []vars.Layer
	inventoryVersion atomic.Int64
	groups           atomic.Pointer[versionedGroups]

	hostsMu sync.Mutex
	hosts   map[string]*host
	order   []string // hosts in the order they were met

	playsFailed atomic.Bool // a play of a graph is not up
	lostRecord  firstError  // why the record cannot be written any more
	decideMu    sync.Mutex  // one question at a time

	stepping bool // --step still asks
	started  bool // --start-at-task has been met
	stats    runStats
	reach    []event.Reach
	cancel   cancelState
	helm     helm
	outages  *outages
	watches  watches
	paces    paces

	gatherings *gatherings
}

type versionedGroups struct {
	version int64
	dict    *value.Dict
}

// New makes a run; nothing is connected or emitted yet.
func New(o Options) *Run {
	o = o.applyDefaults()
	r := &Run{
		Options:      o,
		stream:       newStream(o.Sink, o.Now, o.Journal),
		pool:         newPool(o.Forks),
		hosts:        map[string]*host{},
		outages:      newOutages(),
		gatherings:   newGatherings(),
		extraVars:    fixed(vars.ExtraVars, "extra vars (-e)", o.ExtraVars),
		asked:        askedVars(o.Defaults),
		askedSecrets: askedSecrets(o.Defaults),
		stepping:     o.Confirm != nil,
		started:      o.StartAt == "",
	}
	if o.Journal != nil {
		r.tasks.Store(o.Journal.tasks)
	}
	r.inventory.now.Store(o.Inventory)
	return r
}

// Summary is how a run ended.
type Summary struct {
	Outcome event.Outcome
	// Code is Ansible's result code: 0 all went well, 2 hosts failed, 4 hosts
	// were unreachable (6 both as bits in Ansible; there and here 4 wins), 250
	// cancelled.
	Code  int
	Recap []event.Recap
}

// Codes of a run, as ansible-playbook's.
const (
	CodeOK          = 0
	CodeError       = 1
	CodeFailed      = 2
	CodeUnreachable = 4
	CodeInterrupted = 99
	// CodeQuarantined is ours: everything is up, without some hosts.
	CodeQuarantined = 10
)

// Execute runs the playbooks, one after the other, on one set of hosts and
// connections. The error is for what kept us from our work; hosts that fail
// are in the summary. When ctx ends, running steps are cut off; Stop lets them
// finish.
func (r *Run) Execute(ctx context.Context, books []*playbooks.Playbook) (Summary, error) {
	r.emitStart(books)
	settled := r.foresee(ctx, books)
	err := r.runBooks(ctx, books)
	settled()
	r.gatherings.wg.Wait()
	r.watches.end()
	err = cmp.Or(err, r.cancel.aborted(), r.lostRecord.get())
	r.jobs.wait()
	r.measure()
	r.links.close()
	r.pool.close()
	return r.finish(ctx, err), err
}

// NoteInput tells that a file was read for the run while it goes on. It may be
// called from any goroutine.
func (r *Run) NoteInput(in event.Input) {
	r.stream.emit(event.InputRead(in))
}

// Stop lets the tasks that have begun finish and begins no others.
func (r *Run) Stop() { r.cancel.stop() }

func (r *Run) runBooks(ctx context.Context, books []*playbooks.Playbook) error {
	for _, b := range books {
		if hasNeeds(b) {
			if err := r.runGraph(ctx, b); err != nil {
				return err
			}
			continue
		}
		for _, p := range b.Plays {
			broke, err := r.runPlay(ctx, b.File, p)
			if err != nil {
				return err
			}
			if broke || r.cancel.stopped() || ctx.Err() != nil {
				return nil
			}
		}
	}
	return nil
}

func (r *Run) emitStart(books []*playbooks.Playbook) {
	if r.Journal != nil {
		r.stream.emit(r.resumed())
		return
	}
	start := event.RunStarted{
		RunID: r.RunID, Version: r.Version, Playbooks: r.Playbooks, Inventory: r.Sources,
		Limit: r.Limit, Tags: r.Tags, SkipTags: r.SkipTags, Check: r.Check, Diff: r.Diff,
		Forks: r.Forks, User: r.User, Node: r.Node, Inputs: r.Inputs, Revision: r.Revision,
		Command: r.Command, Dir: r.Dir, Facets: r.Facets,
	}
	for _, b := range books {
		if b.Startup != nil {
			start.Startup = startupEvent(b.Startup, r.Now())
		}
	}
	r.stream.emit(start)
}

// finish emits the end of the run and returns it.
func (r *Run) finish(ctx context.Context, err error) Summary {
	s := Summary{Outcome: event.OK, Code: CodeOK, Recap: r.recap()}
	for _, c := range s.Recap {
		if code, outcome := r.host(c.Host).verdict(); code > s.Code {
			s.Code, s.Outcome = code, outcome
		}
	}
	if r.playsFailed.Load() && s.Code < CodeFailed {
		s.Code, s.Outcome = CodeFailed, event.Failed
	}
	if s.Code == CodeOK && slices.ContainsFunc(s.Recap, func(c event.Recap) bool { return c.Quarantined }) {
		s.Code = CodeQuarantined // up all the same: the outcome stays ok
	}
	end := event.RunEnded{}
	switch {
	case err != nil:
		s.Code, s.Outcome = CodeError, event.Failed
		end.Reason = reasonOf(err)
	case ctx.Err() != nil || r.cancel.stopped():
		s.Code, s.Outcome = CodeInterrupted, event.Cancelled
		end.Reason = say.T("the run was interrupted", "실행이 중단되었습니다")
	}
	end.Outcome, end.ExitCode, end.Recap, end.Reach = s.Outcome, s.Code, s.Recap, r.reach
	r.emitStats()
	r.stream.emit(end)
	return s
}

func reasonOf(err error) say.Text {
	var problems diag.Problems
	if errors.As(err, &problems) && len(problems) > 0 {
		return problems[0].What
	}
	return say.Plain(err.Error())
}

// recap lists the counts of all hosts that took part, by name.
func (r *Run) recap() []event.Recap {
	r.hostsMu.Lock()
	defer r.hostsMu.Unlock()
	var out []event.Recap
	for name, h := range r.hosts {
		h.mu.Lock()
		c := h.recap
		h.mu.Unlock()
		c.Host = name
		if c != (event.Recap{Host: name}) {
			out = append(out, c)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Host < out[j].Host })
	return out
}

// host returns the state of an inventory host, made at first use.
func (r *Run) host(name string) *host {
	r.hostsMu.Lock()
	defer r.hostsMu.Unlock()
	h := r.hosts[name]
	if h == nil {
		h = &host{name: name, inv: r.hostsOf().Host(name)}
		if r.Facts != nil {
			h.kept = &keptFacts{cache: r.Facts, tell: func(t say.Text) { r.stream.warn("", t) }}
			h.kept.load(h)
		}
		r.hosts[name] = h
		r.order = append(r.order, name)
	}
	return h
}

// knownHost returns the state of a host that the inventory (or localhost by
// itself) knows, or nil.
func (r *Run) knownHost(name string) *host {
	if r.hostsOf().Host(name) == nil && !isLocalName(name) {
		return nil
	}
	return r.host(name)
}

func isLocalName(name string) bool {
	return name == "localhost" || name == "127.0.0.1" || name == "::1"
}

// groupsDict is the magic variable groups, made anew only when the inventory
// changed.
func (r *Run) groupsDict() *value.Dict {
	version := r.inventoryVersion.Load()
	if have := r.groups.Load(); have != nil && have.version == version {
		return have.dict
	}
	made := &versionedGroups{version, r.hostsOf().GroupsDict()}
	r.groups.Store(made)
	return made.dict
}

func (r *Run) tagsOrAll() []string {
	if len(r.Tags) == 0 {
		return []string{"all"}
	}
	return r.Tags
}

// plan returns the plan of a task, made at first use.
func (r *Run) plan(t *playbooks.Task) *taskPlan {
	if have, ok := r.plans.Load(t); ok {
		return have.(*taskPlan)
	}
	made, _ := r.plans.LoadOrStore(t, planTask(t, r.Modules(t.Module)))
	return made.(*taskPlan)
}

func (r *Run) tellProblems(problems diag.Problems) {
	for _, p := range problems {
		r.stream.warn("", say.Plain(p.Pos.String()+": "+p.What.String()))
	}
}

// tellWarning passes on what the inventory warned of.
func (r *Run) tellWarnings(problems diag.Problems) {
	for _, p := range problems {
		r.stream.warn("", p.What)
	}
}

func (h *host) groupNames() []string {
	if h.inv == nil {
		return nil
	}
	return h.inv.GroupNames()
}
