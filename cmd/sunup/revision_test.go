package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
)

// TestRevisionIsGits compares with git itself: a branch, a packed branch, no
// branch, a work tree, and no checkout at all.
func TestRevisionIsGits(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	git := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	book := filepath.Join(dir, "books", "site.yml")
	require.NoError(t, os.MkdirAll(filepath.Dir(book), 0o755))
	assert.Nil(t, gitRevision(book), "no checkout")
	git("init", "-q", "-b", "아침/기동")
	assert.Nil(t, gitRevision(book), "no commit yet")
	git("commit", "-q", "--allow-empty", "-m", "one")
	commit := git("rev-parse", "HEAD")
	assert.Equal(t, &event.Revision{Commit: commit, Branch: "아침/기동"}, gitRevision(book))
	git("pack-refs", "--all")
	assert.Equal(t, &event.Revision{Commit: commit, Branch: "아침/기동"}, gitRevision(book), "packed")
	tree := filepath.Join(t.TempDir(), "tree")
	git("worktree", "add", "-q", "-b", "other", tree)
	assert.Equal(t, &event.Revision{Commit: commit, Branch: "other"}, gitRevision(filepath.Join(tree, "site.yml")), "a work tree")
	git("checkout", "-q", "--detach")
	assert.Equal(t, &event.Revision{Commit: commit}, gitRevision(book), "no branch")
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".git", "HEAD"), []byte("ref: ../../../etc/passwd\n"), 0o644))
	assert.Nil(t, gitRevision(book), "a HEAD that leads astray")
}
