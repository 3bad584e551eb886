package pyrandom

import (
	"math"
	"math/big"
)

// FromFloat is seeded by Python's hash of the number, as random.Random is.
func FromFloat(f float64) *Source {
	return FromInt(new(big.Int).SetUint64(hashOfFloat(f)))
}

// hashOfFloat is Python's hash of a finite float: the number modulo 2^61-1.
func hashOfFloat(f float64) uint64 {
	const width, prime = 61, 1<<61 - 1
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return 0
	}
	m, e := math.Frexp(math.Abs(f))
	var x uint64
	for m != 0 {
		x = (x<<28)&prime | x>>(width-28)
		m *= 1 << 28
		e -= 28
		y := uint64(m)
		m -= float64(y)
		if x += y; x >= prime {
			x -= prime
		}
	}
	if e >= 0 {
		e %= width
	} else {
		e = width - 1 - (-1-e)%width
	}
	x = (x<<e)&prime | x>>(width-e)
	if f < 0 {
		return -x
	}
	return x
}
