package machine

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strconv"
	"strings"
)

const crypt64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// maxRounds bounds the work that a line in /etc/shadow can ask for.
const maxRounds = 200_000

// shaCrypt computes the SHA-256 and SHA-512 hashes of crypt(3) with the scheme,
// rounds and salt of setting.
func shaCrypt(password, setting string) string {
	parts := strings.Split(setting, "$")
	if len(parts) < 3 {
		return ""
	}
	scheme, salt, rounds, prefix := parts[1], parts[2], 5000, "$"+parts[1]+"$"
	if r, ok := strings.CutPrefix(salt, "rounds="); ok && len(parts) > 3 {
		n, err := strconv.Atoi(r)
		if err != nil {
			return ""
		}
		rounds = min(max(n, 1000), maxRounds)
		salt = parts[3]
		prefix += "rounds=" + r + "$"
	}
	salt = salt[:min(len(salt), 16)]
	build, order := sha512.New, order512
	if scheme == "5" {
		build, order = sha256.New, order256
	}
	sum := shaRounds(build, []byte(password), []byte(salt), rounds)
	return prefix + salt + "$" + encodeCrypt(sum, order)
}

func shaRounds(build func() hash.Hash, pw, salt []byte, rounds int) []byte {
	cat := func(parts ...[]byte) []byte {
		h := build()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	stretch := func(b []byte, n int) []byte {
		out := make([]byte, 0, n)
		for len(out) < n {
			out = append(out, b[:min(len(b), n-len(out))]...)
		}
		return out
	}
	b := cat(pw, salt, pw)
	h := build()
	h.Write(pw)
	h.Write(salt)
	h.Write(stretch(b, len(pw)))
	for n := len(pw); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write(b)
		} else {
			h.Write(pw)
		}
	}
	a := h.Sum(nil)
	dp := build()
	for range pw {
		dp.Write(pw)
	}
	p := stretch(dp.Sum(nil), len(pw))
	ds := build()
	for range 16 + int(a[0]) {
		ds.Write(salt)
	}
	s := stretch(ds.Sum(nil), len(salt))
	for i := range rounds {
		h := build()
		if i&1 != 0 {
			h.Write(p)
		} else {
			h.Write(a)
		}
		if i%3 != 0 {
			h.Write(s)
		}
		if i%7 != 0 {
			h.Write(p)
		}
		if i&1 != 0 {
			h.Write(a)
		} else {
			h.Write(p)
		}
		a = h.Sum(nil)
	}
	return a
}

// The orders in which crypt(3) takes the bytes of a digest; -1 is a zero.
var (
	order256 = []int{0, 10, 20, 21, 1, 11, 12, 22, 2, 3, 13, 23, 24, 4, 14, 15, 25, 5, 6, 16, 26, 27, 7, 17, 18, 28, 8, 9, 19, 29, -1, 31, 30}
	order512 = []int{0, 21, 42, 22, 43, 1, 44, 2, 23, 3, 24, 45, 25, 46, 4, 47, 5, 26, 6, 27, 48, 28, 49, 7, 50, 8, 29, 9, 30, 51, 31, 52, 10,
		53, 11, 32, 12, 33, 54, 34, 55, 13, 56, 14, 35, 15, 36, 57, 37, 58, 16, 59, 17, 38, 18, 39, 60, 40, 61, 19, 62, 20, 41, -1, -1, 63}
)

func encodeCrypt(sum []byte, order []int) string {
	at := func(i int) uint {
		if i < 0 {
			return 0
		}
		return uint(sum[i])
	}
	var out strings.Builder
	for i := 0; i < len(order); i += 3 {
		v, n := at(order[i])<<16|at(order[i+1])<<8|at(order[i+2]), 4
		if i+3 >= len(order) {
			n = map[int]int{32: 3, 64: 2}[len(sum)]
		}
		for range n {
			out.WriteByte(crypt64[v&63])
			v >>= 6
		}
	}
	return out.String()
}
