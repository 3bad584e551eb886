package say

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParticlesFollowTheSoundBeforeThem(t *testing.T) {
	for in, want := range map[string]string{
		"호스트{을/를}":       "호스트를",
		"작업{을/를}":        "작업을",
		"서울{으로/로}":       "서울로",
		"부산{으로/로}":       "부산으로",
		"'kiosk03'{이/가}": "'kiosk03'이",
		"'kiosk02'{은/는}": "'kiosk02'는",
		"web{와/과} {x} {": "web와 {x} {",
		"{을/를}":          "를",
	} {
		assert.Equal(t, want, T("", in).In(Korean), in)
	}
}

func TestTextNestsAndSurvivesJSON(t *testing.T) {
	inner := T("gate", "게이트")
	text := T("%s is 100%% closed", "%s{은/는} 100%% 닫힘", inner)
	assert.Equal(t, "gate is 100% closed", text.In(English))
	assert.Equal(t, "게이트는 100% 닫힘", text.In(Korean))
	b, err := json.Marshal(text)
	require.NoError(t, err)
	var back Text
	require.NoError(t, json.Unmarshal(b, &back))
	assert.Equal(t, text.In(Korean), back.In(Korean))
	assert.Equal(t, text.In(English), back.In(English))
}
