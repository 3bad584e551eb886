package playbooks

import (
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/yaml"
)

// kindWords name what was found where something else was wanted.
func kindWords(n *yaml.Node) say.Text {
	switch {
	case n.Kind == yaml.Sequence:
		return say.T("a list", "목록")
	case n.Kind == yaml.Mapping:
		return say.T("a mapping", "사전")
	case n.Scalar == nil:
		return say.T("nothing", "빈 값")
	}
	t := n.Text
	if t == "" {
		t = scalarText(n)
	}
	return say.T("'%s'", "'%s'", shorten(t))
}

// shorten keeps a message on one line.
func shorten(s string) string {
	const most = 60
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

var shapeWords = map[shape]say.Text{
	text:       say.T("text", "문자열"),
	boolean:    say.T("yes or no", "yes 또는 no"),
	integer:    say.T("a whole number", "정수"),
	number:     say.T("a number", "숫자"),
	percent:    say.T("a number or a percentage", "숫자 또는 백분율"),
	list:       say.T("a list", "목록"),
	mappings:   say.T("a mapping or a list of mappings", "사전 또는 사전의 목록"),
	conditions: say.T("a condition or a list of conditions", "조건 또는 조건의 목록"),
	tagList:    say.T("text or a list of texts", "문자열 또는 문자열의 목록"),
	names:      say.T("text or a list of texts", "문자열 또는 문자열의 목록"),
	variables:  say.T("a mapping of names to values", "이름과 값의 사전"),
	duration:   say.T("a length of time such as 90s, 30m or 1h30m", "90s, 30m, 1h30m 같은 시간 길이"),
}

func wrongShape(k *keyword, key, v *yaml.Node) diag.Problem {
	at := v
	if v.Kind != yaml.Scalar {
		at = key
	}
	return problem(at, "wrong-type",
		say.T("%s must be %s, not %s", "%s에는 %s{이/가} 와야 하는데 %s{이/가} 있습니다", k.name, shapeWords[k.shape], kindWords(v)),
		say.Text{}, shapeFix(k, v))
}

// entryWords are what one entry of a list must be.
var entryWords = map[shape]say.Text{
	names:      say.T("text", "문자열"),
	conditions: say.T("a condition", "조건"),
	mappings:   say.T("a mapping", "사전"),
}

func wrongEntry(k *keyword, item *yaml.Node) diag.Problem {
	fix := say.Text{}
	if item.Kind == yaml.Mapping {
		fix = say.T("put it in quotes: a ': ' inside makes YAML read a mapping", "따옴표로 감싸세요. 안에 ': '가 있으면 YAML은 사전으로 읽습니다")
	}
	return problem(item, "wrong-type",
		say.T("an entry of %s must be %s, not %s", "%s의 항목에는 %s{이/가} 와야 하는데 %s{이/가} 있습니다", k.name, entryWords[k.shape], kindWords(item)), say.Text{}, fix)
}

func shapeFix(k *keyword, v *yaml.Node) say.Text {
	switch {
	case k.shape == boolean:
		return say.T("write %s: true, %[1]s: false, or a template in quotes", "%s: true나 %[1]s: false, 또는 따옴표로 감싼 템플릿을 쓰세요", k.name)
	case k.shape == text && v.Kind == yaml.Sequence:
		return say.T("write one value without the dash", "줄표 없이 값 하나만 쓰세요")
	case k.shape == text && v.Kind == yaml.Mapping:
		return say.T("put the text in quotes: a ': ' inside makes YAML read a mapping", "문자열을 따옴표로 감싸세요. 안에 ': '가 있으면 YAML은 사전으로 읽습니다")
	case k.shape == conditions && v.Kind == yaml.Mapping:
		return say.T("put the whole condition in quotes: a ': ' inside makes YAML read a mapping", "조건 전체를 따옴표로 감싸세요. 안에 ': '가 있으면 YAML은 사전으로 읽습니다")
	case k.shape == names && v.Kind == yaml.Mapping:
		return say.T("did you forget the dash before each entry?", "항목마다 앞에 줄표를 빠뜨린 것은 아닌가요?")
	}
	return say.Text{}
}

func notAList(at, v *yaml.Node, what say.Text) diag.Problem {
	fix := say.Text{}
	if v.Kind == yaml.Mapping {
		fix = say.T("did you forget the dash? Each entry starts with '- '", "줄표를 빠뜨린 것은 아닌가요? 각 항목은 '- '로 시작합니다")
	}
	return problem(at, "not-a-list", say.T("%s must be a list, not %s", "%s에는 목록이 와야 하는데 %s{이/가} 있습니다", what, kindWords(v)), say.Text{}, fix)
}

func notAMapping(v *yaml.Node, what say.Text) diag.Problem {
	return problem(v, "not-a-mapping", say.T("%s must be a mapping, not %s", "%s에는 사전이 와야 하는데 %s{이/가} 있습니다", what, kindWords(v)), say.Text{},
		say.T("write it as 'name: value' lines", "'이름: 값' 형식의 줄로 쓰세요"))
}

// removedKeywords are words that Ansible once had, with what took their place.
var removedKeywords = map[string]say.Text{
	"sudo":                 say.T("write become: true", "become: true를 쓰세요"),
	"su":                   say.T("write become: true and become_method: su", "become: true와 become_method: su를 쓰세요"),
	"sudo_user":            say.T("write become_user", "become_user를 쓰세요"),
	"su_user":              say.T("write become_user and become_method: su", "become_user와 become_method: su를 쓰세요"),
	"sudo_pass":            say.T("set the variable ansible_become_password", "변수 ansible_become_password를 쓰세요"),
	"su_pass":              say.T("set the variable ansible_become_password", "변수 ansible_become_password를 쓰세요"),
	"sudo_exe":             say.T("write become_exe", "become_exe를 쓰세요"),
	"su_exe":               say.T("write become_exe", "become_exe를 쓰세요"),
	"sudo_flags":           say.T("write become_flags", "become_flags를 쓰세요"),
	"su_flags":             say.T("write become_flags", "become_flags를 쓰세요"),
	"static":               say.T("use import_tasks for static and include_tasks for dynamic", "정적이면 import_tasks, 동적이면 include_tasks를 쓰세요"),
	"always_run":           say.T("write check_mode: false", "check_mode: false를 쓰세요"),
	"accelerate":           say.T("remove it", "지우세요"),
	"only_if":              say.T("write when", "when을 쓰세요"),
	"when_set":             say.T("write when: name is defined", "when: name is defined를 쓰세요"),
	"first_available_file": say.T("use the lookup first_found", "first_found 룩업을 쓰세요"),
}

// placeWords say in which kind of thing a keyword stands.
var placeWords = map[where]say.Text{
	inPlay:     say.T("a play", "플레이"),
	inBlock:    say.T("a block", "블록"),
	inTask:     say.T("a task", "작업"),
	inHandler:  say.T("a handler", "핸들러"),
	inRole:     say.T("a role", "롤"),
	inMeta:     say.T("a role's meta file", "롤의 meta 파일"),
	inPlaybook: say.T("import_playbook", "import_playbook"),
}

// unknownKeyword is the problem of a key that means nothing in w.
func unknownKeyword(key *yaml.Node, w where) diag.Problem {
	name := scalarText(key)
	if fix, ok := removedKeywords[name]; ok {
		p := problem(key, "removed-keyword", say.T("the keyword %s no longer exists", "%s 키워드는 더 이상 없습니다", name), say.Text{}, fix)
		p.Lacking, p.Subject = "keyword", name
		return p
	}
	what := say.T("unknown keyword '%s' in %s", "%[2]s에 알 수 없는 키워드 '%[1]s'{이/가} 있습니다", name, placeWords[w])
	if k := keywordsByName[name]; k != nil {
		return problem(key, "misplaced-keyword",
			say.T("%s does not belong in %s", "%s{은/는} %s에 쓸 수 없습니다", name, placeWords[w]),
			say.T("it is a keyword of %s", "%s의 키워드입니다", placesOf(k)), say.Text{})
	}
	p := problem(key, "unknown-keyword", what, say.Text{}, nearestOr(name, keywordNames[w], say.T("remove it, or see the list of keywords in docs/language.md", "지우거나 docs/language.md의 키워드 목록을 보세요")))
	p.Lacking, p.Subject = "keyword", name
	return p
}

// placesOf names the places of a keyword.
func placesOf(k *keyword) say.Text {
	var en, ko []string
	for _, w := range []where{inPlay, inBlock, inTask, inHandler, inRole, inMeta} {
		if k.in&w != 0 && !(w == inHandler && k.in&inTask != 0) {
			en = append(en, placeWords[w].In(say.English))
			ko = append(ko, placeWords[w].In(say.Korean))
		}
	}
	return say.T(strings.Join(en, " or "), strings.Join(ko, ", "))
}

func keyNotText(key *yaml.Node) diag.Problem {
	return problem(key, "key-not-text",
		say.T("a key must be text, not %s", "키에는 문자열이 와야 하는데 %s{이/가} 있습니다", kindWords(key)), say.Text{},
		say.T("put it in quotes", "따옴표로 감싸세요"))
}
