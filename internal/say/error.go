package say

// Error is an error whose message is for people: who prints it chooses the
// language. What it is for programs is in Kind, found by errors.Is.
type Error struct {
	Text Text
	Kind error // may be nil
}

// Fail makes an error with a message for people.
func Fail(kind error, text Text) error { return &Error{text, kind} }

// Error is the English message.
func (e *Error) Error() string { return e.Text.String() }

// Unwrap is the kind.
func (e *Error) Unwrap() error { return e.Kind }
