package modules

import (
	"sunup/internal/say"
)

// Type is the type of an argument, in Ansible's words.
type Type string

// The types of arguments.
const (
	Str   Type = "str"
	Bool  Type = "bool"
	Int   Type = "int"
	Float Type = "float"
	List  Type = "list"
	Dict  Type = "dict"
	Path  Type = "path"
	Raw   Type = "raw"
	Bytes Type = "bytes"
	Bits  Type = "bits"
	JSON  Type = "json"
)

// Spec declares the arguments of a module: validation, documentation and
// completion come from it.
type Spec struct {
	Params []Param
	// FreeForm names the text that is given without a name: command: ls. It is
	// under "_raw_params" in the arguments.
	FreeForm bool
	// Open accepts any further argument (set_fact, add_host).
	Open bool
	// File adds the common file arguments: owner, group, mode, attributes,
	// se*, unsafe_writes.
	File bool

	MutuallyExclusive [][]string
	RequiredTogether  [][]string
	RequiredOneOf     [][]string
	RequiredIf        []RequiredIf
	RequiredBy        map[string][]string
}

// RequiredIf says that when Param is Value, all (or any) of Needs are required.
type RequiredIf struct {
	Param string
	Value any
	Needs []string
	Any   bool
}

// Param declares one argument.
type Param struct {
	Name     string
	Aliases  []string
	Type     Type // empty means Str
	Elements Type // of a List; empty means anything
	Required bool
	Default  any // in value types; nil means none
	Choices  []any
	// Secret hides the value everywhere.
	Secret  bool
	Options []Param // of a Dict, or of the elements of a List of Dict
	Doc     say.Text
}
