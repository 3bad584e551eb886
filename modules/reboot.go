package modules

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

var rebootModule = Module{
	Name:    "ansible.builtin.reboot",
	Summary: say.T("Restarts a host and waits until it is back.", "호스트를 다시 시작하고 돌아올 때까지 기다린다."),
	Spec: Spec{Params: []Param{
		{Name: "pre_reboot_delay", Aliases: []string{"pre_reboot_delay_sec"}, Type: Int, Default: 0, Doc: say.T("Seconds to wait before.", "다시 시작하기 전에 기다릴 초.")},
		{Name: "post_reboot_delay", Aliases: []string{"post_reboot_delay_sec"}, Type: Int, Default: 0, Doc: say.T("Seconds to wait when it is back.", "돌아온 뒤에 기다릴 초.")},
		{Name: "reboot_timeout", Aliases: []string{"reboot_timeout_sec"}, Type: Int, Default: 600, Doc: say.T("Seconds until it must be back.", "돌아와야 하는 초.")},
		{Name: "connect_timeout", Aliases: []string{"connect_timeout_sec"}, Type: Int, Doc: say.T("Seconds for one try to connect.", "접속 한 번에 쓸 초.")},
		{Name: "test_command", Doc: say.T("Command that must succeed when it is back; whoami unless given.", "돌아왔을 때 성공해야 하는 명령. 기본은 whoami.")},
		{Name: "msg", Default: "Reboot initiated by Ansible", Doc: say.T("Message to users of the host.", "호스트 사용자에게 보일 글.")},
		{Name: "search_paths", Type: List, Elements: Str, Default: value.NewList("/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"), Doc: say.T("Where to look for shutdown.", "shutdown을 찾을 곳.")},
		{Name: "boot_time_command", Default: "cat /proc/sys/kernel/random/boot_id", Doc: say.T("Command whose output changes with each boot.", "부팅할 때마다 출력이 바뀌는 명령.")},
		{Name: "reboot_command", Doc: say.T("Command to restart with.", "다시 시작하는 명령.")},
	}},
	Returns: []Return{
		{"rebooted", "bool", "always", say.T("Whether it restarted.", "다시 시작했는지.")},
		{"elapsed", "int", "always", say.T("Seconds it took.", "걸린 초.")},
	},
	Run: runReboot,
}

func runReboot(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	if c.Check {
		return ChangedIf(true).Set("elapsed", 0).Set("rebooted", true), nil
	}
	boot, fail, err := c.bootID(ctx, 0)
	if fail != nil || err != nil {
		return fail, err
	}
	if fail, err := c.shutdown(ctx); fail != nil || err != nil {
		return fail, err
	}
	start := time.Now()
	end := start.Add(time.Duration(a.Int("reboot_timeout")) * time.Second)
	if rebooted, err := c.untilRebooted(ctx, boot, end); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r := Fail("Timed out waiting for last boot time check (timeout=%d): %s", a.Int("reboot_timeout"), err)
		if rebooted {
			r = Fail("Timed out waiting for reboot test command check (timeout=%d): %s", a.Int("reboot_timeout"), err)
		}
		return r.Set("rebooted", rebooted).Set("elapsed", int(time.Since(start)/time.Second)), nil
	}
	if err := sleep(ctx, time.Duration(max(a.Int("post_reboot_delay"), 0))*time.Second); err != nil {
		return nil, err
	}
	return ChangedIf(true).Set("rebooted", true).Set("elapsed", int(time.Since(start)/time.Second)), nil
}

// bootID is what tells one boot from the next.
func (c *Call) bootID(ctx context.Context, limit time.Duration) (string, *Result, error) {
	out, err := c.exec(ctx, connection.Command{Script: c.Args.Str("boot_time_command"), Timeout: limit})
	if err != nil {
		return "", nil, err
	}
	if out.Code != 0 {
		return "", Fail("reboot: failed to get host boot time info, rc: %d, stdout: %s, stderr: %s", out.Code, excerpt(out.Stdout, nil), excerpt(nil, out.Stderr)), nil
	}
	return strings.TrimSpace(string(out.Stdout)), nil, nil
}

// shutdown asks for the restart. The host may be gone before it answers: that
// is no failure.
func (c *Call) shutdown(ctx context.Context) (*Result, error) {
	a := c.Args
	command := a.Str("reboot_command")
	delay := max(a.Int("pre_reboot_delay"), 0)
	if command == "" {
		// shutdown counts in minutes.
		command = "shutdown -r " + strconv.Itoa(delay/60) + " " + quoteText(a.Str("msg"))
	}
	if delay > 0 && (a.Given("reboot_command") || delay < 60) {
		if err := sleep(ctx, time.Duration(delay)*time.Second); err != nil {
			return nil, err
		}
	}
	script := "PATH=$PATH:" + strings.Join(a.Strings("search_paths"), ":") + "\nexport PATH\n" + command
	out, err := c.exec(ctx, connection.Command{Script: script})
	if connection.IsUnreachable(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if out.Code != 0 {
		return Fail("Reboot command failed. Error was: '%s, %s'", excerpt(out.Stdout, nil), excerpt(nil, out.Stderr)).Set("rebooted", false), nil
	}
	return nil, nil
}

// untilRebooted waits until the host has another boot ID and the test command
// succeeds. The wait between two tries doubles up to twelve seconds. Whether the
// host restarted is true only when another boot ID was seen, also where the test
// command failed afterwards: ansible-core says true without having seen it.
func (c *Call) untilRebooted(ctx context.Context, boot string, end time.Time) (rebooted bool, last error) {
	limit := 10 * time.Second
	if n := c.Args.Int("connect_timeout"); n > 0 {
		limit = time.Duration(n) * time.Second
	}
	test := c.Args.Str("test_command")
	if test == "" {
		test = "whoami"
	}
	last = fmt.Errorf("there was no time to try")
	for pause := time.Second; time.Now().Before(end); pause = min(2*pause, 12*time.Second) {
		if err := sleep(ctx, pause); err != nil {
			return rebooted, err
		}
		var seen bool
		seen, last = c.backAgain(ctx, boot, test, limit)
		rebooted = rebooted || seen
		if last == nil {
			return true, nil
		}
	}
	return rebooted, last
}

// backAgain tells whether the host has another boot ID, and what is missing yet.
func (c *Call) backAgain(ctx context.Context, boot, test string, limit time.Duration) (rebooted bool, err error) {
	c.reset()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	now, fail, err := c.bootID(ctx, limit)
	switch {
	case err != nil:
		return false, err
	case fail != nil:
		return false, fmt.Errorf("%s", fail.Msg)
	case now == boot:
		return false, fmt.Errorf("boot time has not changed")
	}
	out, err := c.exec(ctx, connection.Command{Script: test, Timeout: limit})
	if err != nil {
		return true, err
	}
	if out.Code != 0 {
		return true, fmt.Errorf("test command failed: %s", excerpt(out.Stdout, out.Stderr))
	}
	return true, nil
}
