// Package jinja is a Jinja2 engine with the meaning that Ansible gives to it.
//
// Vocabulary:
//
//	Env        the filters, tests, globals and delimiters templates are
//	           compiled with; immutable once used
//	Template   compiled text with {{ }}, {% %} and {# #}
//	Expr       a bare expression, as in when:
//	Scope      where names get their values during one evaluation
//	Render     make text, as for a template file
//	Eval       make a value, as for a string in a playbook: text that looks
//	           like a list, a dict or a bool becomes one
//	Undefined  the value of a name that has none: an error as soon as it is
//	           used, except by "default" and "is defined"
//	Omit       the value that says "as if this argument were not there"
//	unsafe     text from outside (a host, a lookup) that must not be templated
//	           again; an evaluation reports whether it touched any
//
// A template is compiled once, into a tree of closures, and may be rendered by
// any number of goroutines at the same time. Every evaluation is bounded in
// steps, in memory and in depth (Limits) and ends when its context does.
//
// Values are those of package value. Text is UTF-8; positions and lengths that
// templates see count characters, as in Python.
package jinja
