package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"syscall"

	"github.com/pkg/sftp"

	"sunup/internal/connection"
	"sunup/internal/connection/shell"
)

// files is the SFTP client of a wire, made at first use; nil client means that
// the host has no use of it for us.
type files struct {
	ready  chan struct{}
	client *sftp.Client
}

// filesOf returns the SFTP client, or nil when the host has none, or one that
// cannot replace a file in one step.
func (w *wire) filesOf(ctx context.Context) *sftp.Client {
	w.mu.Lock()
	f := w.sftp
	if f != nil {
		w.mu.Unlock()
		<-f.ready
		return f.client
	}
	f = &files{ready: make(chan struct{})}
	w.sftp = f
	w.mu.Unlock()
	defer close(f.ready)
	w.tally.RoundTrips.Add(3) // channel, subsystem, version
	client, err := w.openSFTP(ctx)
	if ctx.Err() != nil {
		w.mu.Lock()
		w.sftp = nil // says nothing about the host
		w.mu.Unlock()
	}
	if err != nil {
		return nil
	}
	if _, ok := client.HasExtension("posix-rename@openssh.com"); !ok {
		client.Close()
		return nil
	}
	f.client = client
	return client
}

func (w *wire) openSFTP(ctx context.Context) (*sftp.Client, error) {
	p, err := w.start(ctx, request{kind: "subsystem", what: "sftp"})
	if err != nil {
		return nil, err
	}
	go io.Copy(io.Discard, p.Stderr()) // ends with the channel
	client, err := sftp.NewClientPipe(p.channel, p.channel, sftp.UseConcurrentWrites(true))
	if err != nil {
		p.Close()
	}
	return client, err
}

// dropSFTP forgets a client that hangs or broke; the next transfer makes a new
// one.
func (w *wire) dropSFTP(c *sftp.Client) {
	w.mu.Lock()
	if w.sftp != nil && w.sftp.client == c {
		w.sftp = nil
	}
	w.mu.Unlock()
	c.Close()
}

// putBySFTP is false when the host's SFTP is of no use, and nothing was read.
func (c *conn) putBySFTP(ctx context.Context, name string, r io.Reader, size int64, mode fs.FileMode) (done bool, err error) {
	w, _, err := c.link.connected(ctx)
	if err != nil {
		return true, err
	}
	client := w.filesOf(ctx)
	if client == nil {
		return false, nil
	}
	w.tally.RoundTrips.Add(9) // the steps of upload.run; writes are sent together
	up := &upload{client: client, ctx: ctx, name: name, temp: shell.TempName(name), size: size, mode: mode}
	over := make(chan error, 1)
	w.work.Go(func() { over <- up.run(r) })
	select {
	case err = <-over:
	case <-ctx.Done():
		// Reading stops at ctx; a host that takes nothing is stopped here.
		w.dropSFTP(client)
		<-over
		c.shell().Remove(up.temp)
		return true, ctx.Err()
	}
	if err == nil {
		return true, nil
	}
	if errors.Is(err, sftp.ErrSSHFxConnectionLost) || errors.Is(err, io.EOF) || w.why() != nil {
		w.dropSFTP(client)
		return true, w.lost(connection.PhaseTransfer, true, err)
	}
	return true, fmt.Errorf("write %s: %w", name, err)
}

// upload is one file on its way.
type upload struct {
	client *sftp.Client
	ctx    context.Context
	name   string
	temp   string
	size   int64
	mode   fs.FileMode
}

// run writes beside, syncs and renames.
func (u *upload) run(r io.Reader) (err error) {
	old, statErr := u.client.Stat(u.name)
	if statErr == nil && old.IsDir() {
		return syscall.EISDIR
	}
	f, err := u.client.OpenFile(u.temp, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL)
	if err != nil {
		return u.explain(err)
	}
	defer func() {
		f.Close()
		if err != nil {
			u.client.Remove(u.temp)
		}
	}()
	fresh, err := f.Stat() // its mode is what the umask says
	if err != nil {
		return err
	}
	if err := f.Chmod(0o600); err != nil {
		return err
	}
	if err := u.fill(f, r); err != nil {
		return err
	}
	if err := u.dress(f, old, fresh); err != nil {
		return err
	}
	if _, ok := u.client.HasExtension("fsync@openssh.com"); ok {
		if err := f.Sync(); err != nil {
			return u.explain(err)
		}
	}
	if err := f.Close(); err != nil {
		return u.explain(err)
	}
	return u.explain(u.client.PosixRename(u.temp, u.name))
}

func (u *upload) fill(f *sftp.File, r io.Reader) error {
	src := &source{ctx: u.ctx, r: r}
	n, err := f.ReadFrom(src)
	switch {
	case src.err != nil:
		return src.err
	case err != nil:
		return u.explain(err)
	case u.size >= 0 && src.n != u.size || n != src.n:
		return fmt.Errorf("the content is %d bytes, not %d: %w", src.n, u.size, io.ErrUnexpectedEOF)
	}
	return nil
}

// dress gives the new file the old one's mode and owner, or its own mode.
func (u *upload) dress(f *sftp.File, old, fresh fs.FileInfo) error {
	mode := fresh.Mode().Perm()
	switch {
	case old != nil:
		was, ok1 := old.Sys().(*sftp.FileStat)
		is, ok2 := fresh.Sys().(*sftp.FileStat)
		if ok1 && ok2 && (was.UID != is.UID || was.GID != is.GID) {
			f.Chown(int(was.UID), int(was.GID)) // as far as we may
		}
		mode = old.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
	case u.mode != 0:
		mode = u.mode
	}
	return f.Chmod(mode)
}

// explain finds out about a full disk, for which SFTP has no word.
func (u *upload) explain(err error) error {
	var status *sftp.StatusError
	if !errors.As(err, &status) {
		return err
	}
	if vfs, e := u.client.StatVFS(path.Dir(u.name)); e == nil && (vfs.Bavail == 0 || vfs.Files > 0 && vfs.Favail == 0) {
		return fmt.Errorf("%w (%w)", syscall.ENOSPC, err)
	}
	return err
}

// source stops at the end of ctx, counts, and remembers its own failure. It
// hides Len, so that the client reads it to its end.
type source struct {
	ctx context.Context
	r   io.Reader
	n   int64
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && err != io.EOF {
		s.err = fmt.Errorf("read the content: %w", err)
	}
	return n, err
}
