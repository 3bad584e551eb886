// Command bench measures sunup: a morning of 14 tasks on real sshd beside a
// bare SSH client that runs as many commands, and a large embedded fleet.
// Figures are printed; nothing is judged. After each measured run the results
// on the hosts are looked at, so that a fast run that did nothing is not
// counted.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
)

func main() {
	binary := flag.String("sunup", "bin/sunup", "the command to measure")
	hosts := flag.Int("hosts", 40, "real sshd servers")
	fleet := flag.Int("fleet", 1000, "hosts of the embedded fleet")
	runs := flag.Int("runs", 5, "measured runs of each")
	ansible := flag.Int("ansible", 0, "rounds of ansible-playbook beside sunup on the same hosts (minutes each)")
	flag.Parse()
	b := bench{binary: *binary, runs: *runs, ansible: *ansible, ctx: context.Background()}
	if err := b.all(*hosts, *fleet); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) all(hosts, fleet int) error {
	if err := b.realHosts(hosts); err != nil {
		return fmt.Errorf("real sshd: %w", err)
	}
	if err := b.fleet(fleet); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	return nil
}
