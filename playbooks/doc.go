// Package playbooks reads the language: playbooks, roles and task files, as
// ansible-core does, into an immutable tree with the place of every noun.
//
// # Words
//
//   - Playbook: one file given on the command line, its imports resolved.
//   - Play: hosts and what is done on them.
//   - Block: tasks with rescue and always; the tasks of a play, a role or an
//     imported file are blocks too.
//   - Task: one module call, or an include.
//   - Handler: a task that runs when it was notified.
//   - Role: a folder of tasks, handlers, defaults and files.
//   - Keyword: a named setting of one of these; inherited from the outside in.
//   - Loader: reads all of these from files, and goes on after a mistake.
//   - Scope: something that passes its keywords on to what is inside it.
//   - Step: a task or a block.
//   - Call: the module of a task with its arguments, as it was written.
//   - Catalogue: the modules that can be run; the caller brings it.
//
// A problem is an error when the playbook can never work, and a warning when it
// is odd, deprecated, or only fails where the failure is expected.
//
// What is static (import_*, roles, blocks) is resolved here; what is dynamic
// (include_*) stays a Task and is loaded by the runner through Loader.
package playbooks
