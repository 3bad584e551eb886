// Package pyrandom draws the numbers that Python's random.Random(seed) draws.
//
// Playbooks choose by seed what must stay the same from run to run ("{{ 59 | random(seed=inventory_hostname) }}"
// for the minute of a cron job): with other numbers, a change of tool would change every such host. The
// generator is the Mersenne Twister MT19937 of Matsumoto and Nishimura (1998); how it is seeded and how ranges
// and choices are made of its words follows the documentation of Python's random module, version 2 of seed().
package pyrandom

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"math/big"
	"math/bits"
)

const (
	words  = 624
	middle = 397
)

// Source is a row of numbers. It belongs to one goroutine.
type Source struct {
	state [words]uint32
	next  int
}

// FromText is random.Random(text).
func FromText(text string) *Source {
	sum := sha512.Sum512([]byte(text))
	return FromInt(new(big.Int).SetBytes(append([]byte(text), sum[:]...)))
}

// FromInt is random.Random(n).
func FromInt(n *big.Int) *Source {
	b := new(big.Int).Abs(n).Bytes()
	key := make([]uint32, max(1, (len(b)+3)/4))
	for i, c := range b {
		at := len(b) - 1 - i
		key[at/4] |= uint32(c) << (8 * (at % 4))
	}
	return seeded(key)
}

// Fresh is a row that nobody can foretell from an earlier one.
func Fresh() *Source {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	key := make([]uint32, len(b)/4)
	for i := range key {
		key[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return seeded(key)
}

// seeded is init_by_array of the reference generator.
func seeded(key []uint32) *Source {
	s := &Source{next: words}
	s.state[0] = 19650218
	for i := 1; i < words; i++ {
		s.state[i] = 1812433253*(s.state[i-1]^s.state[i-1]>>30) + uint32(i)
	}
	i, j := 1, 0
	step := func() {
		if i++; i == words {
			s.state[0], i = s.state[words-1], 1
		}
	}
	for range max(words, len(key)) {
		s.state[i] = (s.state[i] ^ (s.state[i-1]^s.state[i-1]>>30)*1664525) + key[j] + uint32(j)
		step()
		j = (j + 1) % len(key)
	}
	for range words - 1 {
		s.state[i] = (s.state[i] ^ (s.state[i-1]^s.state[i-1]>>30)*1566083941) - uint32(i)
		step()
	}
	s.state[0] = 1 << 31
	return s
}

// word returns the next 32 bits.
func (s *Source) word() uint32 {
	if s.next == words {
		s.twist()
	}
	y := s.state[s.next]
	s.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (s *Source) twist() {
	for i := range s.state {
		y := s.state[i]&(1<<31) | s.state[(i+1)%words]&(1<<31-1)
		v := s.state[(i+middle)%words] ^ y>>1
		if y&1 == 1 {
			v ^= 0x9908b0df
		}
		s.state[i] = v
	}
	s.next = 0
}

// Bits is getrandbits(k) for k from 1 to 64.
func (s *Source) Bits(k int) uint64 {
	if k <= 32 {
		return uint64(s.word() >> (32 - k))
	}
	low := uint64(s.word())
	return low | uint64(s.word()>>(64-k))<<32
}

// Below returns a number from 0 to n-1, as randrange(n) does; n is at least 1.
func (s *Source) Below(n int) int {
	k := bits.Len64(uint64(n))
	for {
		if r := s.Bits(k); r < uint64(n) {
			return int(r)
		}
	}
}

// Shuffle puts n things in another order, as shuffle() does.
func (s *Source) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, s.Below(i+1))
	}
}
