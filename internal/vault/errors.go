package vault

import (
	"sunup/internal/diag"
	"sunup/internal/say"
)

// Kind tells apart what went wrong.
type Kind int

// The kinds of errors.
const (
	// NotEncrypted: the text has no vault header.
	NotEncrypted Kind = iota
	// Corrupt: the header or the hexadecimal data is damaged or of an unknown kind.
	Corrupt
	// NoSecret: there is nothing to open it with.
	NoSecret
	// WrongSecret: every secret was tried in vain.
	WrongSecret
	// BadSource: a secret could not be fetched.
	BadSource
)

// Error is what went wrong, in words for a person. It never holds a secret.
type Error struct {
	Kind Kind
	What say.Text
	Fix  say.Text
	Err  error // the cause, when there is one
	// Said is ansible-core's own sentence for it, which scripts look for.
	Said string
}

// Error gives the English words.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.What.String() + ": " + e.Err.Error()
	}
	return e.What.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Problem places the error in a file.
func (e *Error) Problem(pos diag.Pos) diag.Problem {
	p := diag.Problem{Severity: diag.Error, ID: ids[e.Kind], Pos: pos, What: e.What, Fix: e.Fix, Said: e.Said}
	if e.Err != nil {
		p.Why = say.Plain(e.Err.Error())
	}
	return p
}

var ids = map[Kind]string{NotEncrypted: "vault-not-encrypted", Corrupt: "vault-corrupt", NoSecret: "vault-no-secret",
	WrongSecret: "vault-wrong-secret", BadSource: "vault-bad-source"}

func fail(kind Kind, what, fix say.Text) *Error { return &Error{Kind: kind, What: what, Fix: fix} }

// saying adds ansible-core's sentence.
func (e *Error) saying(sentence string) *Error {
	e.Said = sentence
	return e
}

func corrupt(why say.Text) *Error {
	return fail(Corrupt,
		say.T("the vault data is damaged: %s", "볼트 데이터가 손상되었습니다: %s", why),
		say.T("restore it from a copy, or encrypt the plain text again", "백업에서 되살리거나 원문을 다시 암호화하세요"))
}
