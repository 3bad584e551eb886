package jinja

import (
	"math"
	"math/big"
)

// precision is enough for a result that, rounded to a float, is the one C
// libraries give; math.Pow is off in the last digit for one case in a few.
const precision = 120

// exactPow is pow(x, y), rounded correctly in all but absurdly close cases.
func exactPow(x, y float64) float64 {
	p := math.Pow(x, y)
	if x <= 0 || math.IsInf(x, 0) || math.IsNaN(x) || math.IsInf(y, 0) || math.IsNaN(y) ||
		math.IsInf(p, 0) || p < 1e-300 || p > 1e300 || x == 1 || y == 0 {
		return p
	}
	l := logBig(x)
	r := expBig(l.Mul(l, newBig(y)))
	out, _ := r.Float64()
	return out
}

func newBig(f float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(f) }

// logBig is ln(x), from ln(m) + e*ln(2) with m near 1.
func logBig(x float64) *big.Float {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	out := twiceArtanh(m)
	ln2 := twiceArtanh(0.5)
	ln2.Neg(ln2)
	return out.Add(out, ln2.Mul(ln2, newBig(float64(e))))
}

// twiceArtanh is ln(m) by the series of artanh((m-1)/(m+1)).
func twiceArtanh(m float64) *big.Float {
	z := newBig(m)
	one := newBig(1)
	z.Quo(new(big.Float).SetPrec(precision).Sub(z, one), new(big.Float).SetPrec(precision).Add(z, one))
	square := new(big.Float).SetPrec(precision).Mul(z, z)
	sum, term := newBig(0), newBig(0).Set(z)
	for k := 1; k < 90; k += 2 {
		part := new(big.Float).SetPrec(precision).Quo(term, newBig(float64(k)))
		sum.Add(sum, part)
		term.Mul(term, square)
	}
	return sum.Mul(sum, newBig(2))
}

// expBig is e**v, by halving v until its series is short.
func expBig(v *big.Float) *big.Float {
	const halvings = 16
	small := new(big.Float).SetPrec(precision).SetMantExp(v, -halvings)
	sum, term := newBig(1), newBig(1)
	for k := 1; k < 20; k++ {
		term.Mul(term, small)
		term.Quo(term, newBig(float64(k)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}
