package runner_test

import (
	"context"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/event"
)

// mended is a host that is well from some moment on: a person repairs it.
type mended struct {
	mu   sync.Mutex
	well time.Time
}

func (m *mended) As(connection.Become) connection.Conn { return m }
func (m *mended) Reset() error                         { return nil }
func (m *mended) Close() error                         { return nil }

func (m *mended) Exec(_ context.Context, c connection.Command) (connection.Output, error) {
	if d, err := time.ParseDuration(strings.TrimSpace(strings.TrimPrefix(c.Script, "take"))); err == nil {
		time.Sleep(d)
		return connection.Output{}, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if strings.Contains(c.Script, "is-well") && time.Now().Before(m.well) {
		return connection.Output{Code: 1}, nil
	}
	return connection.Output{}, nil
}

func (m *mended) Put(context.Context, string, io.Reader, int64, fs.FileMode) error { return nil }
func (m *mended) Get(context.Context, string, io.Writer) error                     { return fs.ErrNotExist }

// TestAMendedHostIsReleased: a kiosk whose gate did not open is set aside; when
// its probes pass later it takes part in the plays that come.
func TestAMendedHostIsReleased(t *testing.T) {
	for name, c := range map[string]struct {
		mended time.Duration
		ran    bool
		code   int
	}{
		"mended while the run goes on": {2 * time.Minute, true, 0},
		"not mended":                   {time.Hour, false, 10},
	} {
		t.Run(name, func(t *testing.T) {
			rig := newRig(t, map[string]string{
				"site.yml": "- name: Kiosks\n  hosts: kiosks\n  gather_facts: false\n  quarantine: true\n  coverage: 50%\n" +
					"  tasks: [{raw: begin}]\n  health: {probes: [{command: is-well}], every: 1s, for: 10s}\n" +
					"- name: Long\n  hosts: servers\n  gather_facts: false\n  tasks: [{raw: take 5m}]\n" +
					"- name: Notice\n  hosts: kiosks\n  gather_facts: false\n  needs: [Kiosks, Long]\n  tasks: [{debug: {msg: noticed}}]\n",
				"hosts.ini": "[kiosks]\nk1\nk2\n[servers]\ns1\n",
			})
			rig.load(t)
			synctest.Test(t, func(t *testing.T) {
				sick := &mended{well: time.Now().Add(c.mended)}
				rig.options.Open = func(_ string, o connection.Options) (connection.Link, error) {
					if o.Name == "k2" {
						return sick, nil
					}
					return &mended{}, nil
				}
				summary, err := rig.execute()
				require.NoError(t, err)
				require.Len(t, event.Of[event.HostQuarantined](&rig.events), 1)
				assert.Equal(t, []string{"noticed"}, rig.messages()["k1"])
				assert.Equal(t, c.ran, len(rig.messages()["k2"]) == 1)
				assert.Equal(t, c.code, summary.Code)
				for _, s := range event.Of[event.Steered](&rig.events) {
					assert.Equal(t, "k2", s.Host)
					assert.Equal(t, "probe", s.From)
				}
			})
		})
	}
}
