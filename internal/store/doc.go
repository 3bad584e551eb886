// Package store keeps what runs said of themselves: every event, on disk before
// anybody is shown it.
//
// # Words
//
//   - Store: the runs of one controller (SQLite in the state directory) or of
//     several (PostgreSQL).
//   - Recording: a run that is being written. It stands between the engine and
//     everybody who looks on.
//   - Commit: the promise that everything emitted so far is on disk. Those who
//     ask at the same time share one write (group commit).
//   - Chain: each event row carries a hash over the one before it and itself,
//     so that a row that was changed, cut, moved or put in is found.
//   - Ledger: the store's own chain: runs begun and ended, prunings, holds,
//     notes. It finds runs that were deleted.
//   - Head: the last hash of a chain. Whoever wrote it down elsewhere can prove
//     later that nothing before it was changed.
//   - State: a run is running only while its executor lives; broken when its
//     record ends without an end.
//   - Hold: a run that must not be pruned, and why.
//   - Digest: something derived from a run's events and kept to save folding
//     them again; it may be deleted at any time.
package store
