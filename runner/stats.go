package runner

import (
	"maps"
	"path"
	"slices"
	"sync"
	"time"

	"sunup/internal/connection"
	"sunup/internal/event"
	"sunup/internal/value"
	"sunup/modules"
	"sunup/playbooks"
)

// runStats is what set_stats collected, by host; "" is the whole run.
type runStats struct {
	mu   sync.Mutex
	data map[string]*value.Dict
}

func (s *runStats) add(host string, st *modules.Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !st.PerHost {
		host = ""
	}
	if s.data == nil {
		s.data = map[string]*value.Dict{}
	}
	d := s.data[host]
	if d == nil {
		d = &value.Dict{}
		s.data[host] = d
	}
	for k, v := range st.Data.All() {
		if old, ok := d.Get(k); ok && st.Aggregate {
			v = aggregate(old, v)
		}
		d.Set(k, v)
	}
}

// aggregate adds numbers, joins texts and lists and merges dicts, as set_stats
// does; values of two kinds are replaced.
func aggregate(old, v any) any {
	switch o := old.(type) {
	case int:
		if n, ok := v.(int); ok {
			return o + n
		}
	case float64:
		if n, ok := v.(float64); ok {
			return o + n
		}
	case string:
		if s, ok := v.(string); ok {
			return o + s
		}
	case *value.List:
		if l, ok := v.(*value.List); ok {
			return value.NewList(append(append([]any(nil), o.Items...), l.Items...)...)
		}
	case *value.Dict:
		if d, ok := v.(*value.Dict); ok {
			out := o.Copy()
			out.Update(d)
			return out
		}
	}
	return v
}

func (r *Run) emitStats() {
	r.stats.mu.Lock()
	defer r.stats.mu.Unlock()
	for _, h := range slices.Sorted(maps.Keys(r.stats.data)) {
		r.stream.emit(event.Stats{Host: h, Data: r.stats.data[h]})
	}
}

// measure reads the links' counters; called before they are closed.
func (r *Run) measure() {
	sum := map[string]*event.Reach{}
	r.links.mu.Lock()
	for key, link := range r.links.open {
		counted, ok := link.(interface{ Stats() connection.Stats })
		if !ok {
			continue
		}
		st := counted.Stats()
		e := sum[key.host]
		if e == nil {
			e = &event.Reach{Host: key.host}
			sum[key.host] = e
		}
		e.Handshakes += int(st.Handshakes)
		e.RoundTrips += int(st.RoundTrips)
		e.Commands += int(st.Commands)
		e.BytesIn += int64(st.BytesIn)
		e.BytesOut += int64(st.BytesOut)
	}
	r.links.mu.Unlock()
	for _, h := range slices.Sorted(maps.Keys(sum)) {
		r.reach = append(r.reach, *sum[h])
	}
}

// startupEvent fixes the startup's times of day on the day of now.
func startupEvent(s *playbooks.Startup, now time.Time) *event.Startup {
	e := &event.Startup{Name: s.Name, Way: event.Way(s.Way), Timezone: s.Timezone}
	zone := time.Local
	if z, err := time.LoadLocation(s.Timezone); err == nil && s.Timezone != "" {
		zone = z
	}
	e.OpensAt = timeOfDay(s.OpensAt, now, zone)
	e.Budget, _ = playbooks.ParseDuration(s.Budget)
	for _, m := range s.Milestones {
		e.Milestones = append(e.Milestones, event.Milestone{Name: m.Name, At: timeOfDay(m.At, now, zone), When: m.When})
	}
	return e
}

// timeOfDay is HH:MM on the day that now is in the zone; zero when there is
// none.
func timeOfDay(clock string, now time.Time, zone *time.Location) time.Time {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		return time.Time{}
	}
	day := now.In(zone)
	return time.Date(day.Year(), day.Month(), day.Day(), t.Hour(), t.Minute(), 0, 0, zone)
}

// globMatch matches shell patterns as fnmatch does, for task names.
func globMatch(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
