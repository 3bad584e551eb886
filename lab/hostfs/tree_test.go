package hostfs

import (
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func base(t *testing.T) *Tree {
	t.Helper()
	b := New(nil)
	require.NoError(t, b.MkdirAll(Root, "/etc/deep/er", 0o755))
	require.NoError(t, b.WriteFile(Root, "/etc/file", []byte("base"), 0o644))
	require.NoError(t, b.WriteFile(Root, "/etc/deep/er/x", []byte("x"), 0o644))
	require.NoError(t, b.Symlink(Root, "../etc/file", "/etc/link"))
	return b.Freeze()
}

func content(t *testing.T, tree *Tree, p string) string {
	t.Helper()
	data, err := tree.ReadFile(Root, p)
	require.NoError(t, err)
	return string(data)
}

// TestCopyOnWrite changes one tree in every way and wants the other one and
// the base as they were.
func TestCopyOnWrite(t *testing.T) {
	b := base(t)
	one, two := New(b), New(b)
	require.NoError(t, one.WriteFile(Root, "/etc/link", []byte("changed"), 0o644))
	require.NoError(t, one.AppendFile(Root, "/etc/deep/er/x", []byte("y"), 0o644))
	require.NoError(t, one.Chmod(Root, "/etc/deep", 0o700))
	require.NoError(t, one.Chown(Root, "/etc/file", 5, 6, true))
	require.NoError(t, one.Rename(Root, "/etc/deep/er", "/etc/er"))
	require.NoError(t, one.Remove(Root, "/etc/link", "file"))
	require.NoError(t, one.Link(Root, "/etc/file", "/etc/hard"))
	require.NoError(t, one.Chtimes(Root, "/etc", time.Time{}, time.Unix(5, 0), true))
	assert.Equal(t, "changed", content(t, one, "/etc/hard"))
	assert.Equal(t, "xy", content(t, one, "/etc/er/x"))
	for _, other := range []*Tree{two, b} {
		assert.Equal(t, "base", content(t, other, "/etc/link"))
		assert.Equal(t, "x", content(t, other, "/etc/deep/er/x"))
		i, err := other.Stat(Root, "/etc/deep")
		require.NoError(t, err)
		assert.Equal(t, fs.ModeDir|0o755, i.FileMode)
		_, err = other.Lstat(Root, "/etc/hard")
		assert.ErrorIs(t, err, fs.ErrNotExist)
	}
}

func TestErrors(t *testing.T) {
	tree := New(base(t))
	user := Cred{UID: 1, GID: 1}
	require.NoError(t, tree.Mkdir(Root, "/sticky", 0o777|fs.ModeSticky))
	require.NoError(t, tree.WriteFile(Root, "/sticky/roots", nil, 0o666))
	require.NoError(t, tree.Symlink(Root, "loop", "/loop"))
	require.NoError(t, tree.Mount(Mount{Dir: "/small", Size: 10}))
	require.NoError(t, tree.Mount(Mount{Dir: "/ro", ReadOnly: true}))
	require.NoError(t, tree.WriteFile(Root, "/fixed", nil, 0o666))
	require.NoError(t, tree.SetImmutable(Root, "/fixed", true))
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"write without permission": {tree.WriteFile(user, "/etc/file", nil, 0), EACCES},
		"make without permission":  {tree.Mkdir(user, "/x", 0o755), EACCES},
		"sticky":                   {tree.Remove(user, "/sticky/roots", "file"), EPERM},
		"foreign chmod":            {tree.Chmod(user, "/etc/file", 0), EPERM},
		"loop":                     {tree.Mkdir(Root, "/loop/x", 0o755), ELOOP},
		"file as directory":        {tree.Mkdir(Root, "/etc/file/x", 0o755), ENOTDIR},
		"full":                     {tree.WriteFile(Root, "/small/f", make([]byte, 11), 0o644), ENOSPC},
		"read only":                {tree.WriteFile(Root, "/ro/f", nil, 0o644), EROFS},
		"across mounts":            {tree.Rename(Root, "/etc/file", "/small/file"), EXDEV},
		"into itself":              {tree.Rename(Root, "/etc", "/etc/deep/etc"), EINVAL},
		"not empty":                {tree.Remove(Root, "/etc", "dir"), ENOTEMPTY},
		"mount point":              {tree.Remove(Root, "/small", "dir"), EBUSY},
		"immutable":                {tree.WriteFile(Root, "/fixed", nil, 0), EPERM},
		"remove immutable":         {tree.Remove(Root, "/fixed", "file"), EPERM},
		"over a directory":         {tree.Rename(Root, "/etc/file", "/etc/deep"), EISDIR},
	} {
		assert.Equal(t, c.want, c.err, name)
	}
}

// TestDiskIsFreed wants the room back after a file is gone.
func TestDiskIsFreed(t *testing.T) {
	tree := New(nil)
	require.NoError(t, tree.Mount(Mount{Dir: "/d", Size: 100}))
	for range 5 {
		require.NoError(t, tree.WriteFile(Root, "/d/f", make([]byte, 90), 0o644))
		require.NoError(t, tree.Link(Root, "/d/f", "/d/g"))
		require.NoError(t, tree.Remove(Root, "/d/f", "file"))
		require.Equal(t, ENOSPC, tree.WriteFile(Root, "/d/h", make([]byte, 90), 0o644))
		require.NoError(t, tree.Remove(Root, "/d/h", "file"))
		require.NoError(t, tree.Remove(Root, "/d/g", "file"))
	}
	require.Zero(t, tree.Mounts()[1].Used)
}
