// Command bench measures sunup and prints a table: what was measured, the
// figure, the aim, and how far from it. After each measured run the results on
// the hosts are looked at, so that a fast run that did nothing is not counted.
//
//	go run ./lab/bench -sunup bin/sunup             everything
//	go run ./lab/bench -only real,link -runs 9      some sections
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

// section is one part of the table.
type section struct {
	name, doc string
	measure   func(*bench) error
}

// sections is all of them, in the order of the table.
var sections = []section{
	{"real", "the morning of 14 tasks on real sshd, beside a bare SSH client", (*bench).realHosts},
	{"record", "the same with and without a record on disk", (*bench).recorded},
	{"ansible", "the same beside ansible-core and Mitogen, in turn (minutes)", (*bench).besideAnsible},
	{"link", "the same over a link with a delay of 20 ms", (*bench).farHosts},
	{"crowd", "1,000 hosts behind one sshd: who is refused", (*bench).crowd},
	{"fleet", "1,000 and 5,000 simulated hosts x 10 tasks", (*bench).fleets},
	{"store", "events stored per second; 1,000 hosts with and without a record", (*bench).stored},
	{"large", "5,000 hosts x 50 tasks with and without a record (5 minutes a pair; only when named)", (*bench).recordedLarge},
	{"morning", "the morning of a racing authority, by the graph and in Ansible's order", (*bench).authority},
	{"replays", "recorded mornings of the authority, each projected from the others (minutes)", (*bench).replays},
	{"preflight", "a look at 1,000 hosts before the first step", (*bench).preflights},
	{"sick", "what a hung, a slow and a flooding host do to 497 others", (*bench).sickHosts},
	{"steer", "how soon a run of 500 hosts, some sick, does what it is asked", (*bench).orders},
	{"graphs", "makespan and projection, by the property tests", (*bench).graphs},
	{"start", "start-up of the command", (*bench).startUp},
	{"inventory", "an inventory of 26,000 hosts", (*bench).largeInventory},
	{"templates", "rendering beside Python's jinja2", (*bench).templates},
	{"writers", "each report format of 5,000 hosts x 20 tasks", (*bench).writers},
	{"idle", "memory of a connection that does nothing", (*bench).idleHosts},
}

func main() {
	b := bench{ctx: context.Background()}
	flag.StringVar(&b.binary, "sunup", "bin/sunup", "the command to measure")
	flag.IntVar(&b.hosts, "hosts", 40, "real sshd servers")
	flag.IntVar(&b.runs, "runs", 5, "measured runs of each")
	flag.IntVar(&b.rounds, "rounds", 1, "rounds of ansible-playbook and Mitogen beside sunup (minutes each)")
	flag.StringVar(&b.mornings, "mornings", "", "keep the mornings of the section replays in this directory, or take those in it")
	only := flag.String("only", "", "sections to measure, by comma: "+sectionNames())
	flag.Usage = usage
	flag.Parse()
	if err := b.measure(*only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "bench measures sunup and prints a table. Sections:")
	for _, s := range sections {
		fmt.Fprintf(os.Stderr, "  %-10s %s\n", s.name, s.doc)
	}
	flag.PrintDefaults()
}

func sectionNames() string {
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	return strings.Join(names, ",")
}

// measure runs the sections that were asked for; one that fails does not keep
// the others from being measured.
func (b *bench) measure(only string) error {
	wanted := strings.FieldsFunc(only, func(r rune) bool { return r == ',' || r == ' ' })
	for _, w := range wanted {
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == w }) {
			return fmt.Errorf("there is no section %q: use %s", w, sectionNames())
		}
	}
	b.meter = newMeter()
	defer b.meter.close()
	header()
	var errs []error
	for _, s := range sections {
		if named := slices.Contains(wanted, s.name); !named && (len(wanted) > 0 || s.name == "large") {
			continue
		}
		if err := s.measure(b); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}
