package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"sunup/internal/say"
)

// alive is the mark of a living executor: a locked file that the system
// unlocks when the process ends, however it ends.
type alive struct{ file *os.File }

// ErrRunning says that the run has an executor already.
var ErrRunning = errors.New("the run is running")

func (s *Store) markFile(runID string) string { return filepath.Join(s.dir, "run", runID+".lock") }

// SocketFile is where a run listens to those who steer it.
func (s *Store) SocketFile(runID string) string { return filepath.Join(s.dir, "run", runID+".sock") }

// markAlive takes the mark of a run. Those who only look hold it for a moment,
// so it is tried for a second.
func (s *Store) markAlive(runID string) (*alive, error) {
	f, err := os.OpenFile(s.markFile(runID), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("mark run as living: %w", err)
	}
	for range 50 {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			fmt.Fprintf(f, "%d\n", os.Getpid())
			return &alive{f}, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	_ = f.Close() // nothing was written
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, say.Fail(ErrRunning, say.T("run %s has a living executor", "실행 %s의 실행기가 살아 있습니다", runID))
	}
	return nil, fmt.Errorf("mark run as living: %w", err)
}

// end takes the mark away: the file first, so that nobody finds it unlocked.
func (a *alive) end() {
	_ = os.Remove(a.file.Name())
	_ = a.file.Close()
}

// lives reports whether the file of a run is locked; known is false when there
// is no such file on this machine.
func (s *Store) lives(runID string) (living, known bool) {
	f, err := os.Open(s.markFile(runID))
	if err != nil {
		return false, false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil, true
}

// beatLimit is after how long without a sign of life an executor on another
// machine counts as dead; it gives one every beatEvery.
const (
	beatEvery = 5 * time.Second
	beatLimit = 30 * time.Second
)

// living judges whether the executor of a run lives.
func (s *Store) living(runID, node string, beat int64) bool {
	if living, known := s.lives(runID); known {
		return living
	}
	if !s.dialect.shared {
		return false
	}
	return s.now().Sub(time.Unix(0, beat)) < beatLimit
}
