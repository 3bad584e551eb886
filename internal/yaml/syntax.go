package yaml

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	yaml3 "gopkg.in/yaml.v3"

	"sunup/internal/diag"
	"sunup/internal/say"
)

func tooLarge(file string, size, limit int) diag.Problem {
	return diag.Problem{Severity: diag.Error, ID: "yaml-too-large", Pos: diag.Pos{File: file},
		What: say.T("the file has %d bytes; at most %d are read", "파일이 %d바이트입니다. 최대 %d바이트까지 읽습니다", size, limit),
		Fix:  say.T("split the file", "파일을 나누세요")}
}

// encodingProblem finds bytes that are no UTF-8 and characters that YAML
// forbids.
func encodingProblem(source *Source, src []byte) (diag.Problem, bool) {
	if bytes.HasPrefix(src, []byte{0xff, 0xfe}) || bytes.HasPrefix(src, []byte{0xfe, 0xff}) {
		p := diag.Problem{Severity: diag.Error, ID: "yaml-encoding", Pos: diag.Pos{File: source.File, Line: 1, Col: 1}}
		p.What = say.T("the file is UTF-16, not UTF-8", "파일이 UTF-8이 아니라 UTF-16입니다")
		p.Why = say.T("Windows editors call this encoding Unicode", "윈도우 편집기에서는 이 인코딩을 '유니코드'라고 부릅니다")
		p.Fix = say.T("save it as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8 %[1]s > %[1]s.utf8", "UTF-8로 저장하거나 변환하세요: iconv -f UTF-16 -t UTF-8 %[1]s > %[1]s.utf8", source.File)
		return p, true
	}
	for i := 0; i < len(src); {
		if src[i] < utf8.RuneSelf {
			if c := src[i]; (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f {
				return controlProblem(source, src, i), true
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && size <= 1 {
			return notUTF8(source, src, i), true
		}
		i += size
	}
	return diag.Problem{}, false
}

// at makes an error at a byte of the file.
func at(source *Source, src []byte, offset int, id string) diag.Problem {
	before := strings.TrimPrefix(string(src[:offset]), "\ufeff")
	line := strings.Count(before, "\n") + 1
	col := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	p := diag.Problem{Severity: diag.Error, ID: id, Pos: diag.Pos{File: source.File, Line: line, Col: col}}
	lines := strings.SplitN(string(src), "\n", line+1)
	p.Source = strings.ToValidUTF8(strings.TrimRight(lines[line-1], "\r"), "\ufffd")
	return p
}

func controlProblem(source *Source, src []byte, offset int) diag.Problem {
	p := at(source, src, offset, "yaml-control-character")
	p.Source = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' || r == 0x7f {
			return '\ufffd'
		}
		return r
	}, p.Source)
	p.What = say.T("the control character 0x%02x cannot stand in YAML", "제어 문자 0x%02x{은/는} YAML에 쓸 수 없습니다", src[offset])
	if src[offset] == 0 {
		p.Why = say.T("the file is probably not text, or was saved as UTF-16", "텍스트 파일이 아니거나 UTF-16으로 저장한 파일인 것 같습니다")
		p.Fix = say.T("save the file as UTF-8", "파일을 UTF-8로 저장하세요")
		return p
	}
	p.Fix = say.T(`remove it, or write it as "\x%02x" in double quotes`, `지우거나 큰따옴표 안에 "\x%02x"로 적으세요`, src[offset])
	return p
}

func notUTF8(source *Source, src []byte, offset int) diag.Problem {
	p := at(source, src, offset, "yaml-encoding")
	p.What = say.T("the file is not UTF-8: byte %d is 0x%02x", "파일이 UTF-8이 아닙니다. %d번째 바이트가 0x%02x입니다", offset+1, src[offset])
	if looksKorean(src[offset:]) {
		p.Why = say.T("it looks like Korean in CP949 (EUC-KR), as older Windows editors save it", "예전 윈도우 편집기가 저장하는 CP949(EUC-KR) 한글로 보입니다")
		p.Fix = say.T("convert it: iconv -f CP949 -t UTF-8 %[1]s > %[1]s.utf8", "변환하세요: iconv -f CP949 -t UTF-8 %[1]s > %[1]s.utf8", source.File)
		return p
	}
	p.Fix = say.T("save the file as UTF-8", "파일을 UTF-8로 저장하세요")
	return p
}

