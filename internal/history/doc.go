// Package history compares runs: what a run took against what such runs usually
// take, what failed before in the same way, what a month was like.
//
// # Words
//
//   - Digest: the times and ends of one run, derived from its events and kept in
//     the store, so that many runs are compared without folding all events.
//   - Past: the digests of earlier runs of the same playbooks.
//   - Step: a task of a play; it is the same step in another run when play, name
//     and the how-manieth of that name are the same.
//   - Usual: the median of the past. Spread: the median distance from it (MAD).
//   - Fingerprint: what failures with the same cause have in common: module,
//     message without what differs between hosts, task, and the role of the host.
//   - Anomaly: a step on a host that took so long, or so short, as it never
//     should by its own past.
//   - Period: a day, a week or a month of runs.
package history
