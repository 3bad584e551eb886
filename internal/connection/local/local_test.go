package local

import (
	"testing"

	"go.uber.org/goleak"

	"sunup/internal/connection"
	"sunup/internal/connection/conntest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	for name, sh := range conntest.Shells(t) {
		t.Run(name, func(t *testing.T) {
			conntest.Run(t, func(t *testing.T) connection.Link {
				l := New(connection.Options{Shell: sh})
				t.Cleanup(func() { l.Close() })
				return l
			})
		})
	}
}
