package modules

import (
	"sunup/internal/say"
	"sunup/internal/value"
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

	// Refuse says what the module says itself of its arguments, before they are
	// held against the declaration; "" when nothing. nil for most modules.
	Refuse func(given *value.Dict) string
	// Quiet are names of arguments that are taken without a word and do nothing
	// here: Ansible's own parts pass them to each other.
	Quiet []string
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
	// ApplyDefaults fills the defaults of Options also when the argument itself
	// was not given.
	ApplyDefaults bool
	// DeprecatedAliases are those Aliases whose use is warned about.
	DeprecatedAliases []string
	// NoEffect is true for an argument that is accepted because Ansible has it,
	// and does nothing here: whoever gives it another value than the default is
	// told so.
	NoEffect bool
	Doc      say.Text
}

var freeFormDoc = say.T("The text after the module's name.", "모듈 이름 뒤에 오는 글.")

// fileParams are the arguments of every module that sets attributes of files.
var fileParams = []Param{
	{Name: "mode", Type: Raw, Doc: say.T("Permissions: octal in quotes (\"0644\") or symbolic (u=rw,g=r,o=r).", "권한: 따옴표로 묶은 8진수(\"0644\") 또는 기호(u=rw,g=r,o=r).")},
	{Name: "owner", Doc: say.T("User that should own the file.", "파일의 소유자.")},
	{Name: "group", Doc: say.T("Group that should own the file.", "파일의 소유 그룹.")},
	{Name: "seuser", Doc: say.T("User part of the SELinux context; _default takes the policy's.", "SELinux 문맥의 user 부분. _default는 정책의 값.")},
	{Name: "serole", Doc: say.T("Role part of the SELinux context.", "SELinux 문맥의 role 부분.")},
	{Name: "selevel", Doc: say.T("Level part of the SELinux context.", "SELinux 문맥의 level 부분.")},
	{Name: "setype", Doc: say.T("Type part of the SELinux context.", "SELinux 문맥의 type 부분.")},
	{Name: "attributes", Aliases: []string{"attr"}, Doc: say.T("Flags as lsattr prints them; +, - or = in front adds, removes or sets.", "lsattr 형식의 속성. 앞의 +, -, =는 더하기, 빼기, 정하기.")},
	{Name: "unsafe_writes", Type: Bool, Default: false, Doc: say.T("Write into the file itself where it cannot be replaced (bind mounts).", "바꿔 넣을 수 없는 파일(바인드 마운트)은 그 자리에 직접 쓴다.")},
}

// ParamNames are the names that arguments may have, aliases too; nil when any
// name may be given.
func (s Spec) ParamNames() []string {
	if s.Open {
		return nil
	}
	var out []string
	for _, p := range s.All() {
		out = append(append(out, p.Name), p.Aliases...)
	}
	return out
}
