package history

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/store"
	"sunup/reports"
)

// Period is a day, a week (from Monday) or a month.
type Period struct {
	Name  string // as it was written
	Begin time.Time
	End   time.Time // the first moment after it
}

var periodForm = regexp.MustCompile(`^([0-9]{4})-(?:W([0-9]{2})|([0-9]{2})(?:-([0-9]{2}))?)$`)

// ParsePeriod reads "2026-10", "2026-W47" (ISO weeks) or "2026-11-21", in a
// place's own days.
func ParsePeriod(text string, place *time.Location) (Period, error) {
	wrong := func() (Period, error) {
		return Period{}, say.Fail(nil, say.T("%q is no period; write a month 2026-10, a week 2026-W47 or a day 2026-11-21", "%q{은/는} 기간이 아닙니다. 월 2026-10, 주 2026-W47, 일 2026-11-21처럼 쓰십시오", text))
	}
	m := periodForm.FindStringSubmatch(text)
	if m == nil {
		return wrong()
	}
	number := func(s string) int {
		n, _ := strconv.Atoi(s) // digits, or nothing
		return n
	}
	year, week, month, day := number(m[1]), number(m[2]), number(m[3]), number(m[4])
	if m[2] != "" {
		// The fourth of January is always in the first week.
		fourth := time.Date(year, 1, 4, 0, 0, 0, 0, place)
		begin := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7+7*(week-1))
		if y, w := begin.ISOWeek(); y != year || w != week {
			return wrong()
		}
		return Period{text, begin, begin.AddDate(0, 0, 7)}, nil
	}
	begin := time.Date(year, time.Month(month), max(day, 1), 0, 0, 0, 0, place)
	if begin.Month() != time.Month(month) || m[4] != "" && begin.Day() != day {
		return wrong()
	}
	if m[4] != "" {
		return Period{text, begin, begin.AddDate(0, 0, 1)}, nil
	}
	return Period{text, begin, begin.AddDate(0, 1, 0)}, nil
}

// Summarise makes the report of a period from the runs that began in it. Checks
// change nothing and are left out.
func Summarise(ctx context.Context, s *store.Store, p Period, b Baseline) (*reports.Period, error) {
	runs, err := s.Runs(ctx, store.Filter{Since: p.Begin, Before: p.End, Real: true})
	if err != nil {
		return nil, err
	}
	f := newPeriodFold(p, b)
	for _, r := range slices.Backward(runs) {
		if r.State == store.Running {
			continue
		}
		d, err := Load(ctx, s, r)
		if err != nil {
			return nil, fmt.Errorf("summarise run %s: %w", r.ID, err)
		}
		f.add(r, d)
	}
	return f.finish(), nil
}

// periodFold adds up the runs of a period.
type periodFold struct {
	out      *reports.Period
	baseline Baseline
	causes   map[string]*reports.PeriodCause
	steps    map[string][]StepDigest
	hosts    map[string]*reports.PeriodHost
	minutes  []float64
}

func newPeriodFold(p Period, b Baseline) *periodFold {
	return &periodFold{
		out: &reports.Period{
			Schema: 1, Name: p.Name, Begin: p.Begin, End: p.End, Runs: []reports.PeriodRun{}, Causes: []reports.PeriodCause{},
			Slow: []reports.PeriodStep{}, Quarantined: []reports.PeriodHost{},
		},
		baseline: b, causes: map[string]*reports.PeriodCause{}, steps: map[string][]StepDigest{}, hosts: map[string]*reports.PeriodHost{},
	}
}