// looksKorean reports whether the bytes begin with a letter of CP949's Hangul.
func looksKorean(b []byte) bool {
	return len(b) >= 2 && b[0] >= 0x81 && b[0] <= 0xfd && (b[1] >= 0xa1 && b[1] < 0xff || b[1] >= 'A' && b[1] <= 'Z' || b[1] >= 'a' && b[1] <= 'z' || b[1] >= 0x81)
}

var parserMessage = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxProblem turns an error of the parser into a problem. The parser gives
// a rough line and no column, so the place is looked for again.
func syntaxProblem(source *Source, src []byte, err error) diag.Problem {
	m := parserMessage.FindStringSubmatch(err.Error())
	message, line := err.Error(), 0
	if m != nil {
		line, _ = strconv.Atoi(m[1])
		message = m[2]
	}
	s := &syntax{lines: source.Lines, src: src, message: message, reported: line}
	found := s.explain()
	n := &Node{Pos: diag.Pos{File: source.File, Line: found.line, Col: found.col}, Source: source}
	p := n.Problem("yaml-syntax")
	if found.id != "" {
		p.ID = found.id
	}
	p.What, p.Why, p.Fix = found.what, found.why, found.fix
	return p
}

// syntax looks for the cause of one error of the parser.
type syntax struct {
	lines    []string
	src      []byte
	message  string
	reported int // 0 when the parser did not say
}

type finding struct {
	id             string
	line, col      int
	what, why, fix say.Text
}

func (s *syntax) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// bisectLimit keeps the search for the line cheap; larger files get the
// parser's own line.
const bisectLimit = 256 << 10

