package reports

import (
	"fmt"
	"slices"
	"strings"
)

// This file compares two texts line by line with the same outcome as Python's
// difflib, because the differences that Ansible prints are read by people and
// scripts that know them.

// match is a run of equal lines: a[i:i+n] == b[j:j+n].
type match struct{ i, j, n int }

// lineMatcher finds the matches of two texts: the longest run first, then the
// same to the left and to the right of it.
type lineMatcher struct {
	a, b []string
	// where are the places of each line in b. Lines that make up more than one
	// percent of a long text say little, and are left out.
	where map[string][]int
}

// popularFrom is the length of text from which frequent lines are left out.
const popularFrom = 200

func newLineMatcher(a, b []string) *lineMatcher {
	m := &lineMatcher{a: a, b: b, where: map[string][]int{}}
	for j, line := range b {
		m.where[line] = append(m.where[line], j)
	}
	if len(b) >= popularFrom {
		for line, places := range m.where {
			if len(places) > len(b)/100+1 {
				delete(m.where, line)
			}
		}
	}
	return m
}

// longest finds the longest match within a[alo:ahi] and b[blo:bhi]; of several
// the one that begins first in a, then first in b.
func (m *lineMatcher) longest(alo, ahi, blo, bhi int) match {
	best := match{alo, blo, 0}
	reach := map[int]int{}
	for i := alo; i < ahi; i++ {
		next := map[int]int{}
		for _, j := range m.where[m.a[i]] {
			if j < blo {
				continue
			}
			if j >= bhi {
				break
			}
			n := reach[j-1] + 1
			next[j] = n
			if n > best.n {
				best = match{i - n + 1, j - n + 1, n}
			}
		}
		reach = next
	}
	// Frequent lines were not looked at: let them lengthen what was found.
	for best.i > alo && best.j > blo && m.a[best.i-1] == m.b[best.j-1] {
		best.i, best.j, best.n = best.i-1, best.j-1, best.n+1
	}
	for best.i+best.n < ahi && best.j+best.n < bhi && m.a[best.i+best.n] == m.b[best.j+best.n] {
		best.n++
	}
	return best
}

// matches are all matches in order, neighbours joined, and an empty one at the
// end.
func (m *lineMatcher) matches() []match {
	type window struct{ alo, ahi, blo, bhi int }
	var found []match
	todo := []window{{0, len(m.a), 0, len(m.b)}}
	for len(todo) > 0 {
		w := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		best := m.longest(w.alo, w.ahi, w.blo, w.bhi)
		if best.n == 0 {
			continue
		}
		found = append(found, best)
		todo = append(todo, window{w.alo, best.i, w.blo, best.j}, window{best.i + best.n, w.ahi, best.j + best.n, w.bhi})
	}
	slices.SortFunc(found, func(x, y match) int { return x.i - y.i })
	return append(joined(found), match{len(m.a), len(m.b), 0})
}

func joined(ms []match) []match {
	var out []match
	for _, m := range ms {
		if n := len(out); n > 0 && out[n-1].i+out[n-1].n == m.i && out[n-1].j+out[n-1].n == m.j {
			out[n-1].n += m.n
			continue
		}
		out = append(out, m)
	}
	return out
}

// edit says what becomes of a[i1:i2] and b[j1:j2]: equal, or replaced.
type edit struct {
	equal          bool
	i1, i2, j1, j2 int
}

func edits(a, b []string) []edit {
	var out []edit
	i, j := 0, 0
	for _, m := range newLineMatcher(a, b).matches() {
		if i < m.i || j < m.j {
			out = append(out, edit{false, i, m.i, j, m.j})
		}
		if m.n > 0 {
			out = append(out, edit{true, m.i, m.i + m.n, m.j, m.j + m.n})
		}
		i, j = m.i+m.n, m.j+m.n
	}
	return out
}

// hunks groups the edits, with at most context equal lines around each group.
func hunks(es []edit, context int) [][]edit {
	if len(es) == 0 || (len(es) == 1 && es[0].equal) {
		return nil
	}
	if first := &es[0]; first.equal {
		first.i1, first.j1 = max(first.i1, first.i2-context), max(first.j1, first.j2-context)
	}
	if last := &es[len(es)-1]; last.equal {
		last.i2, last.j2 = min(last.i2, last.i1+context), min(last.j2, last.j1+context)
	}
	var out [][]edit
	var group []edit
	for _, e := range es {
		if e.equal && e.i2-e.i1 > 2*context {
			group = append(group, edit{true, e.i1, min(e.i2, e.i1+context), e.j1, min(e.j2, e.j1+context)})
			out = append(out, group)
			group = nil
			e.i1, e.j1 = max(e.i1, e.i2-context), max(e.j1, e.j2-context)
		}
		group = append(group, e)
	}
	if len(group) > 0 && (len(group) > 1 || !group[0].equal) {
		out = append(out, group)
	}
	return out
}

// maxDiffLines is the length of text up to which lines are compared; longer
// texts are called different as a whole.
const maxDiffLines = 20000

// unifiedDiff gives the lines of a unified diff, each with its end.
func unifiedDiff(a, b []string, from, to string, context int) []string {
	var es []edit
	if len(a) > maxDiffLines || len(b) > maxDiffLines {
		es = []edit{{false, 0, len(a), 0, len(b)}}
	} else {
		es = edits(a, b)
	}
	var out []string
	for n, group := range hunks(es, context) {
		if n == 0 {
			out = append(out, "--- "+from+"\n", "+++ "+to+"\n")
		}
		first, last := group[0], group[len(group)-1]
		out = append(out, fmt.Sprintf("@@ -%s +%s @@\n", lineRange(first.i1, last.i2), lineRange(first.j1, last.j2)))
		for _, e := range group {
			out = append(out, prefixed(e, a, b)...)
		}
	}
	return out
}

func prefixed(e edit, a, b []string) []string {
	var out []string
	if e.equal {
		for _, line := range a[e.i1:e.i2] {
			out = append(out, " "+line)
		}
		return out
	}
	for _, line := range a[e.i1:e.i2] {
		out = append(out, "-"+line)
	}
	for _, line := range b[e.j1:e.j2] {
		out = append(out, "+"+line)
	}
	return out
}

func lineRange(from, to int) string {
	switch n := to - from; n {
	case 1:
		return fmt.Sprint(from + 1)
	case 0:
		return fmt.Sprintf("%d,0", from)
	default:
		return fmt.Sprintf("%d,%d", from+1, n)
	}
}

// splitLines splits as Python's str.splitlines(True): every kind of line end
// counts, and stays.
func splitLines(s string) []string {
	var out []string
	start := 0
	for i, r := range s {
		if i < start {
			continue
		}
		end := i + len(string(r))
		switch r {
		case '\r':
			if strings.HasPrefix(s[end:], "\n") {
				end++
			}
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		default:
			continue
		}
		out = append(out, s[start:end])
		start = end
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}
