package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sunup/internal/event"
	"sunup/internal/say"
)

// Finding is one place where the record is not what was written.
type Finding struct {
	Kind FindingKind `json:"kind"`
	Run  string      `json:"run,omitempty"` // empty: the ledger
	From int64       `json:"from"`          // number of the event or entry
	To   int64       `json:"to"`            // the last one, when it is several
	Text say.Text    `json:"text"`
}

// FindingKind is what was done to the record.
type FindingKind string

// What can be done to a record.
const (
	FoundChanged FindingKind = "changed"
	FoundCut     FindingKind = "cut"
	FoundMoved   FindingKind = "moved"
	FoundAdded   FindingKind = "added"
	FoundDeleted FindingKind = "deleted" // a whole run
)

// Audit is what a verification looked at and found.
type Audit struct {
	Runs     int       `json:"runs"`
	Events   int64     `json:"events"`
	Entries  int       `json:"entries"` // of the ledger
	Head     string    `json:"head"`    // of the ledger, in hexadecimal
	Findings []Finding `json:"findings"`
}

// maxFindings bounds what is told: after so many the record is worth nothing.
const maxFindings = 1000

// Verify holds every row of the store against the hashes. It finds and locates
// rows that were changed, cut, moved or added, and runs that were deleted.
// Whoever can rewrite all hashes of the store can still hide a change: a head
// that was written down elsewhere finds that; expected may be such a head of
// the ledger, or empty.
func (s *Store) Verify(ctx context.Context, expected string) (Audit, error) {
	entries, err := s.Ledger(ctx)
	if err != nil {
		return Audit{}, err
	}
	a := &audit{store: s, promised: map[string]*promise{}}
	a.ledger(entries, strings.ToLower(expected))
	runs, err := s.Runs(ctx, Filter{})
	if err != nil {
		return Audit{}, err
	}
	slices.Reverse(runs)
	a.deleted(runs)
	for _, r := range runs {
		if err := a.run(ctx, r); err != nil {
			return a.Audit, err
		}
	}
	if err := a.notes(ctx); err != nil {
		return a.Audit, err
	}
	return a.Audit, nil
}

// audit is one verification.
type audit struct {
	Audit
	store    *Store
	promised map[string]*promise
	order    []string
	noted    map[string]bool // hashes of notes
}

// promise is what the ledger says of a run.
type promise struct {
	events int64
	head   []byte // nil: it was not ended
	pruned bool   // its events
	gone   bool   // all of it
	seal   []byte // its output was pruned
}

func (a *audit) found(f Finding) {
	if len(a.Findings) < maxFindings {
		a.Findings = append(a.Findings, f)
	}
}

// ledger walks through the store's own chain and notes what it promises.
func (a *audit) ledger(entries []Entry, expected string) {
	a.noted = map[string]bool{}
	before, next, seen := ledgerStart, int64(1), expected == ""
	for _, e := range entries {
		switch hash := e.hash(before); {
		case e.N != next:
			a.found(Finding{Kind: FoundCut, From: next, To: e.N - 1, Text: say.T("ledger: missing before entry %d: %d", "원장: 항목 %d 앞에서 %d개 없음", e.N, e.N-next)})
		case !bytes.Equal(hash[:], e.Hash):
			a.found(Finding{Kind: FoundChanged, From: e.N, To: e.N, Text: say.T("ledger: entry %d (%s %s) was changed, or the hash before it", "원장: 항목 %d (%s %s) 또는 그 앞의 해시가 바뀌었습니다", e.N, e.Kind, e.Run)})
		}
		if len(e.Hash) == len(before) {
			before = Hash(e.Hash)
		}
		next = e.N + 1
		a.Head = hex.EncodeToString(e.Hash)
		seen = seen || a.Head == expected
		a.promise(e)
	}
	a.Entries = len(entries)
	if !seen {
		a.found(Finding{Kind: FoundCut, From: next, To: next, Text: say.T("ledger: the head %s that you gave is not in it: its end was cut off or rewritten", "원장: 주신 해시 %s{이/가} 없습니다. 끝이 잘렸거나 다시 쓰였습니다", expected)})
	}
}

