package main

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sunup/internal/event"
)

// gitRevision reads which commit the checkout around a file is at. It reads the
// files of git itself: starting git costs more than an empty run may take, and
// git would obey settings of the checkout. A checkout that it cannot read is
// none; files that differ from the commit show in the digests of the inputs.
func gitRevision(file string) *event.Revision {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil
	}
	for ; ; dir = filepath.Dir(dir) {
		if git, ok := gitDir(dir); ok {
			return revisionIn(git)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// gitDir is the directory of git in a checkout; in a work tree it is named in a
// file.
func gitDir(dir string) (string, bool) {
	git := filepath.Join(dir, ".git")
	info, err := os.Stat(git)
	if err != nil {
		return "", false
	}
	if info.IsDir() {
		return git, true
	}
	named, ok := strings.CutPrefix(firstLine(git), "gitdir: ")
	if !ok {
		return "", false
	}
	if !filepath.IsAbs(named) {
		named = filepath.Join(dir, named)
	}
	return named, true
}

var commitForm = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

func revisionIn(git string) *event.Revision {
	head := firstLine(filepath.Join(git, "HEAD"))
	if commitForm.MatchString(head) {
		return &event.Revision{Commit: head}
	}
	ref, ok := strings.CutPrefix(head, "ref: ")
	if !ok || strings.Contains(ref, "..") {
		return nil
	}
	common := git
	if c := firstLine(filepath.Join(git, "commondir")); c != "" {
		if common = c; !filepath.IsAbs(c) {
			common = filepath.Join(git, c)
		}
	}
	commit := firstLine(filepath.Join(common, filepath.FromSlash(ref)))
	if commit == "" {
		commit = packedRef(filepath.Join(common, "packed-refs"), ref)
	}
	if !commitForm.MatchString(commit) {
		return nil
	}
	return &event.Revision{Commit: commit, Branch: strings.TrimPrefix(ref, "refs/heads/")}
}

func packedRef(file, ref string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if commit, ok := strings.CutSuffix(lines.Text(), " "+ref); ok {
			return commit
		}
	}
	return ""
}

// firstLine is the first line of a small file, or nothing.
func firstLine(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	return strings.TrimSpace(lines.Text())
}
