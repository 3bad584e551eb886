package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "projects:", err)
		os.Exit(1)
	}
}

// options of one comparison.
type options struct {
	dir, binary, record, details string
	jobs                         int
	limit                        time.Duration
	recordOnly, recorded         bool
}

func run() error {
	var o options
	flag.StringVar(&o.dir, "dir", "", "directory with a directory for each project")
	flag.StringVar(&o.binary, "bin", "bin/sunup", "the sunup binary")
	flag.StringVar(&o.record, "record", "projects.json", "file of what Ansible said; what is not in it is asked for")
	flag.StringVar(&o.details, "details", "", "file for every playbook on which the two do not agree")
	flag.IntVar(&o.jobs, "jobs", 2, "playbooks that are read at once")
	flag.DurationVar(&o.limit, "limit", 2*time.Minute, "time that Ansible may take for a playbook")
	flag.BoolVar(&o.recordOnly, "record-only", false, "ask Ansible and stop")
	flag.BoolVar(&o.recorded, "recorded", false, "compare only what is in the record")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, p := range []*string{&o.dir, &o.binary} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	books, err := findPlaybooks(o.dir, flag.Args())
	if err != nil {
		return err
	}
	rec, err := openRecord(o.record)
	if err != nil {
		return err
	}
	if o.recorded {
		books = slices.DeleteFunc(books, func(p playbook) bool { return !rec.has(p) })
	}
	inParallel(ctx, o.jobs, len(books), func(i int) { rec.ask(ctx, o, books[i]) })
	if err := rec.save(); err != nil || o.recordOnly || ctx.Err() != nil {
		return err
	}
	ours, err := newTool(o.binary)
	if err != nil {
		return err
	}
	defer ours.close()
	results := make([]comparison, len(books))
	inParallel(ctx, o.jobs, len(books), func(i int) { results[i] = ours.compare(ctx, o, books[i], rec.of(books[i])) })
	if err := writeDetails(o.details, results); err != nil {
		return err
	}
	printTable(os.Stdout, results)
	return nil
}

// inParallel calls do for 0 to n-1, jobs of them at once, until ctx ends.
func inParallel(ctx context.Context, jobs, n int, do func(int)) {
	work := make(chan int)
	var wg sync.WaitGroup
	for range max(jobs, 1) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range work {
				do(i)
			}
		}()
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		work <- i
	}
	close(work)
	wg.Wait()
}