func (a *audit) promise(e Entry) {
	b := e.body()
	if e.Kind == ledgerNote {
		a.noted[hex.EncodeToString(b.Note)] = true
		return
	}
	p := a.promised[e.Run]
	if p == nil {
		p = &promise{}
		a.promised[e.Run] = p
		a.order = append(a.order, e.Run)
	}
	switch e.Kind {
	case ledgerBegan:
		p.head = nil // it goes on
	case ledgerEnded, ledgerSealed:
		p.events, p.head = b.Events, b.Head
	case ledgerImported:
		*p = promise{events: b.Events, head: b.Head, seal: b.Seal, pruned: b.What == KeptEvents}
	case ledgerPruned:
		switch b.What {
		case KeptOutput:
			p.seal = b.Seal
		case KeptEvents:
			p.pruned = true
		case KeptRuns:
			p.gone = true
		}
	}
}

// deleted finds runs that the ledger knows and the store does not, and those
// that were put in beside the ledger.
func (a *audit) deleted(runs []Run) {
	there := map[string]bool{}
	for _, r := range runs {
		there[r.ID] = true
		if a.promised[r.ID] == nil {
			a.found(Finding{Kind: FoundAdded, Run: r.ID, Text: say.T("run %s: the ledger does not know it: it was put in", "실행 %s: 원장에 없습니다. 끼워 넣은 것입니다", r.ID)})
		}
	}
	for _, id := range a.order {
		if !there[id] && !a.promised[id].gone {
			a.found(Finding{Kind: FoundDeleted, Run: id, Text: say.T("run %s: it was deleted without an entry in the ledger", "실행 %s: 원장에 남기지 않고 삭제되었습니다", id)})
		}
	}
}

// run verifies the chain of one run.
func (a *audit) run(ctx context.Context, r Run) error {
	a.Runs++
	p := a.promised[r.ID]
	if p == nil {
		p = &promise{}
	}
	if p.pruned {
		return nil
	}
	w := chainWalk{audit: a, run: r, promise: p, before: chainStart(r.ID), next: 1, seal: chainStart(r.ID)}
	for row, err := range a.store.rows(ctx, r.ID, 0) {
		if err != nil {
			return fmt.Errorf("verify run %s: %w", r.ID, err)
		}
		w.row(row)
	}
	w.end()
	return nil
}

// chainWalk goes through the rows of one run.
type chainWalk struct {
	audit   *audit
	run     Run
	promise *promise
	before  Hash // of the row before
	next    int64
	misfits []misfit // rows that do not follow the one before them
	seal    Hash     // over the rows as they are, of runs without outputs
	ended   *event.RunEnded
}

// misfit is a row whose hash does not follow from the one before it.
type misfit struct {
	row
	before Hash
}

func (w *chainWalk) row(r row) {
	w.audit.Events++
	if r.seq != w.next {
		w.found(FoundCut, w.next, r.seq-1, say.T("%s missing", "%s 없음", span(w.next, r.seq-1)))
	}
	digest := sha256.Sum256(r.line())
	w.seal = link(w.seal, digest)
	if len(r.digest) == len(digest) {
		if w.promise.seal == nil {
			w.found(FoundChanged, r.seq, r.seq, say.T("event %d looks as if its output had been pruned, which the ledger does not know", "이벤트 %d{은/는} 출력이 정리된 것처럼 보이지만 원장에 그런 기록이 없습니다", r.seq))
		}
		digest = Hash(r.digest)
	}
	hash := link(w.before, digest)
	if !bytes.Equal(hash[:], r.hash) && r.seq == w.next {
		w.misfits = append(w.misfits, misfit{r, w.before})
	}
	if len(r.hash) == len(w.before) {
		w.before = Hash(r.hash)
	}
	w.next = r.seq + 1
	if event.Type(r.kind) == event.TypeRunEnded {
		w.ended = &event.RunEnded{}
		_ = json.Unmarshal([]byte(r.data), w.ended) // what is broken fits no hash
	}
}

