// Package health asks hosts whether what runs on them works, and waits until it
// does.
//
//   - Probe: one question that is asked again and again: does port 5432 answer,
//     is the certificate good for two more weeks, can a ticket be bought?
//   - Kind: what a probe asks: tcp, http, command, service, ...
//   - Plan: the probes of a play or a task, as data. It is read once, knows
//     nothing of hosts, and is never changed.
//   - Group: probes of which some number must pass (k_of, any, all).
//   - Target: one host, as far as probes need it: its connection and its address.
//   - Answer: what came back once: good or bad, and why.
//   - Gate: the probes of one host while they are waited for. It opens when all
//     pass at the same time, and stays shut when their time is up.
//
// A probe passes when so many answers in a row were good (successes) and the
// first of them is old enough (stable). One bad answer begins the count anew, so
// that a service that goes up and down never passes stable. A probe that has
// passed is asked on, more slowly, till the gate opens: what died while others
// were waited for does not count as up.
package health
