package local

import (
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
)

// umask reads the process's umask without changing it, which only /proc can;
// elsewhere the usual one is assumed.
var umask = sync.OnceValue(func() fs.FileMode {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0o022
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "Umask:"); ok {
			if n, err := strconv.ParseUint(strings.TrimSpace(v), 8, 32); err == nil {
				return fs.FileMode(n)
			}
		}
	}
	return 0o022
})
