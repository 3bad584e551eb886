// Package runner is the engine: it carries out playbooks on hosts and says what
// happens as events. It prints, stores and sends nothing itself.
//
// # The way of a run
//
//	Run.Execute          each playbook, each play
//	  playRun.run        the play's batches of hosts (serial)
//	    strategy         which host does which task next (linear, free)
//	      cursor         where a host stands: a stack of blocks
//	        taskOnHost   when, loop, until, results
//	          attempt    one module call
//	            Conn     the host
//
// # Words
//
//   - Run: one invocation; it owns what all plays share: hosts, connections,
//     the pool of workers and the event stream.
//   - host: one host for the time of the run, with its facts and variables.
//   - playRun: one play while it runs. cursor: where one host stands in it.
//   - step: one task carried out on all hosts that stand at it.
//   - plan of a task: its keywords with everything inherited, found once.
package runner
