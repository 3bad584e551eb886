package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"
)

func main() {
	if name := shimFor(os.Args[0]); name != "" {
		os.Exit(runShim(name, os.Args[1:]))
	}
	if len(os.Args) == 5 && os.Args[1] == inside {
		code, err := enterSandbox(os.Args[2], os.Args[3], os.Args[4] == withWeb)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 125
		}
		os.Exit(code)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// options of one measurement.
type options struct {
	src, binary, out string
	real             bool
	jobs             int
	limit            time.Duration
	// packages is a directory of Debian packages that targets install; "" for none.
	packages string
	// expected is the file of what Ansible did; record says to write it.
	expected string
	record   bool
	wanted   map[string][]invocation
}

func run() error {
	var o options
	flag.StringVar(&o.src, "src", "", "checkout of ansible/ansible")
	flag.StringVar(&o.binary, "bin", "bin/sunup", "the sunup binary")
	flag.BoolVar(&o.real, "real", false, "run the Ansible that is installed, for comparison")
	flag.StringVar(&o.out, "out", "conformance", "directory for results.json and a log per target")
	flag.IntVar(&o.jobs, "jobs", 2, "targets that run at once")
	flag.DurationVar(&o.limit, "limit", 3*time.Minute, "time that a target may take")
	flag.StringVar(&o.packages, "packages", "", "directory of Debian packages that targets may install")
	flag.StringVar(&o.expected, "expected", "lab/conformance/expected.json", "what Ansible's own commands did in each target")
	flag.BoolVar(&o.record, "record", false, "with -real: write the file of -expected")
	flag.Parse()
	if err := o.check(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	results := runAll(ctx, o, chosen(o.src, flag.Args()))
	printSummary(os.Stdout, results)
	if o.record {
		if err := record(o.expected, results); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.out, "results.json"), append(text, '\n'), 0o644)
}

func (o *options) check() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("the sandbox needs root: namespaces and an overlay over /")
	}
	for _, p := range []*string{&o.src, &o.out, &o.binary} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	if _, err := os.Stat(filepath.Join(o.src, "test/integration/targets")); err != nil {
		return fmt.Errorf("give a checkout of ansible/ansible with -src: %w", err)
	}
	if o.real {
		o.binary = ""
	}
	if o.record && !o.real {
		return fmt.Errorf("-record writes down what the installed Ansible does: give -real with it")
	}
	if o.packages != "" {
		abs, err := filepath.Abs(o.packages)
		if err != nil {
			return err
		}
		o.packages = abs
	}
	if !o.record {
		var err error
		if o.wanted, err = readExpected(o.expected); err != nil {
			return fmt.Errorf("read what to compare with: %w", err)
		}
	}
	return os.MkdirAll(o.out, 0o755)
}

// runAll runs the targets, some at once, and returns their results in order.
func runAll(ctx context.Context, o options, targets []target) []result {
	results := make([]result, len(targets))
	work := make(chan int)
	var wg sync.WaitGroup
	for range max(o.jobs, 1) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range work {
				results[i] = runTarget(ctx, o, targets[i])
				results[i].print(os.Stdout)
			}
		}()
	}
	for i := range targets {
		if ctx.Err() != nil {
			break
		}
		work <- i
	}
	close(work)
	wg.Wait()
	return results
}