// firstBadLine is the shortest beginning of the file that fails in the same
// way: its last line is where the parser noticed.
func (s *syntax) firstBadLine() int {
	if len(s.src) > bisectLimit {
		return max(s.reported, 1)
	}
	low, high := 1, len(s.lines) // the failure is in (low-1, high]
	for low < high {
		middle := (low + high) / 2
		err := decodeAll([]byte(strings.Join(s.lines[:middle], "\n")+"\n"), func(*yaml3.Node) {})
		if err != nil && strings.HasSuffix(err.Error(), s.message) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

var (
	unquotedTemplateForm = regexp.MustCompile(`^(\s*(?:-\s+)*(?:[^\s:#'"][^:#]*:\s+)?)(\{\{|\{%)`)
	textAfterQuoteForm   = regexp.MustCompile(`^\s*(?:-\s+)*(?:[^\s:#'"][^:]*:\s+)?("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*[^\s#:,\]}]`)
	keyForm              = regexp.MustCompile(`^\s*(?:-\s+)*(?:"[^"]*"|'[^']*'|[^\s#'"\[\]{}][^#]*?)\s*:(?:\s|$)`)
	valueForm            = regexp.MustCompile(`^(\s*(?:-\s+)*(?:[^\s:#'"][^:]*:\s+)?)(\S.*)$`)
	noSpaceForm          = regexp.MustCompile(`^\s*(?:-\s+)*([A-Za-z_][\w.-]*):(\S)`)
)

func (s *syntax) explain() finding {
	switch {
	case strings.HasPrefix(s.message, "unknown anchor"):
		return s.unknownAnchor()
	case strings.Contains(s.message, "end of stream"), strings.Contains(s.message, "unexpected document indicator"):
		return s.openQuote()
	case strings.Contains(s.message, "',' or"):
		return s.openBracket()
	case strings.Contains(s.message, "could not find expected ':'"):
		return s.lostColon()
	case strings.Contains(s.message, "exceeded max depth"):
		return s.tooDeep()
	case strings.Contains(s.message, "node content") && s.endsOpen():
		return s.openBracket()
	}
	at := s.firstBadLine()
	for _, try := range []func(int) (finding, bool){s.tab, s.template, s.textAfterQuote, s.secondColon, s.reserved, s.escape, s.noSpaceAbove, s.deeper, s.noSpace, s.listUnderKey, s.closing, s.blockText, s.dashWithoutSpace, s.dedent} {
		if f, ok := try(at); ok {
			return f
		}
	}
	return s.plain(at)
}

func (s *syntax) tooDeep() finding {
	at := s.firstBadLine()
	return finding{id: "yaml-too-deep", line: at, col: 1,
		what: say.T("lists and mappings lie too deep in each other", "목록과 사전이 너무 깊게 겹쳐 있습니다"),
		fix:  say.T("make the structure flatter", "구조를 더 얕게 만드세요")}
}

// endsOpen reports whether the last line with text leaves a bracket open.
func (s *syntax) endsOpen() bool {
	open, _ := unmatched(s.line(s.before(len(s.lines) + 1)))
	return open >= 0
}

// plain reports the parser's own words where no cause was recognised.
func (s *syntax) plain(line int) finding {
	text := s.line(line)
	return finding{line: line, col: indent(text) + 1,
		what: say.T("this is not valid YAML: %s", "올바른 YAML이 아닙니다: %s", s.message),
		why:  say.T("the parser stopped here; the cause may be in a line above", "여기서 해석이 멈췄습니다. 원인은 위쪽 줄에 있을 수도 있습니다"),
		fix:  say.T("compare the indentation with the lines around, and put text with special characters in quotes", "앞뒤 줄과 들여쓰기를 맞추고, 특수 문자가 든 글은 따옴표로 감싸세요")}
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// column is the column, in characters, of a byte of a line.
func column(line string, offset int) int { return utf8.RuneCountInString(line[:offset]) + 1 }

// before is the nearest line above that has text.
func (s *syntax) before(line int) int {
	for n := line - 1; n >= 1; n-- {
		if t := strings.TrimSpace(s.line(n)); t != "" && !strings.HasPrefix(t, "#") {
			return n
		}
	}
	return 0
}

func (s *syntax) tab(line int) (finding, bool) {
	for _, n := range []int{line, s.before(line), line + 1} {
		text := s.line(n)
		if i := strings.IndexByte(text[:indent(text)], '\t'); i >= 0 {
			return finding{id: "yaml-tab", line: n, col: i + 1,
				what: say.T("a tab is used for indentation", "들여쓰기에 탭을 썼습니다"),
				why:  say.T("YAML allows only spaces before a key or a list item", "YAML에서는 키나 목록 항목 앞에 공백만 쓸 수 있습니다"),
				fix:  say.T("replace the tab by spaces", "탭을 공백으로 바꾸세요")}, true
		}
	}
	return finding{}, false
}

func unquotedTemplate(text string) (what, why, fix say.Text) {
	if strings.HasPrefix(text, "{%") {
		return say.T("a template cannot stand between the lines of YAML", "YAML의 줄 사이에는 템플릿을 둘 수 없습니다"),
			say.T("the file is read as YAML before any template is computed", "템플릿을 계산하기 전에 파일을 YAML로 읽습니다"),
			say.T("use loop: or when: for tasks; put a value with a template in quotes", "작업에는 loop:나 when:을 쓰고, 템플릿이 든 값은 따옴표로 감싸세요")
	}
	key, val, ok := strings.Cut(text, ": ")
	example := `key: "{{ value }}"`
	if ok && strings.HasPrefix(strings.TrimSpace(val), "{") {
		quoted := strings.TrimSpace(val)
		quote := `"`
		if strings.Contains(quoted, `"`) {
			quote = "'"
			quoted = strings.ReplaceAll(quoted, "'", "''")
		}
		example = key + ": " + quote + quoted + quote
	}
	return say.T("a value that starts with a template must be in quotes", "템플릿으로 시작하는 값은 따옴표로 감싸야 합니다"),
		say.T("'{' starts a mapping in YAML", "YAML에서 '{'는 사전의 시작입니다"),
		say.T("write: %s", "이렇게 쓰세요: %s", example)
}

func (s *syntax) template(line int) (finding, bool) {
	for _, n := range []int{line, s.before(line)} {
		text := s.line(n)
		m := unquotedTemplateForm.FindStringSubmatchIndex(text)
		if m == nil {
			continue
		}
		f := finding{id: "yaml-unquoted-template", line: n, col: column(text, m[3])}
		f.what, f.why, f.fix = unquotedTemplate(strings.TrimSpace(text))
		return f, true
	}
	return finding{}, false
}

func (s *syntax) textAfterQuote(line int) (finding, bool) {
	for _, n := range []int{line, s.before(line)} {
		text := s.line(n)
		m := textAfterQuoteForm.FindStringSubmatchIndex(text)
		if m == nil {
			continue
		}
		return finding{line: n, col: column(text, m[3]),
			what: say.T("there is text behind the closing quote", "닫는 따옴표 뒤에 글이 더 있습니다"),
			why:  say.T("a value that starts with a quote ends at the next one", "따옴표로 시작한 값은 다음 따옴표에서 끝납니다"),
			fix:  say.T("put the whole value in quotes, the inner quotes being of the other kind", "값 전체를 따옴표로 감싸고 안쪽에는 다른 종류의 따옴표를 쓰세요")}, true
	}
	return finding{}, false
}

func (s *syntax) secondColon(line int) (finding, bool) {
	text := s.line(line)
	if !strings.Contains(s.message, "mapping values are not allowed") {
		return finding{}, false
	}
	i := strings.Index(text, ": ")
	if i < 0 || strings.HasPrefix(strings.TrimSpace(text), "{") {
		return finding{}, false
	}
	j := strings.Index(text[i+2:], ": ")
	if j < 0 && strings.HasSuffix(strings.TrimRight(text, " "), ":") && len(strings.TrimSpace(text[i+2:])) > 1 {
		j = len(strings.TrimRight(text, " ")) - 1 - (i + 2)
	}
	if j < 0 {
		return finding{}, false
	}
	return finding{line: line, col: column(text, i+2+j),
		what: say.T("a colon stands in a value that has no quotes", "따옴표 없는 값 안에 콜론이 있습니다"),
		why:  say.T("a colon followed by a space starts a new value", "콜론 다음에 공백이 오면 새 값이 시작됩니다"),
		fix:  say.T("put the value in quotes", "값을 따옴표로 감싸세요")}, true
}

// reserved finds values that begin with a character that YAML keeps for itself.
func (s *syntax) reserved(line int) (finding, bool) {
	text := s.line(line)
	m := valueForm.FindStringSubmatchIndex(text)
	if m == nil || !strings.ContainsRune("@`%&*!|>,", rune(text[m[4]])) {
		return finding{}, false
	}
	c := text[m[4] : m[4]+1]
	if strings.Contains("|>", c) {
		return finding{line: line, col: column(text, m[4]) + 1,
			what: say.T("behind '%s' only an indentation number, + or - may follow", "'%s' 뒤에는 들여쓰기 숫자나 +, -만 올 수 있습니다", c),
			why:  say.T("'%s' starts a text of several lines, which begins in the next line", "'%s'{은/는} 여러 줄 글의 시작이고, 글은 다음 줄부터 씁니다", c),
			fix:  say.T("start the text in the next line, or put the value in quotes", "글을 다음 줄부터 쓰거나 값을 따옴표로 감싸세요")}, true
	}
	return finding{line: line, col: column(text, m[4]),
		what: say.T("a value without quotes cannot start with '%s' here", "따옴표 없는 값은 여기서 '%s'{으로/로} 시작할 수 없습니다", c),
		why:  say.T("the character has a meaning of its own in YAML", "YAML에서 따로 뜻이 있는 문자입니다"),
		fix:  say.T("put the value in quotes", "값을 따옴표로 감싸세요")}, true
}

func (s *syntax) escape(line int) (finding, bool) {
	if !strings.Contains(s.message, "escape") && !strings.Contains(s.message, "hexdecimal") {
		return finding{}, false
	}
	text := s.line(line)
	for i := strings.IndexByte(text, '"') + 1; i > 0 && i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		r, _ := utf8.DecodeRuneInString(text[i+1:])
		if !strings.ContainsRune(`0abt`+"\t"+`nvfre "'/\N_LPxuU`, r) || strings.ContainsRune("xuU", r) {
			return finding{line: line, col: column(text, i),
				what: say.T(`the escape '\%c' is not known`, `'\%c'{은/는} 알 수 없는 이스케이프입니다`, r),
				why:  say.T("in double quotes a backslash starts an escape such as \\n", "큰따옴표 안의 역슬래시는 \\n 같은 이스케이프의 시작입니다"),
				fix:  say.T("use single quotes, or write the backslash twice", "작은따옴표를 쓰거나 역슬래시를 두 번 쓰세요")}, true
		}
		i++
	}
	return finding{}, false
}

// deeper finds a key that is indented below a line that already has its value.
func (s *syntax) deeper(line int) (finding, bool) {
	if !strings.Contains(s.message, "mapping values are not allowed") {
		return finding{}, false
	}
	text, above := s.line(line), s.before(line)
	if above == 0 || indent(text) <= indent(s.line(above)) {
		return finding{}, false
	}
	return finding{id: "yaml-indentation", line: line, col: indent(text) + 1,
		what: say.T("this line is indented more than line %d, which already has a value", "이 줄은 이미 값이 있는 %d번째 줄보다 더 들여 썼습니다", above),
		why:  say.T("it reads as the continuation of that value, and there no colon can stand", "앞 값이 이어지는 것으로 읽히는데, 거기에는 콜론이 올 수 없습니다"),
		fix:  say.T("give keys of the same mapping the same indentation", "같은 사전의 키는 들여쓰기를 똑같이 맞추세요")}, true
}

func (s *syntax) noSpace(line int) (finding, bool) {
	for _, n := range []int{s.before(line), line} {
		text := s.line(n)
		m := noSpaceForm.FindStringSubmatchIndex(text)
		if m == nil || strings.HasPrefix(text[m[4]:], "//") || keyForm.MatchString(text) {
			continue
		}
		key := text[m[2]:m[3]]
		return finding{line: n, col: column(text, m[4]),
			what: say.T("a space is missing behind '%s:'", "'%s:' 뒤에 공백이 없습니다", key),
			why:  say.T("without the space the line is one word, not a key with a value", "공백이 없으면 키와 값이 아니라 한 낱말로 읽힙니다"),
			fix:  say.T("write '%s: ...'", "'%s: ...'처럼 쓰세요", key)}, true
	}
	return finding{}, false
}

func (s *syntax) listUnderKey(line int) (finding, bool) {
	if !strings.Contains(s.message, "block sequence entries") {
		return finding{}, false
	}
	text := s.line(line)
	col := indent(text) + 1
	if i := strings.Index(text, ": - "); i >= 0 {
		col = column(text, i+2)
	}
	return finding{line: line, col: col,
		what: say.T("a list item cannot start here", "여기서는 목록 항목을 시작할 수 없습니다"),
		why:  say.T("a list begins in a line of its own below its key", "목록은 키 아래 새 줄에서 시작합니다"),
		fix:  say.T("put '- ...' in the next line, or write the list as [a, b]", "'- ...'를 다음 줄에 쓰거나 [a, b] 꼴로 적으세요")}, true
}

// dedent finds a line whose indentation fits no line above it.
func (s *syntax) dedent(line int) (finding, bool) {
	if !strings.Contains(s.message, "did not find expected key") && !strings.Contains(s.message, "'-' indicator") && !strings.Contains(s.message, "document start") {
		return finding{}, false
	}
	text := s.line(line)
	own := indent(text)
	var levels []string
	last := own + 1<<20
	for n := s.before(line); n > 0; n = s.before(n) {
		if in := indent(s.line(n)); in < last {
			last = in
			levels = append(levels, strconv.Itoa(in))
			if in == own {
				return s.listAndMapping(line)
			}
		}
	}
	if len(levels) == 0 {
		return finding{}, false
	}
	return finding{id: "yaml-indentation", line: line, col: own + 1,
		what: say.T("the indentation of %d spaces fits no line above", "들여쓰기 %d칸이 위의 어느 줄과도 맞지 않습니다", own),
		why:  say.T("the lines above are indented by %s", "위 줄들의 들여쓰기는 %s칸입니다", strings.Join(levels, ", ")),
		fix:  say.T("indent it like the line it belongs to", "같은 묶음의 줄과 들여쓰기를 맞추세요")}, true
}

// listAndMapping finds a list item beside keys, or a key beside list items.
func (s *syntax) listAndMapping(line int) (finding, bool) {
	text := s.line(line)
	isItem := strings.HasPrefix(strings.TrimSpace(text), "-")
	f := finding{id: "yaml-indentation", line: line, col: indent(text) + 1,
		fix: say.T("check the indentation of this line and of the lines above", "이 줄과 위 줄들의 들여쓰기를 확인하세요")}
	switch {
	case isItem && strings.Contains(s.message, "expected key"):
		f.what = say.T("a list item stands among the keys of a mapping", "사전의 키들 사이에 목록 항목이 있습니다")
	case !isItem && strings.Contains(s.message, "'-' indicator"):
		f.what = say.T("a key stands among the items of a list", "목록 항목들 사이에 키가 있습니다")
	case strings.Contains(s.message, "document start"):
		f.what = say.T("this line does not continue what is above", "이 줄은 위 내용에 이어지지 않습니다")
		f.why = say.T("the file has one value, which ended before this line", "파일의 값은 하나이고, 이 줄 앞에서 이미 끝났습니다")
	default:
		return finding{}, false
	}
	return f, true
}

func (s *syntax) openQuote() finding {
	n := s.reported
	if n == 0 || !strings.ContainsAny(s.line(n), `"'`) {
		n = 1
	}
	// The first line has no number in the parser's words, and then the last
	// line is given instead.
	if n > 1 && strings.Count(s.line(1), `"`)%2 == 1 && strings.Count(s.line(n), `"`)%2 == 0 {
		n = 1
	}
	text := s.line(n)
	quote, col := `"`, indent(text)+1
	if i := lastOpenQuote(text); i >= 0 {
		quote, col = text[i:i+1], column(text, i)
	}
	return finding{id: "yaml-open-quote", line: n, col: col,
		what: say.T("the quote %s is never closed", "따옴표 %s{이/가} 닫히지 않았습니다", quote),
		why:  say.T("everything to the end of the file was read as part of this text", "파일 끝까지 모두 이 글의 일부로 읽었습니다"),
		fix:  say.T("close the quote in this line; an apostrophe in single quotes is written twice ('')", "이 줄에서 따옴표를 닫으세요. 작은따옴표 안의 '는 두 번('') 적습니다")}
}

// lastOpenQuote is the byte where a quoted text starts that does not end in
// this line, or -1.
func lastOpenQuote(text string) int {
	open := -1
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case open < 0 && (c == '"' || c == '\'') && (i == 0 || strings.IndexByte(" :[{,-", text[i-1]) >= 0):
			open = i
		case open >= 0 && text[open] == '"' && c == '\\':
			i++
		case open >= 0 && c == text[open]:
			if c == '\'' && i+1 < len(text) && text[i+1] == '\'' {
				i++
				continue
			}
			open = -1
		}
	}
	return open
}

