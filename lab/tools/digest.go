package tools

import (
	"bufio"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"

	"sunup/lab/machine"
)

func hashFor(tool string) hash.Hash {
	switch tool {
	case "sha1sum":
		return sha1.New()
	case "sha224sum":
		return sha256.New224()
	case "sha256sum":
		return sha256.New()
	case "sha384sum":
		return sha512.New384()
	case "sha512sum":
		return sha512.New()
	}
	return md5.New()
}

func checksum(c *machine.Call) int {
	f, args, good := getopt(c, "bctwz", "binary=b", "check=c", "text=t", "quiet=q", "status=s", "tag=T", "strict=S", "ignore-missing=i", "zero=z")
	if !good {
		return 1
	}
	if f.has("c") {
		return checkSums(c, f, args)
	}
	return eachInput(c, args, func(name string, r io.Reader) error {
		h := hashFor(c.Name())
		if _, err := io.Copy(h, r); err != nil {
			return err
		}
		mark := " "
		if f.has("b") {
			mark = "*"
		}
		if f.has("T") {
			c.Printf("%s (%s) = %s\n", strings.ToUpper(strings.TrimSuffix(c.Name(), "sum")), name, hex.EncodeToString(h.Sum(nil)))
			return nil
		}
		head := ""
		if strings.ContainsAny(name, "\\\n") {
			head, name = `\`, strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(name)
		}
		c.Printf("%s%s %s%s\n", head, hex.EncodeToString(h.Sum(nil)), mark, name)
		return nil
	})
}

func checkSums(c *machine.Call, f *flags, args []string) int {
	bad, missing := 0, 0
	code := eachInput(c, args, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string, _ bool) bool {
			sum, name, ok := strings.Cut(line, " ")
			if !ok {
				return true
			}
			name = strings.TrimLeft(name, " *")
			data, err := c.ReadFile(name)
			if err != nil {
				c.Errorf("%s: %v", name, err)
				c.Printf("%s: FAILED open or read\n", name)
				missing++
				return true
			}
			h := hashFor(c.Name())
			h.Write(data)
			state := "OK"
			if !strings.EqualFold(hex.EncodeToString(h.Sum(nil)), sum) {
				state = "FAILED"
				bad++
			}
			if !f.has("s") && (state != "OK" || !f.has("q")) {
				c.Printf("%s: %s\n", name, state)
			}
			return true
		})
	})
	if bad > 0 && !f.has("s") {
		c.Errorf("WARNING: %d computed checksum did NOT match", bad)
	}
	if bad+missing > 0 {
		return 1
	}
	return code
}

// cksum is POSIX's CRC.
func cksum(c *machine.Call) int {
	names := c.Args[1:]
	return eachInput(c, names, func(name string, r io.Reader) error {
		data, err := readAll(r)
		var crc uint32
		step := func(b byte) {
			crc ^= uint32(b) << 24
			for range 8 {
				if crc&0x80000000 != 0 {
					crc = crc<<1 ^ 0x04c11db7
				} else {
					crc <<= 1
				}
			}
		}
		for _, b := range data {
			step(b)
		}
		for n := len(data); n > 0; n >>= 8 {
			step(byte(n))
		}
		c.Printf("%d %d", ^crc, len(data))
		if len(names) > 0 {
			c.Printf(" %s", name)
		}
		c.Printf("\n")
		return err
	})
}

func base64Tool(c *machine.Call) int {
	f, args, good := getopt(c, "diw:", "decode=d", "ignore-garbage=i", "wrap:=w")
	if !good {
		return 1
	}
	wrap, _ := f.num("w", 76)
	code := 0
	c2 := eachInput(c, args, func(_ string, r io.Reader) error {
		data, err := readAll(r)
		if err != nil {
			return err
		}
		if f.has("d") {
			text := strings.Map(func(r rune) rune {
				if r == '\n' || r == '\r' || f.has("i") && !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", r) {
					return -1
				}
				return r
			}, string(data))
			out, err := base64.StdEncoding.DecodeString(text)
			c.Out.Write(out)
			if err != nil {
				code = c.Errorf("invalid input")
			}
			return nil
		}
		text := base64.StdEncoding.EncodeToString(data)
		for wrap > 0 && len(text) > wrap {
			c.Printf("%s\n", text[:wrap])
			text = text[wrap:]
		}
		c.Out.WriteString(text)
		if wrap > 0 && text != "" {
			c.Out.WriteByte('\n')
		}
		return nil
	})
	return max(code, c2)
}

func od(c *machine.Call) int {
	f, args, good := getopt(c, "A:t:N:j:w:vbcxodan", "address-radix:=A", "format:=t", "read-bytes:=N", "skip-bytes:=j", "width?=w", "output-duplicates=v")
	if !good {
		return 1
	}
	kind, _ := f.get("t")
	switch {
	case f.has("c"):
		kind = "c"
	case f.has("b"):
		kind = "o1"
	case f.has("x"):
		kind = "x2"
	case kind == "":
		kind = "o2"
	}
	radix, has := f.get("A")
	if !has {
		radix = "o"
	}
	var all []byte
	code := eachInput(c, args, func(_ string, r io.Reader) error {
		data, err := readAll(r)
		all = append(all, data...)
		return err
	})
	if v, ok := f.get("j"); ok {
		n, _ := parseSize(v)
		all = all[min(int(n), len(all)):]
	}
	if v, ok := f.get("N"); ok {
		n, _ := parseSize(v)
		all = all[:min(int(n), len(all))]
	}
	width, _ := f.num("w", 16)
	width = max(width, 1)
	addr := func(n int) {
		switch radix {
		case "n":
		case "x":
			c.Printf("%06x", n)
		case "d":
			c.Printf("%07d", n)
		default:
			c.Printf("%07o", n)
		}
	}
	size, _ := strconv.Atoi(kind[1:])
	size = max(size, 1)
	for at := 0; at < len(all); at += width {
		addr(at)
		row := all[at:min(at+width, len(all))]
		for i := 0; i < len(row); i += size {
			var v uint64
			for k := size - 1; k >= 0; k-- {
				v <<= 8
				if i+k < len(row) {
					v |= uint64(row[i+k])
				}
			}
			switch kind[0] {
			case 'x':
				c.Printf(" %0*x", size*2, v)
			case 'o':
				c.Printf(" %0*o", map[int]int{1: 3, 2: 6, 4: 11, 8: 22}[size], v)
			case 'c', 'a':
				c.Printf("%4s", odChar(row[i]))
			default:
				c.Printf(" %*d", map[int]int{1: 3, 2: 5, 4: 10, 8: 20}[size], v)
			}
		}
		c.Printf("\n")
	}
	if radix != "n" {
		addr(len(all))
		c.Printf("\n")
	}
	return code
}

func odChar(b byte) string {
	switch b {
	case 0:
		return `\0`
	case '\n':
		return `\n`
	case '\t':
		return `\t`
	case '\r':
		return `\r`
	}
	if b < ' ' || b > 126 {
		return fmt.Sprintf("%03o", b)
	}
	return string(rune(b))
}

func xxd(c *machine.Call) int {
	f, args, good := getopt(c, "prul:c:s:Cvn:e:", "canonical=C")
	if !good {
		return 1
	}
	return eachInput(c, args[:min(len(args), 1)], func(_ string, r io.Reader) error {
		data, err := readAll(r)
		if n, ok := f.num("l", -1); ok && n >= 0 {
			data = data[:min(n, len(data))]
		}
		switch {
		case f.has("r"):
			raw, _ := hex.DecodeString(strings.Join(strings.Fields(string(data)), ""))
			c.Out.Write(raw)
		case f.has("p"):
			text := hex.EncodeToString(data)
			for len(text) > 60 {
				c.Printf("%s\n", text[:60])
				text = text[60:]
			}
			c.Printf("%s\n", text)
		default:
			for at := 0; at < len(data); at += 16 {
				row := data[at:min(at+16, len(data))]
				c.Printf("%08x: ", at)
				for i := range 16 {
					if i < len(row) {
						c.Printf("%02x", row[i])
					} else {
						c.Printf("  ")
					}
					if i%2 == 1 {
						c.Printf(" ")
					}
				}
				c.Printf(" ")
				for _, b := range row {
					if b < ' ' || b > 126 {
						b = '.'
					}
					c.Out.WriteByte(b)
				}
				c.Printf("\n")
			}
		}
		return err
	})
}

// diff prints a unified difference of two files.
func diff(c *machine.Call) int {
	f, args, good := getopt(c, "uqrNaBbwiU:sy", "unified?=u", "brief=q", "recursive=r", "label:=L", "new-file=N", "color?=k")
	if !good || !operand(c, args, 2) {
		return 2
	}
	var in [2][]string
	for i := range in {
		r, done, err := open(c, args[i])
		if err != nil {
			c.Errorf("%s: %v", args[i], err)
			return 2
		}
		data, _ := readAll(bufio.NewReader(r))
		done()
		in[i] = splitLines(data)
	}
	if strings.Join(in[0], "\n") == strings.Join(in[1], "\n") {
		return 0
	}
	if f.has("q") {
		c.Printf("Files %s and %s differ\n", args[0], args[1])
		return 1
	}
	head := 0
	for head < len(in[0]) && head < len(in[1]) && in[0][head] == in[1][head] {
		head++
	}
	tail := 0
	for tail < len(in[0])-head && tail < len(in[1])-head && in[0][len(in[0])-1-tail] == in[1][len(in[1])-1-tail] {
		tail++
	}
	c.Printf("--- %s\n+++ %s\n@@ -%d,%d +%d,%d @@\n", args[0], args[1], head+1, len(in[0])-head-tail, head+1, len(in[1])-head-tail)
	for _, l := range in[0][head : len(in[0])-tail] {
		c.Printf("-%s\n", l)
	}
	for _, l := range in[1][head : len(in[1])-tail] {
		c.Printf("+%s\n", l)
	}
	return 1
}
