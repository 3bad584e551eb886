package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sunup/internal/say"
	"sunup/lab"
)

// labCommand starts a fleet of simulated hosts to try things on.
func (a *app) labCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "lab",
		Short: a.text("Simulated and real hosts to try playbooks on", "플레이북을 시험할 모의 호스트와 실제 호스트"),
	}
	c.AddCommand(a.labUpCommand(), a.labDemoCommand(), a.labRackCommand())
	return c
}

func (a *app) labUpCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:     "up [flags] SCENARIO.yml",
		Short:   a.text("Start the hosts of a scenario and keep them until Ctrl-C", "시나리오의 호스트를 띄우고 Ctrl-C까지 유지합니다"),
		Example: "  sunup lab up --dir /tmp/fleet playbooks/samples/morning-startup/fleet.yml\n  sunup run -i /tmp/fleet/inventory.yml playbooks/samples/morning-startup/site.yml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			fleet, err := a.startFleet(ctx, args[0], dir)
			if err != nil {
				return err
			}
			defer fleet.Close()
			a.tell(a.out, say.T("%d hosts are up; the inventory is %s; Ctrl-C ends them", "호스트 %d대가 켜졌습니다. 인벤토리는 %s, Ctrl-C로 끝냅니다",
				len(fleet.Hosts()), filepath.Join(dir, "inventory.yml")))
			<-ctx.Done()
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", "fleet", a.text("directory for inventory, keys and known_hosts", "인벤토리·키·known_hosts를 둘 디렉터리"))
	return c
}

// labDemoCommand starts a fleet and runs a playbook on it.
func (a *app) labDemoCommand() *cobra.Command {
	var scenario, at string
	f := &runFlags{}
	c := &cobra.Command{
		Use:     "demo [flags] PLAYBOOK...",
		Short:   a.text("Start the hosts of a scenario, run a playbook on them, stop them", "시나리오의 호스트를 띄워 플레이북을 실행하고 내립니다"),
		Example: "  sunup lab demo --scenario playbooks/samples/morning-startup/fleet.yml playbooks/samples/morning-startup/site.yml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.command = []string{"lab demo"}
			return a.demo(c.Context(), scenario, at, f, args)
		},
	}
	a.addRunFlags(c, f)
	c.Flags().StringVar(&scenario, "scenario", "", a.text("the scenario file", "시나리오 파일"))
	c.Flags().StringVar(&at, "at", "", a.text("play it as if it were this time of day on the hosts, such as 09:25", "호스트의 시각이 이 시각인 것처럼 실행. 예: 09:25"))
	_ = c.MarkFlagRequired("scenario")
	return c
}

func (a *app) demo(ctx context.Context, scenario, at string, f *runFlags, playbooks []string) error {
	dir, err := os.MkdirTemp("", "sunup-fleet-")
	if err != nil {
		return fmt.Errorf("make fleet directory: %w", err)
	}
	defer os.RemoveAll(dir)
	fleet, err := a.startFleet(ctx, scenario, dir)
	if err != nil {
		return err
	}
	defer fleet.Close()
	a.tell(a.err, say.T("%d simulated hosts are up", "모의 호스트 %d대가 켜졌습니다", len(fleet.Hosts())))
	if at != "" {
		if f.clock, err = clockAt(at, fleet.Scenario.Hosts[0].Timezone, time.Now()); err != nil {
			return err
		}
		a.tell(a.err, say.T("this demo plays at %s of the hosts' day, not at the real time", "이 시연은 실제 시각이 아니라 호스트의 %s에 시작하는 것으로 진행합니다", at))
	}
	f.target.inventory = append(f.target.inventory, filepath.Join(dir, "inventory.yml"))
	return a.runPlaybooks(ctx, f, playbooks)
}

// clockAt is a clock that stands at a time of today in a zone now, and goes on
// from there.
func clockAt(at, zone string, now time.Time) (func() time.Time, error) {
	t, err := time.Parse("15:04", at)
	if err != nil {
		return nil, usageError{fmt.Errorf("--at %s: give a time of day such as 09:25", at)}
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("find the hosts' time zone: %w", err)
	}
	day := now.In(place)
	ahead := time.Date(day.Year(), day.Month(), day.Day(), t.Hour(), t.Minute(), 0, 0, place).Sub(now)
	return func() time.Time { return time.Now().Add(ahead) }, nil
}

// startFleet starts a scenario's hosts and writes how to reach them.
func (a *app) startFleet(ctx context.Context, scenario, dir string) (*lab.Fleet, error) {
	s, problems := lab.LoadScenario(scenario)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	fleet, err := lab.Start(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("start fleet: %w", err)
	}
	if err := fleet.WriteAccess(dir); err != nil {
		fleet.Close()
		return nil, fmt.Errorf("write inventory of the fleet: %w", err)
	}
	return fleet, nil
}