func (s *syntax) openBracket() finding {
	for _, n := range []int{s.reported + 1, s.reported, 1} {
		if f, ok := s.template(n); ok {
			return f
		}
	}
	// The parser's line is where the bracket opens, counted from 0 or from 1, or
	// where it gave up: the nearest bracket without an end is meant.
	at := s.firstBadLine()
	for _, n := range []int{s.reported + 1, s.reported} {
		if open, _ := unmatched(s.line(n)); open >= 0 {
			at = n
			break
		}
	}
	for n := at; n >= 1; n-- {
		text := s.line(n)
		i, _ := unmatched(text)
		if i < 0 {
			continue
		}
		open := text[i : i+1]
		closing := map[string]string{"[": "]", "{": "}"}[open]
		return finding{id: "yaml-open-bracket", line: n, col: column(text, i),
			what: say.T("'%s' is not closed, or a comma is missing behind it", "'%s'{이/가} 닫히지 않았거나 뒤에 쉼표가 빠졌습니다", open),
			why:  say.T("the values between '%[1]s' and '%[2]s' are separated by commas", "'%[1]s'{와/과} '%[2]s' 사이의 값은 쉼표로 나눕니다", open, closing),
			fix:  say.T("add '%s' or the comma; put text that holds brackets in quotes", "'%s' 또는 쉼표를 넣으세요. 괄호가 든 글은 따옴표로 감싸세요", closing)}
	}
	return s.missingComma(at)
}

