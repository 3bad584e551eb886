package yaml

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/value"
)

// dumpParams are the parameter sets of testdata/dump.py, in its order.
var dumpParams = []DumpOptions{
	{SortKeys: true},
	{AllowUnicode: true, Indent: 4, SortKeys: true},
	{Flow: Leaves, AllowUnicode: true, SortKeys: true},
	{Flow: InLine, AllowUnicode: true, Width: 40, SortKeys: true},
	{Width: 20, AllowUnicode: true},
	{DefaultStyle: "|", AllowUnicode: true, SortKeys: true},
	{DefaultStyle: "'", SortKeys: true},
	{DefaultStyle: `"`, Width: 1000, SortKeys: true},
	{ExplicitStart: true, ExplicitEnd: true, SortKeys: true},
	{Indent: 8, Width: 60, SortKeys: true},
}

// TestDumpIsPyYAMLs compares with what PyYAML wrote for the same values.
func TestDumpIsPyYAMLs(t *testing.T) {
	for line := range bytes.Lines(table(t, "dump")) {
		line = bytes.TrimRight(line, ",\n")
		if len(line) < 2 {
			continue
		}
		v, err := value.ParseJSON(line)
		require.NoError(t, err)
		row := v.(*value.Dict)
		for i, want := range row.At("Out").(*value.List).Items {
			got := Dump(row.At("Value"), dumpParams[i])
			assert.Equal(t, want, got, "%s with %+v", value.Repr(row.At("Value")), dumpParams[i])
		}
	}
}

func TestDumpSharesAndEncrypts(t *testing.T) {
	shared := value.NewList(1, 2)
	other := value.NewDict("a", value.Unsafe("{{ x }}"))
	d := value.NewDict("x", other, "y", shared, "z", value.NewList(shared, other), "v", value.Vaulted("$ANSIBLE_VAULT;1.1;AES256\n3061\n"))
	assert.Equal(t, `v: !vault |
  $ANSIBLE_VAULT;1.1;AES256
  3061
x: &id002
  a: '{{ x }}'
y: &id001
- 1
- 2
z:
- *id001
- *id002
`, Dump(d, DumpOptions{SortKeys: true}))
}

func TestDumpEndsOnItself(t *testing.T) {
	l := value.NewList(1)
	l.Append(l)
	assert.Equal(t, "&id001\n- 1\n- *id001\n", Dump(l, DumpOptions{}))
}

func TestDumpWithinALimit(t *testing.T) {
	items := value.NewList()
	for range 1000 {
		items.Append("0123456789")
	}
	_, err := DumpWithin(items, DumpOptions{}, 100)
	assert.ErrorIs(t, err, ErrTooLong)
	_, err = DumpWithin(items, DumpOptions{}, 1<<20)
	assert.NoError(t, err)
}

func FuzzDump(f *testing.F) {
	f.Add("a: b\n", 3)
	f.Add(" x\n\ty", 40)
	f.Fuzz(func(t *testing.T, s string, width int) {
		o := DumpOptions{SortKeys: true, AllowUnicode: true, Width: width}
		text := Dump(value.NewDict("k", s, "l", value.NewList(s, s)), o)
		node, problems := Load("x.yml", []byte(text))
		if problems.HasErrors() {
			t.Fatalf("%q: %v", text, problems)
		}
		want := string([]rune(s))
		if got := node.Get("k").Scalar; got != want {
			t.Fatalf("wrote %q, read %q from %q", want, got, text)
		}
	})
}