// span names events.
func span(from, to int64) say.Text {
	if from == to {
		return say.T("event %d", "이벤트 %d", from)
	}
	return say.T("events %d to %d", "이벤트 %d~%d", from, to)
}

func (w *chainWalk) found(kind FindingKind, from, to int64, text say.Text) {
	w.audit.found(Finding{Kind: kind, Run: w.run.ID, From: from, To: to, Text: say.T("run %s: %s", "실행 %s: %s", w.run.ID, text)})
}

// end judges the misfits and holds the end of the chain against the ledger.
func (w *chainWalk) end() {
	before := len(w.audit.Findings)
	for _, m := range w.misfits {
		w.judge(m)
	}
	if w.promise.seal != nil && !bytes.Equal(w.seal[:], w.promise.seal) {
		w.found(FoundChanged, 1, w.next-1, say.T("events were changed after their outputs were pruned", "출력을 정리한 뒤에 이벤트가 바뀌었습니다"))
	}
	events, head := w.run.Events, w.run.Head
	if w.promise.head != nil {
		events, head = w.promise.events, w.promise.head
	}
	if w.run.State == Running {
		return // it is being written
	}
	last := w.next - 1
	switch {
	case last < events:
		w.found(FoundCut, w.next, events, say.T("%s missing at the end", "끝의 %s 없음", span(w.next, events)))
	case last > events:
		w.found(FoundAdded, events+1, last, say.T("%s added at the end", "끝에 %s 더해짐", span(events+1, last)))
	case !bytes.Equal(w.before[:], head) && len(w.audit.Findings) == before:
		w.found(FoundChanged, 1, last, say.T("the whole chain was rewritten: its head is not the one in the ledger", "전체 해시가 다시 쓰였습니다. 마지막 해시가 원장과 다릅니다"))
	}
	if e := w.ended; e != nil && (e.Outcome != w.run.Outcome || e.ExitCode != w.run.ExitCode) {
		w.found(FoundChanged, last, last, say.T("the list of runs says %q, its events say %q", "실행 목록에는 %q, 이벤트에는 %q{으로/로} 되어 있습니다", string(w.run.Outcome), string(e.Outcome)))
	}
}

// maxJudged bounds the search for where a misfit came from.
const maxJudged = 64

// judge tells whether a row was changed, was moved, or only follows one that
// was.
func (w *chainWalk) judge(m misfit) {
	near := w.misfits[:min(len(w.misfits), maxJudged)]
	for _, place := range near {
		moved := m.row
		moved.seq = place.seq
		digest := sha256.Sum256(moved.line())
		if len(m.digest) == len(digest) {
			digest = Hash(m.digest)
		}
		if !w.follows(m.hash, digest, near) {
			continue
		}
		if place.seq != m.seq {
			w.found(FoundMoved, m.seq, m.seq, say.T("the event in place %d was recorded as number %d: the order was changed", "%d번 자리의 이벤트는 %d번으로 기록된 것입니다. 순서가 바뀌었습니다", m.seq, place.seq))
		}
		return // unchanged: its neighbour was moved
	}
	w.found(FoundChanged, m.seq, m.seq, say.T("event %d (%s, %s) was changed, or the hash of the one before it", "이벤트 %d (%s, %s) 또는 그 앞의 해시가 바뀌었습니다", m.seq, m.kind, m.at))
}

// follows reports whether a row with this digest and hash follows one of the
// rows that misfit, or one before them.
func (w *chainWalk) follows(hash []byte, digest Hash, near []misfit) bool {
	for _, n := range near {
		for _, before := range [][]byte{n.before[:], n.hash} {
			if len(before) != len(digest) {
				continue
			}
			if h := link(Hash(before), digest); bytes.Equal(h[:], hash) {
				return true
			}
		}
	}
	return false
}
