package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kinds is one body of every kind.
var kinds = []Data{
	RunStarted{}, RunResumed{}, Planned{}, PlayStarted{}, InputRead{}, BatchStarted{}, TaskStarted{}, HostTaskBegan{}, HostEntered{}, ItemEnded{}, AttemptFailed{}, JobPolled{},
	HostTaskEnded{}, HostTaskHeld{}, Included{}, Notified{}, HostLost{}, HostQuarantined{}, Gathered{}, Steered{}, Probe{}, HostUp{}, Forecast{}, Anomaly{}, Warning{}, Stats{},
	Meta{}, NoHostsLeft{}, PlayEnded{}, RunEnded{},
}

// fill sets every field of v to something that is not its zero value.
func fill(v reflect.Value, depth int) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Date(2026, 11, 21, 8, 30, 0, 123456789, time.UTC)
		return
	case *say.Text:
		*x = say.T("the gate %s is 100%% shut", "게이트 %s{이/가} 100%% 닫힘", "g1")
		return
	case **value.Dict:
		*x = value.NewDict("z", 1, "a", value.NewList(1.0, nil, true, "한글 <&>"), "d", value.NewDict("k", "v"))
		return
	case *diag.Pos:
		*x = diag.Pos{File: "아침.yml", Line: 3, Col: 7}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("텍스트 " + v.Type().Name())
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(7 + depth))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("kiosk01"), reflect.ValueOf("zone a"))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth+1)
		}
	default:
		panic("fill: " + v.Type().String())
	}
}

func filled(d Data) Data {
	v := reflect.New(reflect.TypeOf(d)).Elem()
	fill(v, 0)
	return v.Interface().(Data)
}

func TestEveryEventSurvivesTheStream(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	var want []Event
	for i, d := range kinds {
		want = append(want, New(int64(i+1), time.Date(2026, 11, 21, 0, 0, i, 0, time.UTC), filled(d)))
		w.Emit(want[i])
	}
	require.NoError(t, w.Close())
	assert.Equal(t, len(kinds), strings.Count(b.String(), "\n"), "one line each")
	assert.Contains(t, b.String(), "한글 <&>", "not escaped as HTML")
	first := b.String()
	got, err := ReadAll(&b)
	require.NoError(t, err)
	require.Len(t, got, len(want))
	// A Text that was read prints the same but is built differently, so the
	// second writing is compared.
	var again bytes.Buffer
	w = NewWriter(&again)
	for i, e := range got {
		assert.Equal(t, reflect.TypeOf(kinds[i]), reflect.TypeOf(e.Data))
		w.Emit(e)
	}
	require.NoError(t, w.Close())
	assert.Equal(t, first, again.String())
}

func TestEveryKindHasOneType(t *testing.T) {
	seen := map[Type]bool{}
	for _, d := range kinds {
		assert.False(t, seen[d.Type()], d.Type())
		seen[d.Type()] = true
		back, err := readData(d.Type(), nil)
		require.NoError(t, err)
		assert.Equal(t, d, back, "an empty body reads as the zero value")
	}
}

func TestReaderToleratesWhatItCan(t *testing.T) {
	warning := `{"seq":1,"time":"2026-11-21T00:00:00Z","type":"warning","data":{"text":{"en":"x","ko":"엑스"},"new_field":1}}`
	for name, c := range map[string]struct {
		in     string
		events int
		cut    bool
		fail   string
	}{
		"empty":                     {in: "", events: 0},
		"blank lines":               {in: "\n\n" + warning + "\n \r\n", events: 1},
		"no last newline":           {in: warning, events: 1},
		"cut last line":             {in: warning + "\n" + warning[:40], events: 1, cut: true},
		"cut within a character":    {in: warning + "\n" + warning[:strings.Index(warning, "엑")+1], events: 1, cut: true},
		"broken line":               {in: warning + "\n{\n" + warning, events: 1, fail: "line 2"},
		"no type":                   {in: `{"seq":1}` + "\n", fail: "no type"},
		"wrong type of a field":     {in: `{"seq":1,"type":"play_ended","data":{"play":"x"}}` + "\n", fail: "event 1 (play_ended)"},
		"a newer kind of event":     {in: `{"seq":9,"type":"moon_rose","data":{"at":[1,2]}}` + "\n" + warning + "\n", events: 2},
		"data is missing":           {in: `{"seq":9,"type":"play_ended"}` + "\n", events: 1},
		"windows line ends":         {in: warning + "\r\n" + warning + "\r\n", events: 2},
		"not JSON at all, one line": {in: "hello", cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(strings.NewReader(c.in))
			n, err := 0, error(nil)
			for err == nil {
				if _, err = r.Next(); err == nil {
					n++
				}
			}
			assert.Equal(t, c.events, n)
			assert.Equal(t, c.cut, r.Cut())
			if c.fail == "" {
				assert.ErrorIs(t, err, io.EOF)
			} else {
				assert.ErrorContains(t, err, c.fail)
			}
		})
	}
}