// missingComma finds the line whose brackets match, but not what is between.
func (s *syntax) missingComma(line int) finding {
	for _, n := range []int{s.reported + 1, s.reported, line} {
		text := s.line(n)
		if i := strings.IndexAny(text, "[{"); i >= 0 {
			return finding{id: "yaml-open-bracket", line: n, col: column(text, i),
				what: say.T("a comma is missing behind this '%s'", "이 '%s' 뒤에 쉼표가 빠졌습니다", text[i:i+1]),
				why:  say.T("the values between brackets are separated by commas", "괄호 안의 값은 쉼표로 나눕니다"),
				fix:  say.T("add the comma; put text that holds brackets or quotes in quotes", "쉼표를 넣으세요. 괄호나 따옴표가 든 글은 따옴표로 감싸세요")}
		}
	}
	return s.plain(line)
}

// unmatched are the bytes of the last bracket of a line that opens and does
// not close, and of the first that closes and was not open; -1 when there is
// none. Brackets in quotes do not count.
func unmatched(text string) (open, closing int) {
	var stack []int
	closing = -1
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == '\\' && quote == '"' {
				i++
			} else if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && i > 0 && strings.IndexByte(" [{,:", text[i-1]) >= 0:
			quote = c
		case c == '#' && i > 0 && text[i-1] == ' ':
			i = len(text)
		case c == '[' || c == '{':
			stack = append(stack, i)
		case c == ']' || c == '}':
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			} else if closing < 0 {
				closing = i
			}
		}
	}
	if len(stack) == 0 {
		return -1, closing
	}
	return stack[len(stack)-1], closing
}

