package reports

import (
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"sunup/internal/event"
	"sunup/internal/say"
)

// Source is what writers write from.
type Source struct {
	Report *Report
	Lang   say.Lang
	// Events walks the events of the run; nil when only the report is at hand.
	// It may be walked several times.
	Events iter.Seq2[event.Event, error]
}

// ErrNoEvents is returned by writers that need the events of a run when there
// is only its report.
var ErrNoEvents = errors.New("the events of the run are needed, and only its report is at hand")

// Writer makes one file of a report.
type Writer struct {
	// Format is what a person asks for; a format may have several files.
	Format string
	// File is the name of the file.
	File string
	// Write writes it. It may be called from several goroutines at once.
	Write func(io.Writer, Source) error
}

// Writers are all formats and their files.
var Writers = []Writer{
	{"html", "report.html", func(w io.Writer, s Source) error { return WriteHTML(w, s.Report, s.Lang) }},
	{"json", "report.json", func(w io.Writer, s Source) error { return WriteJSON(w, s.Report) }},
	{"text", "report.txt", writeText},
	{"md", "report.md", WriteMarkdown},
	{"csv", "report.results.csv", csvOf(resultsTable)},
	{"csv", "report.hosts.csv", csvOf(hostsTable)},
	{"csv", "report.plays.csv", csvOf(playsTable)},
	{"csv", "report.tasks.csv", csvOf(tasksTable)},
	{"csv", "report.failures.csv", csvOf(failuresTable)},
	{"csv", "report.quarantine.csv", csvOf(quarantineTable)},
	{"csv", "report.changes.csv", csvOf(changesTable)},
	{"csv", "report.unusual.csv", csvOf(unusualTable)},
	{"csv", "report.gathered.csv", csvOf(gatheredTable)},
	{"xlsx", "report.xlsx", WriteXLSX},
	{"pdf", "report.pdf", WritePDF},
	{"junit", "report.junit.xml", WriteJUnit},
	{"prometheus", "report.prom", WritePrometheus},
	{"ansible-json", "report.ansible.json", WriteAnsibleJSON},
}

// DefaultFormats are what a run leaves when nothing else is asked for.
var DefaultFormats = []string{"html", "json"}

// Formats are the names of all formats, in their order.
func Formats() []string {
	var out []string
	for _, w := range Writers {
		if !slices.Contains(out, w.Format) {
			out = append(out, w.Format)
		}
	}
	return out
}

// otherNames are what people call formats too.
var otherNames = map[string]string{"markdown": "md", "excel": "xlsx", "xml": "junit", "prom": "prometheus", "ansible": "ansible-json", "txt": "text"}

// WritersOf are the writers of some formats, in the order of Writers; "all" is
// every one. A name that is none of them is returned as unknown.
func WritersOf(formats []string) (writers []Writer, unknown string) {
	wanted := map[string]bool{}
	for _, f := range formats {
		f = strings.ToLower(strings.TrimSpace(f))
		if name, ok := otherNames[f]; ok {
			f = name
		}
		if f != "all" && !slices.Contains(Formats(), f) {
			return nil, f
		}
		wanted[f] = true
	}
	for _, w := range Writers {
		if wanted[w.Format] || wanted["all"] {
			writers = append(writers, w)
		}
	}
	return writers, ""
}

func writeText(w io.Writer, s Source) error {
	return WriteSummary(w, s.Report, SummaryOptions{Lang: s.Lang, Width: 100})
}
