package history

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/reports"
)

// Baseline is what the morning took by hand.
type Baseline struct {
	Minutes float64 `json:"minutes"`
	People  float64 `json:"people"`
	// Now is how many people the run needs.
	Now float64 `json:"now"`
}

// DefaultBaseline is the morning that sunup was made for: 50 minutes, two
// people; one runs it now.
var DefaultBaseline = Baseline{Minutes: 50, People: 2, Now: 1}

// Saved are the person-minutes that a run of so many minutes saved.
func (b Baseline) Saved(minutes float64) float64 { return b.Minutes*b.People - minutes*b.Now }

// SlowedPercent is from how much over the usual a step counts as slowed down:
// low enough that one slowed by 30 % is found although times stray.
const SlowedPercent = 20

// Comparison is one run against others.
type Comparison struct {
	Run     Digest  `json:"-"`
	RunID   string  `json:"run"`
	Against []RunAt `json:"against"` // the newest first
	Whole   Line    `json:"whole"`
	// Slowed are the steps that took much longer than usual and than they stray,
	// those that cost most time first.
	Slowed []Line `json:"slowed"`
	Plays  []Line `json:"plays"`
	Steps  []Line `json:"steps"`
	Groups []Line `json:"groups"` // zones, and roles of hosts without one: working time of a host in the middle
	// SlowHosts were slower than their like again and again, Aside were set
	// aside again and again.
	SlowHosts []HostLine `json:"slow_hosts"`
	Aside     []HostLine `json:"aside"`
	Trend     []Point    `json:"trend"` // the oldest first, this run among them
	Baseline  Baseline   `json:"baseline"`
}

// RunAt is a run and when it was.
type RunAt struct {
	Run   string    `json:"run"`
	Began time.Time `json:"began"`
}

// Line is one time against its past.
type Line struct {
	Play     string `json:"play,omitempty"`
	Name     string `json:"name"`
	TookMS   int64  `json:"took_ms"`
	UsualMS  int64  `json:"usual_ms"`  // the median
	SpreadMS int64  `json:"spread_ms"` // the median distance from it
	Runs     int    `json:"runs"`      // that had it; 0: it is new
	Percent  int64  `json:"percent"`   // longer than usual; negative: shorter
	Host     string `json:"host,omitempty"`
}

// HostLine is a host that stands out again and again.
type HostLine struct {
	Host  string  `json:"host"`
	Zone  string  `json:"zone,omitempty"`
	Times int     `json:"times"` // in how many of the runs
	Runs  int     `json:"runs"`  // that it took part in
	Slow  float64 `json:"slow,omitempty"`
}

// Point is one run of the trend.
type Point = reports.TrendPoint

// Compare holds a run against others.
func Compare(d Digest, past Past, b Baseline) Comparison {
	c := Comparison{Run: d, RunID: d.Run, Against: []RunAt{}, Baseline: b}
	for _, p := range past.Runs {
		c.Against = append(c.Against, RunAt{p.Run, p.Began})
	}
	c.Whole = against(Line{Name: d.Name, TookMS: d.TookMS}, past.times(func(o Digest) (int64, bool) { return o.TookMS, true }))
	c.Plays = past.plays(d)
	c.Steps = past.stepLines(d)
	c.Groups = past.groups(d)
	c.Slowed = slowed(c.Steps)
	c.SlowHosts, c.Aside = past.standOut(d)
	c.Trend = past.trend(d, b)
	return c
}

func against(l Line, all []int64) Line {
	l.Runs = len(all)
	if l.Runs == 0 {
		return l
	}
	l.UsualMS = median(all)
	l.SpreadMS = spread(all, l.UsualMS)
	if l.UsualMS > 0 {
		l.Percent = (l.TookMS - l.UsualMS) * 100 / l.UsualMS
	}
	return l
}

func (p Past) plays(d Digest) []Line {
	out := []Line{}
	for _, play := range d.Plays {
		out = append(out, against(Line{Name: play.Name, TookMS: play.TookMS}, p.times(func(o Digest) (int64, bool) {
			for _, other := range o.Plays {
				if other.Name == play.Name {
					return other.TookMS, true
				}
			}
			return 0, false
		})))
	}
	return out
}

