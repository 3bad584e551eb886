package runner

import (
	"errors"
	"time"

	"sunup/internal/connection"
	"sunup/internal/value"
	"sunup/modules"
)

// A call whose answer was lost is sent again, where that does no harm, after a
// little while: hosts that drop a connection take the next one at once or not
// for minutes.
const (
	resends     = 2
	resendAfter = 500 * time.Millisecond
)

// send calls the module. When the connection is lost after something was sent,
// nobody knows whether it ran: what may be repeated is sent again on a new
// connection, anything else never.
func (x *execution) send(m *modules.Module, c *boundCall) (*modules.Result, error) {
	for again := 0; ; again++ {
		result, err := m.Run(c.ctx, c.call)
		var lost *connection.Unreachable
		if !errors.As(err, &lost) || !lost.Sent {
			if err == nil && x.resent > 0 && !result.Changed && !result.Failed && len(x.task.Notify) > 0 {
				// What was lost may have made the change that this call found:
				// a handler too many is better than one that never runs.
				result.Changed = true
				result.Warnings = append(result.Warnings, "the answer was lost once: counted as changed so that handlers run")
			}
			return result, err
		}
		if !x.mayRepeat(c.call) {
			return nil, &answerLost{lost}
		}
		if again == resends || x.idle(c.ctx, resendAfter<<again) != nil {
			return nil, err
		}
		x.resent++
	}
}

// answerLost says that something was sent whose answer never came, and which
// may not be sent again.
type answerLost struct{ *connection.Unreachable }

// Unwrap gives the loss itself.
func (e *answerLost) Unwrap() error { return e.Unreachable }

// lostResult is the result of a host that could not be reached, or was lost.
func lostResult(lost *connection.Unreachable, err error) *value.Dict {
	msg := err.Error()
	if lost.Hint != "" {
		msg += " (" + lost.Hint + ")"
	}
	d := value.NewDict("unreachable", true, "msg", msg, "changed", false)
	if lost.Sent {
		d.Set("sunup_sent", true)
	}
	if errors.As(err, new(*answerLost)) {
		d.Set("sunup_unknown", true)
	}
	return d
}
