package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// result is how one target ended.
type result struct {
	Target  string  `json:"target"`
	Group   string  `json:"group"`
	State   string  `json:"state"` // pass, fail, timeout, error
	Code    int     `json:"code"`
	Seconds float64 `json:"seconds"`
	// Invocations and Results are how many of the calls of Ansible's commands,
	// and of the results of tasks, are as Ansible's.
	Invocations share `json:"invocations"`
	Results     share `json:"results"`
	// Last is where it ended: the last lines that tell of a failure.
	Last []string `json:"last,omitempty"`
	made []invocation
}

// runTarget runs one target in a sandbox; its output is kept in o.out.
func runTarget(ctx context.Context, o options, t target) result {
	r := result{Target: t.name, Group: t.group, State: "error"}
	began := time.Now()
	code, timedOut, log, err := sandboxed(ctx, o, t, &r.made)
	r.Invocations, r.Results = compare(r.made, o.wanted[t.name])
	r.Code, r.Seconds = code, time.Since(began).Round(100*time.Millisecond).Seconds()
	switch {
	case err != nil:
		r.Last = []string{err.Error()}
		return r
	case timedOut:
		r.State = "timeout"
	case code == 0:
		r.State = "pass"
		return r
	default:
		r.State = "fail"
	}
	r.Last = lastFailure(log)
	return r
}

// sandboxed prepares the script and the log and runs the target.
func sandboxed(ctx context.Context, o options, t target, made *[]invocation) (code int, timedOut bool, log string, err error) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return 0, false, "", err
	}
	defer os.RemoveAll(dir)
	text, err := scriptFor(t, o)
	if err != nil {
		return 0, false, "", err
	}
	// The script stands beside the scratch directory, which the sandbox covers.
	script, scratch := filepath.Join(dir, "run.sh"), filepath.Join(dir, "scratch")
	if err := os.WriteFile(filepath.Join(dir, "invocations"), nil, 0o666); err != nil {
		return 0, false, "", err
	}
	// Whoever a target turns into writes there.
	if err := os.Chmod(filepath.Join(dir, "invocations"), 0o666); err != nil {
		return 0, false, "", err
	}
	defer func() { *made = readInvocations(filepath.Join(dir, "invocations")) }()
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		return 0, false, "", err
	}
	if err := os.Mkdir(scratch, 0o755); err != nil {
		return 0, false, "", err
	}
	log = filepath.Join(o.out, t.name+".log")
	out, err := os.Create(log)
	if err != nil {
		return 0, false, "", err
	}
	defer out.Close()
	code, timedOut, err = runInSandbox(ctx, scratch, script, t.web, o.limit, out)
	return code, timedOut, log, err
}

var tellsFailure = regexp.MustCompile(`^(fatal:|failed:|ERROR|error:|오류|.*: error: |.*\[ERROR\]|\++ exit [1-9])`)

// lastFailure picks the last lines of a log that tell of a failure, or its end.
func lastFailure(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return []string{err.Error()}
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	at := -1
	for i, line := range lines {
		if tellsFailure.MatchString(line) && !strings.Contains(line, "...ignoring") {
			at = i
		}
	}
	from := max(0, len(lines)-6)
	if at >= 0 && at < from {
		from = max(0, at-2)
	}
	out := lines[from:min(from+8, len(lines))]
	for i, line := range out {
		if r := []rune(line); len(r) > 400 {
			out[i] = string(r[:400]) + "…"
		}
	}
	return out
}

func (r result) print(w io.Writer) {
	fmt.Fprintf(w, "%-8s %-30s %5.1fs  commands %-8v results %v\n", r.State, r.Target, r.Seconds, r.Invocations, r.Results)
}

// printSummary tells each group's count and the total.
func printSummary(w io.Writer, results []result) {
	passed, all := map[string]int{}, map[string]int{}
	var order []string
	total := 0
	calls, tasks := map[string]share{}, map[string]share{}
	var allCalls, allTasks share
	for _, r := range results {
		if all[r.Group] == 0 {
			order = append(order, r.Group)
		}
		all[r.Group]++
		calls[r.Group], tasks[r.Group] = calls[r.Group].plus(r.Invocations), tasks[r.Group].plus(r.Results)
		allCalls, allTasks = allCalls.plus(r.Invocations), allTasks.plus(r.Results)
		if r.State == "pass" {
			passed[r.Group]++
			total++
		}
	}
	fmt.Fprintln(w)
	for _, g := range order {
		fmt.Fprintf(w, "%-30s %3d of %3d  commands %-9v results %v\n", g, passed[g], all[g], calls[g], tasks[g])
	}
	fmt.Fprintf(w, "%-30s %3d of %3d  commands %-9v results %v\n", "all", total, len(results), allCalls, allTasks)
}