// closing finds a bracket that closes and was never open.
func (s *syntax) closing(line int) (finding, bool) {
	text := s.line(line)
	_, i := unmatched(text)
	if i < 0 {
		return finding{}, false
	}
	return finding{id: "yaml-open-bracket", line: line, col: column(text, i),
		what: say.T("'%s' closes nothing", "'%s'{이/가} 닫을 괄호가 없습니다", text[i:i+1]),
		fix:  say.T("remove it, or add the opening bracket; put text that holds brackets in quotes", "지우거나 여는 괄호를 넣으세요. 괄호가 든 글은 따옴표로 감싸세요")}, true
}

var blockStart = regexp.MustCompile(`(?:^|[\s:-])[|>][0-9+-]*\s*(?:#.*)?$`)

// blockText finds a line that should belong to a text of several lines and is
// indented less than its first line.
func (s *syntax) blockText(line int) (finding, bool) {
	own := indent(s.line(line))
	first := 0
	for n := s.before(line); n > 0; n = s.before(n) {
		in := indent(s.line(n))
		if blockStart.MatchString(s.line(n)) && first > 0 && (in < own || in == own && !keyForm.MatchString(s.line(line))) {
			return finding{id: "yaml-indentation", line: line, col: own + 1,
				what: say.T("this line is indented less than the text that begins in line %d", "이 줄은 %d번째 줄에서 시작한 글보다 덜 들여 썼습니다", first),
				why:  say.T("the first line of the text below '|' or '>' sets the indentation of all its lines", "'|'나 '>' 아래 글은 첫 줄이 들여쓰기를 정합니다"),
				fix:  say.T("indent it by %d spaces", "%d칸 들여 쓰세요", indent(s.line(first)))}, true
		}
		if in <= own {
			return finding{}, false
		}
		first = n
	}
	return finding{}, false
}

