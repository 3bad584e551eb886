package event

import "iter"

// Settled returns the events of a record without those that count no more since
// the run was resumed or a host was tried again (Void): what is left has one end for every
// task and host. The record is read twice; an error of reading ends both.
func Settled(record iter.Seq2[Event, error]) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		void, err := voided(record)
		if err != nil {
			yield(Event{}, err)
			return
		}
		for e, err := range record {
			if err == nil && void[e.Seq] {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// voided are the numbers of the events that count no more.
func voided(record iter.Seq2[Event, error]) (map[int64]bool, error) {
	void := map[int64]bool{}
	for e, err := range record {
		if err != nil {
			return nil, err
		}
		var left []int64
		switch d := e.Data.(type) {
		case RunResumed:
			left = d.Void
		case Steered:
			left = d.Void
		}
		for _, seq := range left {
			void[seq] = true
		}
	}
	return void, nil
}

// All is a record that is in memory.
func All(events []Event) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}
