package reports

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"sunup/internal/event"
)

// TestWrongArgumentsAreNotSlowHosts: the message lists the names of arguments,
// and timeout is one of many.
func TestWrongArgumentsAreNotSlowHosts(t *testing.T) {
	for _, message := range []string{
		"Unsupported parameters for (wait_for) module: foo. Supported parameters include: host, port, timeout.",
		"missing required arguments: timeout",
		"value of state must be one of: present, absent, timeout, got: x",
		"parameters are mutually exclusive: timeout|minutes",
	} {
		why, _ := probableCause(event.Failed, &Failure{Message: message})
		assert.Contains(t, why.String(), "arguments", message)
	}
	why, _ := probableCause(event.Failed, &Failure{Message: "the request timed out"})
	assert.Contains(t, why.String(), "no answer in time")
}
