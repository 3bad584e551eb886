package modules

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sunup/internal/value"
)

// TestArraysOfPostgreSQL holds what is no array too: it stays text.
func TestArraysOfPostgreSQL(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: `[]`, `{1,NULL,3}`: `[1, None, 3]`, `{{1,2},{3,4}}`: `[[1, 2], [3, 4]]`, `{"7"}`: `[7]`,
		`{1,`: `'{1,'`, `{1}x`: `'{1}x'`, ``: `''`, `{{{{{{{1}}}}}}}`: `'{{{{{{{1}}}}}}}'`, `{"1`: `'{"1'`, `{,}`: `'{,}'`, `[0:1]={1,2}`: `'[0:1]={1,2}'`,
	} {
		require.Equal(t, want, value.Repr(sqlTyped(text, "integer[]")), text)
	}
	require.Equal(t, `['a,b', '"', '\\', 'NULL', '{}']`, value.Repr(sqlTyped(`{"a,b","\"","\\","NULL","{}"}`, "text[]")))
	require.Equal(t, 12345678901234567890.0, sqlTyped("12345678901234567890", "numeric"))
	require.Equal(t, "x", sqlTyped("x", "integer"), "what cannot be read stays text")
	require.Equal(t, "2026-11-22T09:30:00+09:00", sqlTyped("2026-11-22 09:30:00+09", "timestamp with time zone"))
}

// FuzzSQLArray looks for arrays that the reader does not end with.
func FuzzSQLArray(f *testing.F) {
	f.Add(`{1,NULL,"a b",{2}}`)
	f.Fuzz(func(t *testing.T, text string) { sqlArray(text, "text") })
}