func (p Past) stepLines(d Digest) []Line {
	out, earlier := []Line{}, p.steps()
	for _, s := range d.Steps {
		if s.Hosts > 0 {
			out = append(out, against(Line{Play: s.Play, Name: s.Name, TookMS: s.SpanMS, Host: s.Slowest}, earlier[s.Key()]))
		}
	}
	return out
}

// groupTimes are the working times of a host in the middle, by zone; hosts
// without a zone count by their role.
func groupTimes(d Digest) map[string]int64 {
	all := map[string][]int64{}
	for _, h := range d.Machines {
		group := h.Zone
		if group == "" {
			group = Role(h.Name)
		}
		all[group] = append(all[group], h.WorkingMS)
	}
	out := map[string]int64{}
	for group, times := range all {
		out[group] = median(times)
	}
	return out
}

func (p Past) groups(d Digest) []Line {
	earlier := map[string][]int64{}
	for _, o := range p.Runs {
		for group, ms := range groupTimes(o) {
			earlier[group] = append(earlier[group], ms)
		}
	}
	out := []Line{}
	for group, ms := range groupTimes(d) {
		out = append(out, against(Line{Name: group, TookMS: ms}, earlier[group]))
	}
	slices.SortFunc(out, func(x, y Line) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// worthNaming is under what a step is never worth a word, however much slower
// it was.
const worthNaming = 100 // ms

// slowed are the steps that a person should look at.
func slowed(steps []Line) []Line {
	out := []Line{}
	for _, l := range steps {
		more := l.TookMS - l.UsualMS
		if l.Runs > 0 && l.Percent >= SlowedPercent && more >= worthNaming && more > 3*l.SpreadMS {
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(x, y Line) int { return cmp.Compare(y.TookMS-y.UsualMS, x.TookMS-x.UsualMS) })
	return out
}

// A host stands out when it did so in a third of the runs and at least thrice;
// slow is half as much again as others of its role.
const (
	oftenTimes = 3
	oftenShare = 3
	slowHost   = 1.5
)

// standOut finds hosts that are slow or set aside again and again.
func (p Past) standOut(d Digest) (slow, aside []HostLine) {
	type count struct {
		zone              string
		runs, slow, aside int
		ratios            []float64
	}
	hosts := map[string]*count{}
	for _, run := range append([]Digest{d}, p.Runs...) {
		for _, h := range run.Machines {
			c := hosts[h.Name]
			if c == nil {
				c = &count{zone: h.Zone}
				hosts[h.Name] = c
			}
			c.runs++
			c.ratios = append(c.ratios, h.Slow)
			if h.Slow >= slowHost {
				c.slow++
			}
			if h.Aside {
				c.aside++
			}
		}
	}
	slow, aside = []HostLine{}, []HostLine{}
	often := func(times, runs int) bool { return times >= oftenTimes && times*oftenShare >= runs }
	for name, c := range hosts {
		if often(c.slow, c.runs) {
			slow = append(slow, HostLine{name, c.zone, c.slow, c.runs, median(c.ratios)})
		}
		if often(c.aside, c.runs) {
			aside = append(aside, HostLine{name, c.zone, c.aside, c.runs, 0})
		}
	}
	order := func(x, y HostLine) int {
		return cmp.Or(cmp.Compare(y.Times, x.Times), strings.Compare(x.Host, y.Host))
	}
	slices.SortFunc(slow, order)
	slices.SortFunc(aside, order)
	return slow, aside
}

func (p Past) trend(d Digest, b Baseline) []Point {
	out := []Point{}
	for _, run := range append([]Digest{d}, p.Runs...) {
		minutes := float64(run.TookMS) / 60_000
		saved := 0.0 // people had to do by hand what failed
		if run.Outcome == event.OK {
			saved = b.Saved(minutes)
		}
		out = append(out, Point{Run: run.Run, Began: run.Began, Minutes: minutes, Saved: saved, Outcome: run.Outcome})
	}
	slices.SortStableFunc(out, func(x, y Point) int { return x.Began.Compare(y.Began) })
	return out
}
