package shell

import "sync"

// Work is goroutines that somebody waits for in the end. Unlike sync.WaitGroup it
// may be given more while it is waited for: a connection can be reset under
// commands that are just starting.
type Work struct {
	mu    sync.Mutex
	under int           // way
	done  chan struct{} // closed and forgotten when nothing is under way
}

// Go runs f in a goroutine.
func (w *Work) Go(f func()) {
	w.begin()
	go func() {
		defer w.end()
		f()
	}()
}

func (w *Work) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under++
}

func (w *Work) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under--
	if w.under == 0 && w.done != nil {
		close(w.done)
		w.done = nil
	}
}

// Wait returns when nothing is under way.
func (w *Work) Wait() {
	w.mu.Lock()
	if w.under == 0 {
		w.mu.Unlock()
		return
	}
	if w.done == nil {
		w.done = make(chan struct{})
	}
	done := w.done
	w.mu.Unlock()
	<-done
}
