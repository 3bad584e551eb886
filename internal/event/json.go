package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Raw is an event of a kind that this version does not know, kept as it was
// read: a stream written by a newer version can still be copied and counted.
type Raw struct {
	Kind Type            // the kind as read
	JSON json.RawMessage // the data as read
}

// Type is the kind as read.
func (r Raw) Type() Type { return r.Kind }

// MarshalJSON writes the data as it was read.
func (r Raw) MarshalJSON() ([]byte, error) {
	if len(r.JSON) == 0 {
		return []byte("null"), nil
	}
	return r.JSON, nil
}

// New returns an event with its type set from its data.
func New(seq int64, at time.Time, data Data) Event {
	return Event{Seq: seq, Time: at, Type: data.Type(), Data: data}
}

type eventJSON struct {
	Seq  int64           `json:"seq"`
	Time time.Time       `json:"time"`
	Type Type            `json:"type"`
	Data json.RawMessage `json:"data"`
}

// UnmarshalJSON reads one event. Fields it does not know are left out; an
// unknown type becomes Raw.
func (e *Event) UnmarshalJSON(b []byte) error {
	var j eventJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	if j.Type == "" {
		return fmt.Errorf("read event: it has no type")
	}
	data, err := readData(j.Type, j.Data)
	if err != nil {
		return fmt.Errorf("read event %d (%s): %w", j.Seq, j.Type, err)
	}
	*e = Event{Seq: j.Seq, Time: j.Time, Type: j.Type, Data: data}
	return nil
}

func readData(kind Type, b json.RawMessage) (Data, error) {
	if len(b) == 0 {
		b = json.RawMessage("{}")
	}
	switch kind {
	case TypeRunStarted:
		return read[RunStarted](b)
	case TypeRunResumed:
		return read[RunResumed](b)
	case TypePlanned:
		return read[Planned](b)
	case TypeHostUp:
		return read[HostUp](b)
	case TypeForecast:
		return read[Forecast](b)
	case TypeAnomaly:
		return read[Anomaly](b)
	case TypePlayStarted:
		return read[PlayStarted](b)
	case TypeInputRead:
		return read[InputRead](b)
	case TypeBatchStarted:
		return read[BatchStarted](b)
	case TypeTaskStarted:
		return read[TaskStarted](b)
	case TypeHostTaskBegan:
		return read[HostTaskBegan](b)
	case TypeHostEntered:
		return read[HostEntered](b)
	case TypeItemEnded:
		return read[ItemEnded](b)
	case TypeAttemptFailed:
		return read[AttemptFailed](b)
	case TypeJobPolled:
		return read[JobPolled](b)
	case TypeHostTaskEnded:
		return read[HostTaskEnded](b)
	case TypeHostTaskHeld:
		return read[HostTaskHeld](b)
	case TypeIncluded:
		return read[Included](b)
	case TypeNotified:
		return read[Notified](b)
	case TypeHostLost:
		return read[HostLost](b)
	case TypeHostQuarantined:
		return read[HostQuarantined](b)
	case TypeGathered:
		return read[Gathered](b)
	case TypeSteered:
		return read[Steered](b)
	case TypeProbe:
		return read[Probe](b)
	case TypeWarning:
		return read[Warning](b)
	case TypeStats:
		return read[Stats](b)
	case TypeMeta:
		return read[Meta](b)
	case TypeNoHostsLeft:
		return read[NoHostsLeft](b)
	case TypePlayEnded:
		return read[PlayEnded](b)
	case TypeRunEnded:
		return read[RunEnded](b)
	}
	return Raw{Kind: kind, JSON: bytes.Clone(b)}, nil
}

func read[T Data](b json.RawMessage) (Data, error) {
	var t T
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, err
	}
	return t, nil
}
