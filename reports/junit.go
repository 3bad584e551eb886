package reports

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"sunup/internal/event"
)

// The elements of a case in JUnit's XML, as Jenkins, GitLab and others read it.
type (
	junitCase struct {
		XMLName xml.Name     `xml:"testcase"`
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Time    string       `xml:"time,attr"`
		File    string       `xml:"file,attr,omitempty"`
		Line    int          `xml:"line,attr,omitempty"`
		Failure *junitDetail `xml:"failure"`
		Error   *junitDetail `xml:"error"`
		Skipped *junitDetail `xml:"skipped"`
		Output  string       `xml:"system-out,omitempty"`
	}
	junitDetail struct {
		Message string `xml:"message,attr,omitempty"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the report as JUnit XML: a suite for each play, a case for
// each task on each host. A host that could not be reached, or whose answer was
// lost, is an error; a failed task is a failure.
func WriteJUnit(w io.Writer, s Source) error {
	out := bufio.NewWriterSize(w, 64<<10)
	j := &junit{Source: s, enc: xml.NewEncoder(out), details: map[cellKey]*Failure{}}
	j.enc.Indent("", " ")
	for _, f := range s.Report.Failures {
		if !f.Mended {
			j.details[cellKey{f.Task, f.Host}] = f
		}
	}
	if err := j.document(out); err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write JUnit XML: %w", err)
	}
	return nil
}

type junit struct {
	Source
	enc     *xml.Encoder
	details map[cellKey]*Failure
}

func (j *junit) document(out io.Writer) error {
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	r := j.Report
	var all junitCount
	for _, p := range r.Plays {
		all.add(junitCounts(p.Counts))
	}
	root := xml.StartElement{Name: xml.Name{Local: "testsuites"}, Attr: []xml.Attr{
		attr("name", safeLine(r.Run.Name)), attr("tests", strconv.Itoa(all.Tests)), attr("failures", strconv.Itoa(all.Failures)),
		attr("errors", strconv.Itoa(all.Errors)), attr("skipped", strconv.Itoa(all.Skipped)), attr("time", seconds(r.TookMS).String()),
	}}
	if err := j.enc.EncodeToken(root); err != nil {
		return err
	}
	rows := rowsOf(r)
	for _, p := range r.Plays {
		if err := j.suite(p, rows[p.Number]); err != nil {
			return err
		}
	}
	if err := j.enc.EncodeToken(root.End()); err != nil {
		return err
	}
	if err := j.enc.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(out, "\n")
	return err
}

func attr(name, text string) xml.Attr { return xml.Attr{Name: xml.Name{Local: name}, Value: text} }

// junitCount counts cases in JUnit's kinds.
type junitCount struct{ Tests, Failures, Errors, Skipped int }

func (s *junitCount) add(o junitCount) {
	s.Tests += o.Tests
	s.Failures += o.Failures
	s.Errors += o.Errors
	s.Skipped += o.Skipped
}

func junitCounts(c Counts) junitCount {
	var s junitCount
	for o, n := range c {
		s.Tests += n
		switch o {
		case event.Failed, event.Quarantined:
			s.Failures += n
		case event.Unreachable, event.Unknown:
			s.Errors += n
		case event.Skipped, event.Cancelled:
			s.Skipped += n
		}
	}
	return s
}

// suite is one play: its element is written by hand, so that cases need not be
// held all at once.
func (j *junit) suite(p *Play, rows []row) error {
	c := junitCounts(p.Counts)
	start := xml.StartElement{Name: xml.Name{Local: "testsuite"}, Attr: []xml.Attr{
		attr("name", safeLine(p.Name)), attr("tests", strconv.Itoa(c.Tests)), attr("failures", strconv.Itoa(c.Failures)), attr("errors", strconv.Itoa(c.Errors)),
		attr("skipped", strconv.Itoa(c.Skipped)), attr("time", seconds(p.TookMS).String()), attr("timestamp", p.Began.Format("2006-01-02T15:04:05")), attr("hostname", safeLine(j.Report.Run.Node)),
	}}
	if err := j.enc.EncodeToken(start); err != nil {
		return err
	}
	for _, w := range rows {
		for _, cell := range w.cells {
			if err := j.enc.Encode(j.testCase(w.host, cell)); err != nil {
				return err
			}
		}
	}
	return j.enc.EncodeToken(start.End())
}

func (j *junit) testCase(h *Host, c Cell) junitCase {
	t := j.Report.task(c.Task)
	out := junitCase{Class: safeLine(h.Name), Name: safeLine(t.Name), Time: seconds(c.TookMS).String(), File: safeLine(t.Pos.File), Line: t.Pos.Line}
	f := j.details[cellKey{c.Task, h.Name}]
	word := outcomeWords[c.Outcome].In(j.Lang)
	switch c.Outcome {
	case event.Failed, event.Quarantined:
		out.Failure = j.detail(f, c.Outcome, word)
	case event.Unreachable, event.Unknown:
		out.Error = j.detail(f, c.Outcome, word)
	case event.Skipped, event.Cancelled:
		out.Skipped = &junitDetail{Message: word}
	case event.Rescued, event.Ignored:
		out.Output = word + "\n"
		if f != nil {
			out.Output += j.story(f)
		}
	}
	return out
}

func (j *junit) detail(f *Failure, o event.Outcome, word string) *junitDetail {
	d := &junitDetail{Type: string(o), Message: word}
	if f != nil {
		d.Message, d.Text = shorten(safeLine(f.Message), 300), j.story(f)
	}
	return d
}

// story is all that is known of a failure, as text.
func (j *junit) story(f *Failure) string {
	var b strings.Builder
	part := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s: %s\n", words[name].In(j.Lang), safeText(text))
		}
	}
	part("message", f.Message)
	part("why", f.Why.In(j.Lang))
	part("fix", f.Fix.In(j.Lang))
	part("command", f.Command)
	if f.RC != nil {
		part("rc", strconv.Itoa(*f.RC))
	}
	part("errors", f.Stderr)
	part("output", f.Stdout)
	part("diff", f.Diff)
	return b.String()
}
