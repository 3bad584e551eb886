package sshd

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// sftp serves the file tree as the logged-in user.
func (s *session) sftp() {
	defer s.ch.Close()
	p := s.p.s.m.Login(s.p.user, []string{"sftp-server"}, nil)
	defer p.Abandon()
	s.p.s.m.RecordLogin(p, "sftp")
	v := &sftpView{m: s.p.s.m, cred: p.Cred, home: p.Cwd}
	server := sftp.NewRequestServer(s.ch, sftp.Handlers{FileGet: v, FilePut: v, FileCmd: v, FileList: v}, sftp.WithStartDirectory(p.Cwd))
	server.Serve()
	server.Close()
	s.ch.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
}

// sftpView is the tree through a user's eyes.
type sftpView struct {
	m    *machine.Machine
	cred hostfs.Cred
	home string
}

// status turns an error into one that SFTP can say.
func status(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return sftp.ErrSSHFxNoSuchFile
	case errors.Is(err, fs.ErrPermission):
		return sftp.ErrSSHFxPermissionDenied
	}
	return err // "Failure" with the text
}

// Fileread opens a file for reading.
func (v *sftpView) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	h, err := v.m.FS.Open(v.cred, r.Filepath, hostfs.Read, 0)
	if err != nil {
		return nil, status(err)
	}
	return h, nil
}

// Filewrite opens a file for writing.
func (v *sftpView) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	f := r.Pflags()
	flag := hostfs.Write
	if f.Creat {
		flag |= hostfs.Create
	}
	if f.Trunc {
		flag |= hostfs.Truncate
	}
	if f.Excl {
		flag |= hostfs.Exclusive
	}
	if f.Append {
		flag |= hostfs.Append
	}
	mode := fs.FileMode(0o644)
	if r.AttrFlags().Permissions {
		mode = r.Attributes().FileMode().Perm()
	}
	h, err := v.m.FS.Open(v.cred, r.Filepath, flag, mode)
	if err != nil {
		return nil, status(err)
	}
	return h, nil
}

// Filecmd changes the tree.
func (v *sftpView) Filecmd(r *sftp.Request) error {
	t, c := v.m.FS, v.cred
	switch r.Method {
	case "Setstat":
		return status(v.setstat(r))
	case "Rename":
		if _, err := t.Lstat(c, r.Target); err == nil {
			return sftp.ErrSSHFxFailure // only posix-rename replaces
		}
		return status(t.Rename(c, r.Filepath, r.Target))
	case "Rmdir":
		return status(t.Remove(c, r.Filepath, "dir"))
	case "Remove":
		return status(t.Remove(c, r.Filepath, "file"))
	case "Mkdir":
		return status(t.Mkdir(c, r.Filepath, 0o755))
	case "Link":
		return status(t.Link(c, r.Filepath, r.Target))
	case "Symlink":
		return status(t.Symlink(c, r.Filepath, r.Target))
	}
	return sftp.ErrSSHFxOpUnsupported
}

// PosixRename replaces the target in one step.
func (v *sftpView) PosixRename(r *sftp.Request) error {
	return status(v.m.FS.Rename(v.cred, r.Filepath, r.Target))
}

// StatVFS tells the room on the disk.
func (v *sftpView) StatVFS(r *sftp.Request) (*sftp.StatVFS, error) {
	m, err := v.m.FS.MountOf(v.cred, r.Filepath)
	if err != nil {
		return nil, status(err)
	}
	size := m.Size
	if size == 0 {
		size = 20 << 30
	}
	free := uint64(max(size-m.Used, 0)) / 4096
	return &sftp.StatVFS{Bsize: 4096, Frsize: 4096, Blocks: uint64(size) / 4096, Bfree: free, Bavail: free, Namemax: 255}, nil
}

func (v *sftpView) setstat(r *sftp.Request) error {
	t, c, a, has := v.m.FS, v.cred, r.Attributes(), r.AttrFlags()
	if has.Size {
		h, err := t.Open(c, r.Filepath, hostfs.Write, 0)
		if err == nil {
			err = h.Truncate(int64(a.Size))
		}
		if err != nil {
			return err
		}
	}
	if has.Permissions {
		if err := t.Chmod(c, r.Filepath, a.FileMode()); err != nil {
			return err
		}
	}
	if has.UidGid {
		if err := t.Chown(c, r.Filepath, int(a.UID), int(a.GID), true); err != nil {
			return err
		}
	}
	if has.Acmodtime {
		return t.Chtimes(c, r.Filepath, time.Unix(int64(a.Atime), 0), time.Unix(int64(a.Mtime), 0), true)
	}
	return nil
}

// Filelist lists a directory, stats, or reads a link.
func (v *sftpView) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	switch r.Method {
	case "List":
		list, err := v.m.FS.ReadDir(v.cred, r.Filepath)
		if err != nil {
			return nil, status(err)
		}
		out := make(infos, len(list))
		for i, e := range list {
			out[i] = sftpInfo{e}
		}
		return out, nil
	case "Stat":
		i, err := v.m.FS.Stat(v.cred, r.Filepath)
		if err != nil {
			return nil, status(err)
		}
		return infos{sftpInfo{i}}, nil
	}
	return nil, sftp.ErrSSHFxOpUnsupported
}

// Lstat looks at a link itself.
func (v *sftpView) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	i, err := v.m.FS.Lstat(v.cred, r.Filepath)
	if err != nil {
		return nil, status(err)
	}
	return infos{sftpInfo{i}}, nil
}

// Readlink reads a link.
func (v *sftpView) Readlink(p string) (string, error) {
	target, err := v.m.FS.Readlink(v.cred, p)
	return target, status(err)
}

// RealPath resolves a path; what is not there resolves by its text.
func (v *sftpView) RealPath(p string) (string, error) {
	if !strings.HasPrefix(p, "/") {
		p = v.home + "/" + p
	}
	if real, err := v.m.FS.Real(v.cred, p); err == nil {
		return real, nil
	}
	return path.Clean(p), nil
}

// sftpInfo tells SFTP the owner too.
type sftpInfo struct{ hostfs.Info }

// Uid and Gid satisfy sftp.FileInfoUidGid.
func (i sftpInfo) Uid() uint32 { return uint32(i.UID) }
func (i sftpInfo) Gid() uint32 { return uint32(i.GID) }

type infos []os.FileInfo

// ListAt satisfies sftp.ListerAt.
func (l infos) ListAt(out []os.FileInfo, off int64) (int, error) {
	if off >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(out, l[off:])
	if n < len(out) {
		return n, io.EOF
	}
	return n, nil
}
