package history

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/store"
	"sunup/reports"
)

// Role is what hosts that do the same work have in common in their names:
// kiosk for kiosk017 and kiosk18, db.gate for db1.gate.
func Role(host string) string {
	return strings.Trim(digits.ReplaceAllString(host, ""), "-_. ")
}

var (
	digits = regexp.MustCompile(`[0-9]+`)
	// changing are the words that differ from host to host and day to day:
	// long hexadecimal numbers and all others.
	changing = regexp.MustCompile(`\b0x[0-9a-f]+\b|\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|[0-9]+`)
)

// maxNormalised bounds what of a message counts.
const maxNormalised = 600

// normalised is a message without what differs between hosts and days.
func normalised(message, host string) string {
	if len(message) > maxNormalised {
		message = strings.ToValidUTF8(message[:maxNormalised], "")
	}
	message = strings.ToLower(message)
	if host != "" {
		message = strings.ReplaceAll(message, strings.ToLower(host), "@")
	}
	return strings.Join(strings.Fields(changing.ReplaceAllString(message, "#")), " ")
}

// Fingerprint is what failures of the same kind have in common.
func Fingerprint(module, message, task, host string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{module, normalised(message, host), task, Role(host)}, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// bad are the outcomes that are remembered.
func bad(o event.Outcome) bool {
	return o == event.Failed || o == event.Unreachable || o == event.Quarantined || o == event.Unknown
}

// failuresOf are the failures of a report as the store remembers them.
func failuresOf(r *reports.Report) []store.Failure {
	plays := map[int]string{}
	for _, p := range r.Plays {
		plays[p.Number] = p.Name
	}
	var out []store.Failure
	for _, f := range r.Failures {
		if bad(f.Outcome) {
			out = append(out, remembered(r, f, plays[f.Play]))
		}
	}
	return out
}

func remembered(r *reports.Report, f *reports.Failure, play string) store.Failure {
	out := store.Failure{Run: r.Run.ID, Host: f.Host, Play: play, Role: Role(f.Host), Outcome: f.Outcome, At: f.At, Message: f.Message}
	if f.Task >= 0 && f.Task < len(r.Tasks) {
		out.Task, out.Module = r.Tasks[f.Task].Name, r.Tasks[f.Task].Module
	}
	out.Fingerprint = Fingerprint(out.Module, out.Message, out.Task, out.Host)
	return out
}

// earlierShown is how many earlier cases a failure is told with.
const earlierShown = 3

// Remember tells each failure of a report what is known of the same in earlier
// runs: when it was, and what was written about cause and mending. Cases with a
// note come first.
func Remember(ctx context.Context, s *store.Store, r *reports.Report) error {
	prints := map[string][]*reports.Failure{}
	var all []string
	for _, f := range r.Failures {
		if !bad(f.Outcome) {
			continue
		}
		print := remembered(r, f, "").Fingerprint
		if prints[print] == nil {
			all = append(all, print)
		}
		prints[print] = append(prints[print], f)
	}
	if len(all) == 0 {
		return nil
	}
	if len(all) > 500 { // as many as one question takes; the rest are the rarest
		all = all[:500]
	}
	cases, err := s.Failures(ctx, all, r.Began, 50*len(all))
	if err != nil {
		return err
	}
	notes, err := s.Notes(ctx, "")
	if err != nil {
		return err
	}
	for _, print := range all {
		known := knownCases(print, r.Run.ID, cases, notes)
		for _, f := range prints[print] {
			f.Earlier = known
		}
	}
	return nil
}

// knownCases are the earlier cases of one fingerprint.
func knownCases(print, run string, cases []store.Failure, notes []store.Note) []reports.EarlierFailure {
	var noted, bare []reports.EarlierFailure
	runs := map[string]bool{run: true}
	for i := len(notes) - 1; i >= 0; i-- { // the newest first
		n := notes[i]
		if n.Fingerprint == print {
			noted = append(noted, reports.EarlierFailure{Run: n.Run, At: caseTime(n, cases), Host: n.Host, Note: n.Text, By: n.Author})
			runs[n.Run] = true
		}
	}
	for _, c := range cases {
		if c.Fingerprint == print && !runs[c.Run] {
			bare = append(bare, reports.EarlierFailure{Run: c.Run, At: c.At, Host: c.Host})
			runs[c.Run] = true // one case of each run
		}
	}
	all := append(noted, bare...)
	return all[:min(len(all), earlierShown)]
}

// caseTime is when the failure was that a note is about.
func caseTime(n store.Note, cases []store.Failure) time.Time {
	for _, c := range cases {
		if c.Run == n.Run && c.Fingerprint == n.Fingerprint {
			return c.At
		}
	}
	return n.At
}
