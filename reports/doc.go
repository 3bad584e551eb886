// Package reports turns the events of a run into what people read.
//
// # Words
//
//   - Report: everything worth knowing about one run, folded from its events.
//   - Builder: the sink that folds them, while the run goes on.
//   - Cell: how one task ended on one host, and how long it took.
//   - Ansible: a writer that prints events as ansible-playbook prints them.
//   - Live: a writer that shows a running run on a terminal, with a plain
//     fallback.
//   - Summary: the last words of a run on a terminal.
//
// Nothing here is asked of the engine: a report made from a stored stream is
// the same as one made while it ran.
package reports
