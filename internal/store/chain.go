package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"sunup/internal/event"
)

// Hash is SHA-256.
type Hash = [sha256.Size]byte

// chainStart is the hash that a run's first event follows: rows cannot be moved
// from one run to another.
func chainStart(runID string) Hash { return sha256.Sum256([]byte("sunup run " + runID)) }

// link is the hash of an element, given the one before it and the SHA-256 of
// the element itself. That digest may outlive the element: a row whose output
// was pruned keeps its place in the chain.
func link(before, digest Hash) Hash {
	var both [2 * sha256.Size]byte
	copy(both[:], before[:])
	copy(both[sha256.Size:], digest[:])
	return sha256.Sum256(both[:])
}

// row is one event as it is stored.
type row struct {
	seq    int64
	at     string
	kind   string
	data   string // JSON
	hash   []byte
	digest []byte // only when data is not what was hashed
}

// line is the event as one line of a stream, without its end: exactly what
// `--events` writes.
func (r row) line() []byte {
	b := make([]byte, 0, len(r.data)+len(r.at)+len(r.kind)+64)
	b = append(b, `{"seq":`...)
	b = strconv.AppendInt(b, r.seq, 10)
	b = append(b, `,"time":"`...)
	b = append(b, r.at...)
	b = append(b, `","type":"`...)
	b = append(b, r.kind...)
	b = append(b, `","data":`...)
	b = append(b, r.data...)
	return append(b, '}')
}

// event reads the row.
func (r row) event() (event.Event, error) {
	at, err := time.Parse(time.RFC3339Nano, r.at)
	if err != nil {
		return event.Event{}, fmt.Errorf("read event %d: %w", r.seq, err)
	}
	data, err := event.ReadData(event.Type(r.kind), []byte(r.data))
	if err != nil {
		return event.Event{}, fmt.Errorf("read event %d (%s): %w", r.seq, r.kind, err)
	}
	return event.Event{Seq: r.seq, Time: at, Type: event.Type(r.kind), Data: data}, nil
}

// encoder makes rows of events; it belongs to one goroutine.
type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

func newEncoder() *encoder {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}

// row encodes an event, chained to the hash before it.
func (e *encoder) row(ev event.Event, before Hash) (row, Hash, error) {
	e.buf.Reset()
	if err := e.json.Encode(ev.Data); err != nil {
		return row{}, before, fmt.Errorf("encode event %d (%s): %w", ev.Seq, ev.Type, err)
	}
	r := row{
		seq: ev.Seq, at: ev.Time.Format(time.RFC3339Nano), kind: string(ev.Type),
		data: string(bytes.TrimSuffix(e.buf.Bytes(), []byte("\n"))),
	}
	hash := link(before, sha256.Sum256(r.line()))
	r.hash = hash[:]
	return r, hash, nil
}
