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
//
// What is static (import_*, roles, blocks) is resolved here; what is dynamic
// (include_*) stays a Task and is loaded by the runner through Loader.
package playbooks
