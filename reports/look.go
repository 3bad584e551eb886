package reports

import (
	"html/template"

	"sunup/internal/event"
	"sunup/internal/say"
)

// Look is what pages beside the report share with it, so that they are read in
// the same way: its style, the script of its buttons (their elements have the
// ids lang, theme and print), and its words.
type Look struct{}

// CSS is the style of the report.
func (Look) CSS() template.CSS { return template.CSS(pageCSS) }

// JS is the script of the report.
func (Look) JS() template.JS { return template.JS(pageJS) }

// Both writes a text in both languages; the page shows that of its root.
func (Look) Both(t say.Text) template.HTML { return both(t) }

// Line makes text from hosts and files safe to show on one line.
func (Look) Line(s string) string { return safeLine(s) }

// Outcome is the word for an outcome, with its symbol.
func (Look) Outcome(o event.Outcome) template.HTML {
	return template.HTML(`<span aria-hidden="true">`+template.HTMLEscapeString(outcomeSymbols[o])+`</span> `) + outcomeWord(o)
}
