package pyrandom

import (
	"encoding/json"
	"math/big"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDrawsArePythons compares with numbers that Python drew (testdata/generate.py).
func TestDrawsArePythons(t *testing.T) {
	b, err := os.ReadFile("testdata/draws.json")
	require.NoError(t, err)
	var draws []struct {
		Seed     string
		Text     bool
		Below    [][2]int
		Bits     [][2]any
		Shuffled []int
		Later    int
	}
	require.NoError(t, json.Unmarshal(b, &draws))
	require.NotEmpty(t, draws)
	for _, d := range draws {
		s := FromText(d.Seed)
		if !d.Text {
			n, ok := new(big.Int).SetString(d.Seed, 10)
			require.True(t, ok)
			s = FromInt(n)
		}
		for _, one := range d.Below {
			require.Equal(t, one[1], s.Below(one[0]), "seed %.20s below %d", d.Seed, one[0])
		}
		for _, one := range d.Bits {
			require.Equal(t, one[1], strconv.FormatUint(s.Bits(int(one[0].(float64))), 10), "seed %.20s bits %v", d.Seed, one[0])
		}
		order := make([]int, 20)
		for i := range order {
			order[i] = i
		}
		s.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		require.Equal(t, d.Shuffled, order)
		for range 1300 {
			s.word()
		}
		require.Equal(t, d.Later, s.Below(1000000), "the state is made anew every 624 words")
	}
}

// TestFreshRowsDiffer: two rows without a seed have nothing to do with each other.
func TestFreshRowsDiffer(t *testing.T) {
	a, b := Fresh(), Fresh()
	require.NotEqual(t, []uint64{a.Bits(64), a.Bits(64)}, []uint64{b.Bits(64), b.Bits(64)})
}
