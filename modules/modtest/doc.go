// Package modtest runs modules in tests, from cases that are files.
//
// A case is testdata/<module>/<case>.txtar. What stands before the first file
// says what is shown. The files:
//
//	case.yml       arguments and what is expected, see Case
//	before/PATH    a file under {{tmp}} before the module runs
//	after/PATH     what that file must hold afterwards
//	tree           all of {{tmp}} afterwards, one "MODE KIND PATH" a line
//	bin/NAME       a pretended program of the host, first in its PATH
//	files/NAME, templates/NAME, vars/NAME   files of the controller
//	host.yml       a pretended host instead of a real shell: see Exchange
//
// Without host.yml the scripts of the module run on this machine, in each shell
// that a host may have and over the local connection, in a directory that is
// thrown away and stands for {{tmp}}. The module is run three times there: in check mode, when nothing may change and
// the same must be reported; for real; and again, when nothing may be left to
// do.
//
//	go test ./modules -run 'TestCases/copy'
package modtest
