// Package event is what a run says of itself. Everything that happens is said
// once, as one typed event; reports, store, console and notices are made from
// events and from nothing else.
//
// # Words
//
//   - Event: one thing that happened, with its time.
//   - Stream: the events of one run in order, written as JSON lines.
//   - Sink: somebody who receives the stream.
//   - Writer and Reader: a Sink that writes a stream, and what reads it back.
//   - Tee and Queue: Sinks in front of others: one for several, one for slow.
//   - Recorder: a Sink that keeps everything, for tests.
//   - Outcome: how a task ended on a host.
package event
