package lab_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestSize wants an idle host to be small: it is what lets a thousand of them
// live in one process.
func TestSize(t *testing.T) {
	const hosts = 200
	warm := start(t, oneHost) // the shared image is not a host's
	warm.Close()
	goroutines, before := runtime.NumGoroutine(), heap()
	f := start(t, strings.ReplaceAll(oneHost, "hosts: web1", fmt.Sprintf("hosts: 'web[1:%d]'\n    services: {app: {enabled: true, ports: 80}}", hosts)))
	perHost := (heap() - before) / hosts
	t.Logf("%d bytes and %.1f goroutines for each of %d idle hosts", perHost, float64(runtime.NumGoroutine()-goroutines)/hosts, hosts)
	assert.Less(t, perHost, uint64(60<<10))
	assert.LessOrEqual(t, runtime.NumGoroutine()-goroutines, 3*hosts)
	runtime.KeepAlive(f)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
