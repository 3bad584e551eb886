// Package value holds the data that playbooks compute with, as Python would see it.
//
// A value is one of these Go types and nothing else:
//
//	nil        None
//	bool       bool
//	int        int that fits a machine word
//	*big.Int   int that does not
//	float64    float
//	string     str
//	Tuple      tuple: a fixed sequence
//	*List      list: a sequence shared by reference
//	*Dict      dict: insertion-ordered, keys of any hashable value, shared by reference
//	Unsafe     str that must never be templated (YAML !unsafe); only in data that was
//	           read, never inside an expression
//	Vaulted    str encrypted with Ansible Vault; only in data that was read
//
// Packages above add their own (an undefined, a macro, a lazy mapping); they
// implement the small interfaces in this package so that truth, printing and
// iteration work on them too.
//
// Data that was read from a file is shared and must not be changed: Clone it
// first.
package value
