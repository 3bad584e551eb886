package hostfs

import "io/fs"

// Errno is an error of a simulated system call. Its text is what strerror(3)
// says, since tools print it.
type Errno struct {
	Name, Text string
	kind       error
}

// Error gives the text of strerror.
func (e *Errno) Error() string { return e.Text }

// Is lets errors.Is(err, fs.ErrNotExist) and the like work.
func (e *Errno) Is(target error) bool { return e.kind != nil && target == e.kind }

// The errors of system calls.
var (
	ENOENT       = &Errno{"ENOENT", "No such file or directory", fs.ErrNotExist}
	EACCES       = &Errno{"EACCES", "Permission denied", fs.ErrPermission}
	EPERM        = &Errno{"EPERM", "Operation not permitted", fs.ErrPermission}
	EEXIST       = &Errno{"EEXIST", "File exists", fs.ErrExist}
	ENOTDIR      = &Errno{"ENOTDIR", "Not a directory", nil}
	EISDIR       = &Errno{"EISDIR", "Is a directory", nil}
	ENOTEMPTY    = &Errno{"ENOTEMPTY", "Directory not empty", nil}
	ELOOP        = &Errno{"ELOOP", "Too many levels of symbolic links", nil}
	ENOSPC       = &Errno{"ENOSPC", "No space left on device", nil}
	EROFS        = &Errno{"EROFS", "Read-only file system", nil}
	EXDEV        = &Errno{"EXDEV", "Invalid cross-device link", nil}
	EINVAL       = &Errno{"EINVAL", "Invalid argument", fs.ErrInvalid}
	EBUSY        = &Errno{"EBUSY", "Device or resource busy", nil}
	EBADF        = &Errno{"EBADF", "Bad file descriptor", fs.ErrClosed}
	EPIPE        = &Errno{"EPIPE", "Broken pipe", nil}
	ENXIO        = &Errno{"ENXIO", "No such device or address", nil}
	ENAMETOOLONG = &Errno{"ENAMETOOLONG", "File name too long", nil}
	EIO          = &Errno{"EIO", "Input/output error", nil}
	ENOEXEC      = &Errno{"ENOEXEC", "Exec format error", nil}
	ECONNREFUSED = &Errno{"ECONNREFUSED", "Connection refused", nil}
	EHOSTUNREACH = &Errno{"EHOSTUNREACH", "No route to host", nil}
	ETIMEDOUT    = &Errno{"ETIMEDOUT", "Connection timed out", nil}
	ESRCH        = &Errno{"ESRCH", "No such process", nil}
	EFBIG        = &Errno{"EFBIG", "File too large", nil}
	EINTR        = &Errno{"EINTR", "Interrupted system call", nil}
)