var tightDash = regexp.MustCompile(`^\s*-[A-Za-z_"'{]`)

// dashWithoutSpace finds an item written -name: it reads as a key.
func (s *syntax) dashWithoutSpace(line int) (finding, bool) {
	own := indent(s.line(line))
	for n := line; n > 0; n = s.before(n) {
		text := s.line(n)
		if indent(text) > own {
			continue
		}
		if tightDash.MatchString(text) {
			return finding{line: n, col: indent(text) + 2,
				what: say.T("a space is missing behind '-'", "'-' 뒤에 공백이 없습니다"),
				why:  say.T("without the space the dash belongs to the word, and the line is no list item", "공백이 없으면 '-'가 낱말에 붙어 목록 항목이 되지 않습니다"),
				fix:  say.T("write '- ...'", "'- ...'처럼 쓰세요")}, true
		}
		if indent(text) < own {
			break
		}
	}
	return finding{}, false
}

// noSpaceAbove looks for the missing space in the line above, which explains
// why this one cannot follow.
func (s *syntax) noSpaceAbove(line int) (finding, bool) { return s.noSpaceAt(s.before(line)) }

// lostColon finds the line that should have been a key.
func (s *syntax) lostColon() finding {
	at := s.reported
	if at == 0 {
		at = s.firstBadLine()
	}
	if f, ok := s.blockText(at); ok {
		return f
	}
	if f, ok := s.dashWithoutSpace(at); ok {
		return f
	}
	candidates := []int{at, s.before(at), 1}
	for _, n := range candidates {
		for _, try := range []func(int) (finding, bool){s.noSpaceAt, s.tabAt} {
			if f, ok := try(n); ok {
				return f
			}
		}
	}
	for _, n := range candidates {
		text := s.line(n)
		if t := strings.TrimSpace(text); t != "" && !keyForm.MatchString(text) && !strings.HasPrefix(t, "#") && !strings.HasPrefix(t, "- ") {
			at = n
			break
		}
	}
	text := s.line(at)
	return finding{line: at, col: indent(text) + 1,
		what: say.T("this line is neither 'key: value' nor '- item'", "이 줄은 '키: 값'도 '- 항목'도 아닙니다"),
		why:  say.T("among the keys of a mapping every line needs a colon", "사전의 키들 사이에서는 줄마다 콜론이 있어야 합니다"),
		fix:  say.T("add the colon; indent the line more when it continues the value above", "콜론을 넣으세요. 위 값이 이어지는 것이면 더 들여 쓰세요")}
}