func TestReaderKeepsUnknownKindsAndCountsThem(t *testing.T) {
	in := `{"seq":9,"time":"2026-11-21T00:00:00Z","type":"moon_rose","data":{"at":[1,2]}}` + "\n"
	r := NewReader(strings.NewReader(in))
	e, err := r.Next()
	require.NoError(t, err)
	var b bytes.Buffer
	w := NewWriter(&b)
	w.Emit(e)
	require.NoError(t, w.Close())
	assert.Equal(t, in, b.String())
	assert.Equal(t, map[Type]int{"moon_rose": 1}, r.Unknown())
}

func TestReaderRefusesEndlessLines(t *testing.T) {
	r := NewReader(strings.NewReader(strings.Repeat("x", 5000)))
	r.max = 1000
	_, err := r.Next()
	assert.ErrorIs(t, err, ErrLineTooLong)
}

func TestWriterFlushesAtTheEndOfARun(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	w.Emit(New(1, time.Time{}, Warning{}))
	assert.Zero(t, b.Len())
	w.Emit(New(2, time.Time{}, RunEnded{}))
	assert.Equal(t, 2, strings.Count(b.String(), "\n"))
}

func TestWriterKeepsItsFirstError(t *testing.T) {
	w := NewWriter(failing{})
	for range 3 {
		w.Emit(New(1, time.Time{}, RunEnded{}))
	}
	assert.ErrorContains(t, w.Close(), "disk full")
	assert.ErrorContains(t, w.Flush(), "disk full")
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestTeeGivesToAllAndClosesAll(t *testing.T) {
	a, b := &Recorder{}, &Recorder{}
	n := 0
	f := Tee(a, nil, b, SinkFunc(func(Event) { n++ }), NewWriter(failing{}))
	f.Emit(New(1, time.Time{}, Probe{Host: "web"}))
	assert.Len(t, Of[Probe](a), 1)
	assert.Len(t, b.Events(), 1)
	assert.Empty(t, Of[Warning](b))
	assert.Equal(t, 1, n)
	assert.ErrorContains(t, f.Close(), "disk full")
}

// slow is a sink that takes nothing until it is let go.
type slow struct {
	Recorder
	gate chan struct{}
}

func (s *slow) Emit(e Event) { <-s.gate; s.Recorder.Emit(e) }

func TestQueueLosesNothingAndKeepsTheOrder(t *testing.T) {
	for _, limit := range []int{1, 3, 1000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			s := &slow{gate: make(chan struct{})}
			q := NewQueue(s, limit)
			// All of these return although the sink takes none of them.
			for i := range 500 {
				q.Emit(New(int64(i+1), time.Time{}, HostTaskBegan{Host: "h", Task: i}))
			}
			close(s.gate)
			for i := 500; i < 1000; i++ {
				q.Emit(New(int64(i+1), time.Time{}, HostTaskBegan{Host: "h", Task: i}))
			}
			require.NoError(t, q.Close())
			require.NoError(t, q.Close())
			q.Emit(New(1, time.Time{}, Warning{}))
			got := Of[HostTaskBegan](&s.Recorder)
			require.Len(t, got, 1000)
			for i, e := range got {
				require.Equal(t, i, e.Task)
			}
		})
	}
}

func TestQueueWaitsWhenNoFileCanBeWritten(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/missing")
	s := &slow{gate: make(chan struct{}, 100)}
	q := NewQueue(s, 2)
	go func() {
		for range 100 {
			s.gate <- struct{}{}
		}
	}()
	for i := range 100 {
		q.Emit(New(int64(i+1), time.Time{}, HostTaskBegan{Task: i}))
	}
	require.NoError(t, q.Close())
	got := Of[HostTaskBegan](&s.Recorder)
	require.Len(t, got, 100)
	for i, e := range got {
		require.Equal(t, i, e.Task)
	}
}

func FuzzReader(f *testing.F) {
	for _, d := range kinds {
		b, err := json.Marshal(New(1, time.Time{}, filled(d)))
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte("{}\n\n{\"type\":\"x\"}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		events, err := ReadAll(bytes.NewReader(in))
		if err != nil {
			return
		}
		// What was read can be written, and reads the same again.
		var b bytes.Buffer
		w := NewWriter(&b)
		for _, e := range events {
			w.Emit(e)
		}
		if w.Close() != nil {
			return // a time that JSON has no form for
		}
		again, err := ReadAll(&b)
		if err != nil || len(again) != len(events) {
			t.Fatalf("read %d events, then %d (%v)", len(events), len(again), err)
		}
	})
}

func BenchmarkWriter(b *testing.B) {
	w := NewWriter(io.Discard)
	e := New(1, time.Now(), HostTaskEnded{Host: "kiosk01", Outcome: OK, Result: Result{Values: value.NewDict("changed", false, "rc", 0, "stdout", "hello", "cmd", "echo hello")}})
	b.ReportAllocs()
	for b.Loop() {
		w.Emit(e)
	}
}
