package diag

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"sunup/internal/say"
)

func TestProblemPointsAtTheColumnBehindWideLetters(t *testing.T) {
	p := Problem{
		Severity: Error, ID: "unknown-keyword", Pos: Pos{"아침.yml", 3, 4}, Source: "가나 hots: web",
		What: say.T("unknown keyword 'hots'", "알 수 없는 키워드 'hots'"),
		Fix:  say.T("did you mean 'hosts'?", "'hosts'{을/를} 쓰려던 것인가요?"),
	}
	assert.Equal(t, "아침.yml:3:4: error: unknown keyword 'hots'\n   3 | 가나 hots: web\n     |      ^\n  → did you mean 'hosts'?\n", p.Format(say.English))
	assert.Contains(t, p.Format(say.Korean), "오류: 알 수 없는 키워드 'hots'")
	assert.Contains(t, p.Format(say.Korean), "'hosts'를")
}

func TestNearest(t *testing.T) {
	words := []string{"hosts", "handlers", "gather_facts", "become", "tasks"}
	for in, want := range map[string]string{
		"hots": "hosts", "gather_fact": "gather_facts", "bceome": "become", "Tasks": "tasks", "zebra": "", "": "",
	} {
		assert.Equal(t, want, Nearest(in, words), in)
	}
}

func TestSourceCannotSteerTheTerminal(t *testing.T) {
	p := Problem{Severity: Error, Pos: Pos{"f", 1, 1}, Source: "a\x1b[2Jb\u009bc\td", What: say.Plain("x")}
	assert.Contains(t, p.Format(say.English), "   1 | a·[2Jb·c d\n")
}
