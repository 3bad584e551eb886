package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/reports"
	"sunup/runner"
)

// preflightFlags are the flags of preflight.
type preflightFlags struct {
	run     runFlags
	json    bool
	minFree float64
	options runner.PreflightOptions
}

func (a *app) preflightCommand() *cobra.Command {
	f := &preflightFlags{}
	c := &cobra.Command{
		Use:   "preflight [flags] PLAYBOOK...",
		Short: a.text("Look at all hosts before the first step: what would fail", "첫 단계 전에 모든 호스트를 살펴 무엇이 실패할지 보입니다"),
		Long: a.text("Look at every host of the playbooks at once, before the first step: reach, host key, login, becoming other users, free disk, clock, tools that its tasks need. Nothing is changed. What stands in the way is listed by cause.\n\nExit code 0: nothing; 2: something will fail; 4: hosts cannot be reached or entered.",
			"첫 단계 전에 플레이북의 모든 호스트를 한 번에 살핍니다: 연결, 호스트 키, 로그인, 권한 상승, 디스크 여유, 시계, 작업에 필요한 도구. 아무것도 바꾸지 않으며, 걸림돌을 원인별로 보여 줍니다.\n\n종료 코드 0: 없음, 2: 실패할 것이 있음, 4: 연결하거나 들어갈 수 없는 호스트가 있음."),
		Example: "  sunup preflight -i hosts.yml morning.yml\n  sunup preflight -i hosts.yml --json morning.yml",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(c *cobra.Command, paths []string) error { return a.preflight(c.Context(), f, paths) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	a.addSelectionFlags(fs, &f.run)
	fs.IntVarP(&f.run.forks, "forks", "f", 0, a.text("hosts at once (default 256)", "동시에 살필 호스트 수 (기본 256)"))
	fs.Float64Var(&f.minFree, "min-free", 2, a.text("share of a disk that must be free, in percent", "디스크에 남아 있어야 할 비율(%)"))
	fs.DurationVar(&f.options.MaxOffset, "max-offset", 10*time.Second, a.text("how far a clock may be off", "시계가 어긋나도 되는 한도"))
	fs.DurationVar(&f.options.Limit, "host-limit", 8*time.Second, a.text("time for one host", "호스트 하나에 쓰는 시간"))
	fs.BoolVar(&f.json, "json", false, a.text("as JSON", "JSON으로"))
	a.addConnectFlags(fs, &f.run.connect)
	return c
}

func (a *app) preflight(ctx context.Context, f *preflightFlags, paths []string) error {
	p, books, err := a.openBooks(ctx, &f.run, paths)
	if err != nil {
		return err
	}
	o, err := p.runOptions(&f.run, paths)
	if err != nil {
		return err
	}
	o.Sink = event.Tee()
	f.options.MinFree = f.minFree / 100
	found, err := runner.New(o).Preflight(ctx, books, f.options)
	if err != nil {
		return err
	}
	if f.json {
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		err = enc.Encode(found)
	} else {
		a.writePreflight(a.out, found)
	}
	if err != nil {
		return err
	}
	if code := preflightCode(found); code != exitOK {
		return exitWith(code)
	}
	return nil
}

// preflightCode is 4 when a host cannot be entered, 2 when a step will fail.
func preflightCode(found *runner.Preflight) int {
	code := exitOK
	for _, o := range found.Obstacles {
		switch {
		case o.Kind == runner.NotReached, o.Kind == runner.HostKey, o.Kind == runner.LoginRefused, o.Kind == runner.NoShell:
			return runner.CodeUnreachable
		case !o.Maybe:
			code = runner.CodeFailed
		}
	}
	return code
}

// maxNamed is how many hosts of one cause are named on the terminal; --json has
// them all.
const maxNamed = 12

func (a *app) writePreflight(w io.Writer, found *runner.Preflight) {
	for _, o := range found.Obstacles {
		mark := "✗"
		if o.Maybe {
			mark = "!"
		}
		names := strings.Join(o.Hosts[:min(len(o.Hosts), maxNamed)], ", ")
		if more := len(o.Hosts) - maxNamed; more > 0 {
			names += say.T(" and %d more", " 외 %d대", more).In(a.lang)
		}
		fmt.Fprintf(w, "%s %s (%d): %s\n", mark, o.What.In(a.lang), len(o.Hosts), names)
		if o.Detail != "" {
			fmt.Fprintf(w, "    %s\n", o.Detail)
		}
		fmt.Fprintf(w, "    %s: %s\n", a.text("plays", "플레이"), strings.Join(o.Plays, ", "))
		fmt.Fprintf(w, "  → %s\n", o.Fix.In(a.lang))
	}
	took := reports.Stopwatch(found.Took.Round(time.Second))
	if len(found.Obstacles) == 0 {
		a.tell(w, say.T("✓ nothing stands in the way: %d hosts looked at in %s", "✓ 걸림돌이 없습니다: 호스트 %d대 확인, %s", found.Hosts, took))
		return
	}
	a.tell(w, say.T("%d of %d hosts are ready; looked at in %s", "호스트 %[2]d대 중 %[1]d대 준비됨, 확인에 %[3]s", found.Good, found.Hosts, took))
}
