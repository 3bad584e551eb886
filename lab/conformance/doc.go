// Command conformance runs ansible-core's own integration targets with sunup in
// place of Ansible's commands, and says which pass.
//
// # Words
//
//   - Target: a directory of test/integration/targets in a checkout of
//     ansible-core: a runme.sh, or a role that a generated playbook runs on the
//     host testhost.
//   - Sandbox: a throw-away root for one target: an overlay over the machine's
//     own root, in namespaces of its own. What a target adds (users, packages,
//     cron entries) and what it leaves running ends with it.
//
// Nothing of ansible-core is kept here: the checkout is given by its path.
package main
