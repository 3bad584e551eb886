package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/store"
	"sunup/playbooks"
)

// lockPoll is how often locks that others hold are tried again.
const lockPoll = time.Second

func (a *app) addWaitLock(fs *pflag.FlagSet, d *time.Duration) {
	fs.DurationVar(d, "wait-lock", 0, a.text("how long to wait for hosts that another run works on, such as 5m", "다른 실행이 작업 중인 호스트를 기다릴 시간. 예: 5m"))
}

// lockedHosts are the hosts that a run will work on: those of its plays. Where
// a play's hosts are only known later, all hosts are meant. The controller
// itself is shared.
func (p *project) lockedHosts(books []*playbooks.Playbook, limit string) []string {
	var out []string
	for _, b := range books {
		for _, play := range b.Plays {
			patterns := play.Hosts
			if slices.ContainsFunc(patterns, jinja.HasTemplate) {
				patterns = []string{"all"}
			}
			hosts, _ := p.inventory.SelectList(patterns, limit)
			for _, h := range hosts {
				if !isController(h.Name) {
					out = append(out, h.Name)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func isController(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// lockHosts takes the locks of a run, waiting for others as long as is allowed.
func (a *app) lockHosts(ctx context.Context, s *store.Store, runID string, hosts []string, wait time.Duration) error {
	holder := currentUser()
	for began, told := time.Now(), false; ; {
		taken, stale, err := s.LockHosts(ctx, runID, holder, hosts)
		if err != nil {
			return err
		}
		if len(taken) == 0 {
			a.tellStale(stale)
			return nil
		}
		if time.Since(began) >= wait {
			return locked(taken)
		}
		if !told {
			told = true
			a.tell(a.err, say.T("waiting up to %s for hosts that another run works on: %s", "다른 실행이 작업 중인 호스트를 최대 %s 기다립니다: %s", wait.String(), heldText(taken).In(a.lang)))
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// locked is the refusal to work on hosts that another run works on.
func locked(taken []store.Held) error {
	return say.Fail(nil, say.T("another run works on these hosts: %s\n→ wait for it with --wait-lock 5m, or see 'sunup ctl %s status'",
		"다른 실행이 이 호스트들에서 작업 중입니다: %s\n→ --wait-lock 5m 으로 기다리거나 'sunup ctl %s status'로 확인하십시오", heldText(taken), taken[0].Run))
}

// heldText names hosts with who holds them and for how long, run by run.
func heldText(taken []store.Held) say.Text {
	hosts := map[string][]string{}
	var order []store.Held
	for _, h := range taken {
		if hosts[h.Run] == nil {
			order = append(order, h)
		}
		hosts[h.Run] = append(hosts[h.Run], h.Host)
	}
	var out say.Text
	for i, h := range order {
		one := say.T("%s (run %s by %s for %s)", "%s (%[3]s의 실행 %[2]s, %[4]s째)",
			shortList(hosts[h.Run]), h.Run, h.Holder, time.Since(h.Since).Round(time.Second).String())
		if i == 0 {
			out = one
			continue
		}
		out = say.T("%s; %s", "%s; %s", out, one)
	}
	return out
}

// shortList names the first few.
func shortList(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, +%d", strings.Join(names[:shown], ", "), len(names)-shown)
}

// tellStale says whose locks were taken over.
func (a *app) tellStale(stale []store.Held) {
	if len(stale) > 0 {
		a.tell(a.err, say.T("locks of a run that does not live any more were taken over: %s", "더는 살아 있지 않은 실행의 잠금을 넘겨받았습니다: %s", heldText(stale).In(a.lang)))
	}
}
