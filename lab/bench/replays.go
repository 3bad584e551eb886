package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/forecast"
	"sunup/internal/history"
	"sunup/internal/store"
	"sunup/lab"
	"sunup/lab/scenario"
)

// day is how services start on a day of the sample morning: what each takes in
// place of its usual time, by the beginning of the host's name.
type day struct {
	name string
	slow map[string]float64
}

// days are the mornings that are recorded: most are usual, on some a part is
// slow.
var days = []day{
	{name: "usual"}, {name: "usual"}, {name: "usual"}, {name: "usual"}, {name: "usual"}, {name: "usual"},
	{name: "everything a fifth slower", slow: map[string]float64{"": 1.2}},
	{name: "the databases half as long again", slow: map[string]float64{"db": 1.5}},
	{name: "one gateway twice as slow", slow: map[string]float64{"gw-west": 2}},
	{name: "the mobile servers a third slower", slow: map[string]float64{"mobile": 1.33}},
	{name: "the kiosks an eighth slower", slow: map[string]float64{"kiosk": 1.125}},
	{name: "everything a sixth faster", slow: map[string]float64{"": 0.85}},
}

// morningScale is how much faster than real hosts those of the recorded
// mornings are: at 60 this machine's own work would be a part of the day.
const morningScale = 10

// Each day every service takes a little more or less than usual, and every
// host of it too: standard deviations, as shares.
const (
	strayOfService = 0.05
	strayOfHost    = 0.05
)

// replays records the sample morning and projects each from all the
// others, as it would have been projected while it went on.
func (b *bench) replays() error {
	state, err := b.recordDays()
	if err != nil {
		return err
	}
	if b.mornings == "" {
		defer os.RemoveAll(state)
	}
	errs, err := projected(b.ctx, state)
	if err != nil {
		return err
	}
	for i, share := range errs {
		if days[i].slow != nil {
			row("projected finish from 40 % on, a recorded morning: "+days[i].name, figure{value: share * 100, aim: 10, unit: "%"})
		}
	}
	slices.Sort(errs)
	row(fmt.Sprintf("projected finish from 40 %% on, %d recorded mornings: median", len(errs)), figure{value: errs[len(errs)/2] * 100, unit: "%"})
	row("the same: worst", figure{value: errs[len(errs)-1] * 100, aim: 10, unit: "%"})
	return nil
}

// recordDays records all mornings, where they are not kept from before.
func (b *bench) recordDays() (state string, err error) {
	if state = b.mornings; state == "" {
		if state, err = os.MkdirTemp("", "sunup-bench-replays-"); err != nil {
			return "", err
		}
	}
	if _, err := os.Stat(filepath.Join(state, "sunup.db")); err == nil {
		return state, nil
	}
	for i, d := range days {
		if err := b.recordDay(state, d, uint64(i)); err != nil {
			return "", fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return state, nil
}

// recordDay lets the morning of a day run and be recorded.
func (b *bench) recordDay(state string, d day, seed uint64) error {
	s, problems := lab.LoadScenario(filepath.Join(morningSample, "fleet.yml"))
	if err := problems.Err(); err != nil {
		return err
	}
	s.TimeScale = morningScale
	d.apply(s, rand.New(rand.NewPCG(seed, 11)))
	fleet, err := lab.Start(b.ctx, s)
	if err != nil {
		return err
	}
	defer fleet.Close()
	dir, err := os.MkdirTemp("", "sunup-bench-day-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := fleet.WriteAccess(dir); err != nil {
		return err
	}
	cmd := exec.CommandContext(b.ctx, b.binary, "run", "--output", "none", "--no-report", "-i", filepath.Join(dir, "inventory.yml"), filepath.Join(morningSample, "site.yml"))
	cmd.Env = append(os.Environ(), "SUNUP_STATE="+state)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 10 { // a kiosk is sick
		return fmt.Errorf("%s: %w\n%s", cmd, err, tail(string(out)))
	}
	return nil
}

// apply makes the services of a fleet those of a day.
func (d day) apply(s *scenario.Scenario, r *rand.Rand) {
	services := map[string]float64{}
	for h := range s.Hosts {
		host := &s.Hosts[h]
		factor := math.Exp(r.NormFloat64() * strayOfHost)
		for prefix, slow := range d.slow {
			if strings.HasPrefix(host.Name, prefix) {
				factor *= slow
			}
		}
		host.Services = slices.Clone(host.Services)
		for i := range host.Services {
			service := &host.Services[i]
			if services[service.Name] == 0 {
				services[service.Name] = math.Exp(r.NormFloat64() * strayOfService)
			}
			by := factor * services[service.Name]
			service.StartDelay = time.Duration(float64(service.StartDelay) * by)
			service.ReadyDelay = time.Duration(float64(service.ReadyDelay) * by)
		}
	}
}

// projected is, for each recorded run in their order, the largest error of its
// projected finish from 40 % of it on, as a share of it.
func projected(ctx context.Context, state string) ([]float64, error) {
	s, err := store.Open(ctx, state, "")
	if err != nil {
		return nil, err
	}
	defer s.Close()
	runs, err := s.Runs(ctx, store.Filter{})
	if err != nil {
		return nil, err
	}
	slices.Reverse(runs) // the oldest first
	var digests []history.Digest
	for _, run := range runs {
		d, err := history.Load(ctx, s, run)
		if err != nil {
			return nil, err
		}
		digests = append(digests, d)
	}
	var out []float64
	for i, run := range runs {
		var events []event.Event
		for e, err := range s.Events(ctx, run.ID, 0) {
			if err != nil {
				return nil, err
			}
			events = append(events, e)
		}
		others := history.Past{Runs: slices.Delete(slices.Clone(digests), i, i+1)}
		worst, err := forecast.Replay(events, others.Forecast)
		if err != nil {
			return nil, err
		}
		out = append(out, worst.Share)
	}
	return out, nil
}
