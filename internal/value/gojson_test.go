package value

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDictKeepsOrderAndNumbersThroughJSON(t *testing.T) {
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	d := NewDict("z", 1, "a", 1.0, "n", nil, "big", huge, "list", NewList("한글", true), "d", NewDict("y", 2, "b", 3))
	b, err := json.Marshal(map[string]any{"d": d})
	require.NoError(t, err)
	assert.Equal(t, `{"d":{"z":1,"a":1.0,"n":null,"big":123456789012345678901234567890,"list":["한글",true],"d":{"y":2,"b":3}}}`, string(b))
	var back struct{ D *Dict }
	require.NoError(t, json.Unmarshal(b, &back))
	assert.True(t, Equal(d, back.D))
	assert.Equal(t, d.Keys(), back.D.Keys())
}

func TestStrangeValuesAreWrittenAsText(t *testing.T) {
	loop := NewList()
	loop.Append(loop, loop)
	d := NewDict("nan", math.NaN(), "inf", NewList(math.Inf(-1)), Tuple{1, "a"}, Tuple{1, 2}, "bytes", "a\xff", "loop", loop, "vault", Vaulted("$ANSIBLE_VAULT"))
	b, err := json.Marshal(d)
	require.NoError(t, err)
	assert.Contains(t, string(b), `"nan":"NaN","inf":["-Infinity"],"(1, 'a')":[1,2],"bytes":"a\udcff","loop":["...","..."],"vault":"\u003cencrypted\u003e"}`)
	var back Dict
	require.NoError(t, json.Unmarshal(b, &back))
	assert.Error(t, json.Unmarshal([]byte(`[1]`), &back))
	var l List
	assert.Error(t, json.Unmarshal([]byte(`{}`), &l))
	require.NoError(t, json.Unmarshal([]byte(`[1, 2]`), &l))
	assert.Equal(t, 2, l.Len())
	b, err = json.Marshal((*Dict)(nil))
	require.NoError(t, err)
	assert.Equal(t, "null", string(b))
}
