package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// invocation is one call of a command by a target: how it ended, and the
// results of tasks that it printed, by their word.
type invocation struct {
	Command string         `json:"command"`
	Code    int            `json:"code"`
	Results map[string]int `json:"results,omitempty"`
}

// Places of the sandbox that the shim reads and writes.
const (
	binaryFile      = "/sandbox/binary"
	invocationsFile = "/sandbox/invocations"
)

// shimFor is the name of the command that this program stands in for, or "".
func shimFor(argv0 string) string {
	if name := filepath.Base(argv0); slices.Contains(commands, name) {
		return name
	}
	return ""
}

// runShim runs the command itself, and writes down how it ended. What it prints
// goes where it would have gone.
func runShim(name string, args []string) int {
	path, err := commandPath(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 125
	}
	count := &counter{results: map[string]int{}}
	cmd := &exec.Cmd{Path: path, Args: append([]string{name}, args...), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	// A terminal stays a terminal; then results are not counted.
	if !term.IsTerminal(int(os.Stdout.Fd())) {
		out := io.MultiWriter(os.Stdout, count)
		if cmd.Stdout = out; sameFile(os.Stdout, os.Stderr) {
			cmd.Stderr = out // one pipe: the order of lines stays
		}
	}
	code := ended(cmd)
	text, _ := json.Marshal(invocation{name, code, count.results})
	if f, err := os.OpenFile(invocationsFile, os.O_APPEND|os.O_WRONLY, 0); err == nil {
		f.Write(append(text, '\n')) //nolint:errcheck
		f.Close()
	}
	return code
}

// commandPath is the program behind a name: sunup, or what is installed.
func commandPath(name string) (string, error) {
	text, err := os.ReadFile(binaryFile)
	if err != nil {
		return "", err
	}
	if len(text) > 0 {
		return string(text), nil
	}
	return "/usr/bin/" + name, nil
}

func sameFile(a, b *os.File) bool {
	x, errX := a.Stat()
	y, errY := b.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// ended runs a command, passes on what signals come, and returns its code.
func ended(cmd *exec.Cmd) int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 126
	}
	go func() {
		for s := range signals {
			cmd.Process.Signal(s) //nolint:errcheck // it may be over
		}
	}()
	cmd.Wait() //nolint:errcheck // the state says it
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return cmd.ProcessState.ExitCode()
}

var taskResult = regexp.MustCompile(`^(ok|changed|skipping|fatal|failed|included|ASYNC (?:OK|FAILED) on|\.\.\.ignoring)\b`)

// counter counts the results of tasks in what the default callback prints.
type counter struct {
	mu      sync.Mutex
	results map[string]int
	rest    []byte
}

func (c *counter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest = append(c.rest, p...)
	for {
		line, rest, ok := bytes.Cut(c.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		if m := taskResult.FindSubmatch(line); m != nil {
			c.results[string(m[1])]++
		}
		c.rest = rest
	}
}

// readInvocations reads what the shims of a target wrote.
func readInvocations(path string) []invocation {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var out []invocation
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var i invocation
		if json.Unmarshal(lines.Bytes(), &i) == nil {
			out = append(out, i)
		}
	}
	return out
}

// share is how much of what should be there is there.
type share struct {
	Same int `json:"same"`
	Of   int `json:"of"`
}

func (s share) plus(o share) share { return share{s.Same + o.Same, s.Of + o.Of} }

func (s share) String() string { return fmt.Sprintf("%d/%d", s.Same, s.Of) }

// compare holds the invocations of a target against those that Ansible made, in
// order: one is the same when the command and its code are; of its results those
// that both have, by word.
func compare(have, want []invocation) (invocations, results share) {
	invocations.Of = len(want)
	for i, w := range want {
		var h invocation
		if i < len(have) {
			h = have[i]
		}
		if i < len(have) && h.Command == w.Command && h.Code == w.Code {
			invocations.Same++
		}
		for word, n := range w.Results {
			results.Of += n
			results.Same += min(n, h.Results[word])
		}
	}
	return invocations, results
}

// readExpected reads what -record wrote.
func readExpected(path string) (map[string][]invocation, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string][]invocation{}
	return out, json.Unmarshal(text, &out)
}

// record keeps the invocations of targets that passed, beside those that the
// file has of others.
func record(path string, results []result) error {
	all, err := readExpected(path)
	if err != nil {
		all = map[string][]invocation{}
	}
	for _, r := range results {
		if r.State == "pass" {
			all[r.Target] = r.made
		}
	}
	var b strings.Builder
	b.WriteString("{\n")
	for i, name := range slices.Sorted(maps.Keys(all)) {
		text, err := json.Marshal(all[name])
		if err != nil {
			return err
		}
		end := ",\n"
		if i == len(all)-1 {
			end = "\n"
		}
		fmt.Fprintf(&b, "%q: %s%s", name, text, end)
	}
	b.WriteString("}\n")
	return os.WriteFile(path, []byte(b.String()), 0o644)
}
