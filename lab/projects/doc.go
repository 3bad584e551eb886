// Command projects loads the playbooks of public projects with sunup and with
// the Ansible that is installed, and tells where the two do not agree.
//
// # Words
//
//   - Project: a directory below the one that is given, with the files of one
//     project. Nothing of any project is kept here.
//   - Playbook: a YAML file whose top is a list with a play or an
//     import_playbook in it.
//   - Record: what Ansible said of every playbook, in a file: it takes a second
//     or more for each, and its answer does not change.
//
// Both tools only read: --list-tasks, and --syntax-check where that fails.
package main
