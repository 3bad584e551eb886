// Package forecast says when a run should be over: before it starts, from what
// its plays should take, and while it goes on, from what has happened so far.
// It is pure: it knows the plan and the events, and has no clock of its own.
//
// # Words
//
//   - Plan: the plays as event.Planned tells them: lanes of hosts, what each
//     waits for, how long each should take.
//   - Leg: one play of the critical path, the chain that sets the run's length.
//   - Tracker: a plan and what became of it by now.
//   - Pace: how the time that lanes took compares with what was expected.
package forecast