func (s *syntax) noSpaceAt(n int) (finding, bool) {
	if f, ok := s.noSpace(n); ok && f.line == n {
		return f, true
	}
	return finding{}, false
}

func (s *syntax) tabAt(n int) (finding, bool) {
	if f, ok := s.tab(n); ok && f.line == n {
		return f, true
	}
	return finding{}, false
}

var anchorName = regexp.MustCompile(`'(.*)'`)

func (s *syntax) unknownAnchor() finding {
	name := ""
	if m := anchorName.FindStringSubmatch(s.message); m != nil {
		name = m[1]
	}
	f := finding{line: 1, col: 1,
		what: say.T("*%[1]s has no anchor &%[1]s above it", "*%[1]s보다 위에 앵커 &%[1]s{이/가} 없습니다", name),
		why:  say.T("a value that starts with '*' stands for the value marked with '&'", "'*'로 시작하는 값은 '&'로 표시한 값을 가리킵니다"),
		fix:  say.T("put the value in quotes when it is text, or correct the name", "글이라면 따옴표로 감싸고, 아니면 이름을 고치세요")}
	for i, text := range s.lines {
		if j := strings.Index(text, "*"+name); j >= 0 && !strings.HasPrefix(strings.TrimSpace(text), "#") {
			f.line, f.col = i+1, column(text, j)
			break
		}
	}
	return f
}

// CheckEncoding finds bytes that are no UTF-8, and control characters, in a
// text of any format.
func CheckEncoding(file string, src []byte) (diag.Problem, bool) {
	return encodingProblem(NewSource(file, src), src)
}