func (f *periodFold) add(r store.Run, d Digest) {
	run := reports.PeriodRun{
		ID: r.ID, Name: r.Name, User: r.User, Began: r.Began, TookMS: d.TookMS, Outcome: d.Outcome, ExitCode: d.Code,
		Broken: !d.Complete, Hosts: d.Hosts, Changed: d.Changed,
	}
	for _, m := range d.Deadlines {
		if m.Opening {
			run.OpensAt, run.Opening, run.MarginMS = m.At, m.State, m.MarginMS
		}
	}
	switch run.Opening {
	case reports.Met:
		f.out.Figures.Kept++
	case reports.Late, reports.NotReached:
		f.out.Figures.Missed++
	}
	if d.Outcome == event.OK && d.Complete {
		f.out.Figures.Good++
		minutes := float64(d.TookMS) / 60_000
		f.minutes = append(f.minutes, minutes)
		if run.Opening != "" {
			f.out.Figures.SavedPersonMinutes += f.baseline.Saved(minutes)
		}
	}
	f.out.Figures.Runs++
	f.out.Figures.Changed += d.Changed
	for _, h := range d.Machines {
		if h.Aside {
			run.Aside = append(run.Aside, h.Name)
			f.aside(h, r.ID)
		}
	}
	for _, c := range d.Causes {
		f.cause(c, r.ID)
	}
	for _, s := range d.Steps {
		if s.Hosts > 0 {
			f.steps[s.Key()] = append(f.steps[s.Key()], s)
		}
	}
	f.out.Runs = append(f.out.Runs, run)
}

func (f *periodFold) aside(h HostDigest, run string) {
	p := f.hosts[h.Name]
	if p == nil {
		p = &reports.PeriodHost{Host: h.Name, Zone: h.Zone}
		f.hosts[h.Name] = p
	}
	p.Times++
	p.LastRun = run
}

func (f *periodFold) cause(c CauseDigest, run string) {
	if !bad(c.Outcome) {
		return // it was expected or mended
	}
	key := string(c.Outcome) + "\x00" + normalised(c.Message, "") + "\x00" + c.Task
	p := f.causes[key]
	if p == nil {
		p = &reports.PeriodCause{Outcome: c.Outcome, Message: c.Message, Task: c.Task}
		f.causes[key] = p
	}
	p.Runs++
	p.Hosts += c.Hosts
	p.LastRun = run
}

// slowestSteps is how many steps a period's report names.
const slowestSteps = 15

func (f *periodFold) finish() *reports.Period {
	out := f.out
	slices.Sort(f.minutes)
	if n := len(f.minutes); n > 0 {
		out.Figures.MedianMinutes, out.Figures.LongestMinutes = f.minutes[n/2], f.minutes[n-1]
	}
	for _, c := range f.causes {
		out.Causes = append(out.Causes, *c)
	}
	slices.SortFunc(out.Causes, func(x, y reports.PeriodCause) int {
		return cmp.Or(cmp.Compare(y.Hosts, x.Hosts), strings.Compare(x.Message, y.Message), strings.Compare(x.Task, y.Task))
	})
	for _, h := range f.hosts {
		out.Quarantined = append(out.Quarantined, *h)
	}
	slices.SortFunc(out.Quarantined, func(x, y reports.PeriodHost) int {
		return cmp.Or(cmp.Compare(y.Times, x.Times), strings.Compare(x.Host, y.Host))
	})
	for _, all := range f.steps {
		out.Slow = append(out.Slow, periodStep(all))
	}
	slices.SortFunc(out.Slow, func(x, y reports.PeriodStep) int {
		return cmp.Or(cmp.Compare(y.MedianMS, x.MedianMS), strings.Compare(x.Play+"\x00"+x.Name, y.Play+"\x00"+y.Name))
	})
	out.Slow = out.Slow[:min(len(out.Slow), slowestSteps)]
	out.Manual = reports.Manual{Minutes: f.baseline.Minutes, People: f.baseline.People, Now: f.baseline.Now}
	return out
}

func periodStep(all []StepDigest) reports.PeriodStep {
	s := reports.PeriodStep{Play: all[0].Play, Name: all[0].Name, Runs: len(all)}
	var spans []int64
	for _, one := range all {
		spans = append(spans, one.SpanMS)
		if one.SpanMS >= s.LongestMS {
			s.LongestMS, s.Host = one.SpanMS, one.Slowest
		}
	}
	s.MedianMS = median(spans)
	return s
}
