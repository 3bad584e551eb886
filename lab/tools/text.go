package tools

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// maxInput bounds what a tool holds in memory.
const maxInput = 256 << 20

// open opens a named input; "-" is standard input.
func open(c *machine.Call, name string) (io.Reader, func(), error) {
	if name == "-" {
		return c.In, func() {}, nil
	}
	d, err := c.Open(name, hostfs.Read, 0)
	if err != nil {
		return nil, nil, err
	}
	if h := machine.HandleOf(d); h != nil && h.Info().IsDir() {
		d.Drop()
		return nil, nil, hostfs.EISDIR
	}
	return machine.Reader{Ctx: c.Context(), D: d}, d.Drop, nil
}

// eachInput calls do for every operand, or standard input without any.
func eachInput(c *machine.Call, names []string, do func(name string, r io.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	code := 0
	for _, n := range names {
		r, done, err := open(c, n)
		if err == nil {
			err = do(n, r)
			done()
		}
		if err != nil && c.Context().Err() == nil {
			code = c.Errorf("%s: %v", n, err)
		}
	}
	return code
}

func readAll(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxInput)) }

// splitLines cuts text at newlines; the last line may lack one.
func splitLines(data []byte) []string {
	if len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// eachLine calls do for each line without its end, till it returns false.
func eachLine(r io.Reader, do func(line string, ended bool) bool) error {
	b := bufio.NewReaderSize(r, 16<<10)
	for {
		line, err := b.ReadString('\n')
		if len(line) > 0 {
			text := strings.TrimSuffix(line, "\n")
			if !do(text, len(text) < len(line)) {
				return nil
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func cat(c *machine.Call) int {
	f, args, good := getopt(c, "AbeEnstTuv", "number=n", "show-all=A", "show-ends=E", "squeeze-blank=s")
	if !good {
		return 1
	}
	if f.has("n", "b", "E", "A", "s", "e", "T", "v", "t") {
		return catMarked(c, f, args)
	}
	c.Out.Flush()
	return eachInput(c, args, func(_ string, r io.Reader) error {
		buf := make([]byte, 32<<10)
		for {
			n, err := r.Read(buf)
			if n > 0 {
				// Straight through: what comes slowly must be seen at once.
				if _, werr := c.Write(1, buf[:n]); werr != nil {
					return fmt.Errorf("write error: %w", werr)
				}
			}
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
}

func catMarked(c *machine.Call, f *flags, args []string) int {
	n, blank := 0, false
	return eachInput(c, args, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string, ended bool) bool {
			if f.has("s") && line == "" && blank {
				return true
			}
			blank = line == ""
			if f.has("n") && !f.has("b") || f.has("b") && line != "" {
				n++
				c.Printf("%6d\t", n)
			}
			if f.has("A", "T", "t") {
				line = strings.ReplaceAll(line, "\t", "^I")
			}
			c.Out.WriteString(line)
			if f.has("E", "A", "e") && ended {
				c.Out.WriteByte('$')
			}
			if ended {
				c.Out.WriteByte('\n')
			}
			return true
		})
	})
}

func catAll(c *machine.Call) int {
	var names []string
	for i := 1; i < len(c.Args); i++ {
		switch a := c.Args[i]; {
		case a == "-f" || a == "-t" || a == "-o":
			i++
		case !strings.HasPrefix(a, "-"):
			names = append(names, a)
		}
	}
	return eachInput(c, names, func(_ string, r io.Reader) error {
		_, err := io.Copy(c.Out, r)
		return err
	})
}

// count reads "-n 5", "-5" and "+5" for head and tail.
func headFlags(c *machine.Call) (*flags, []string, bool) {
	if len(c.Args) > 1 && len(c.Args[1]) > 1 && c.Args[1][0] == '-' && c.Args[1][1] >= '0' && c.Args[1][1] <= '9' {
		c.Args = append([]string{c.Args[0], "-n" + c.Args[1][1:]}, c.Args[2:]...)
	}
	if c.Name() == "tail" && len(c.Args) > 1 && len(c.Args[1]) > 1 && c.Args[1][0] == '+' {
		c.Args = append([]string{c.Args[0], "-n" + c.Args[1]}, c.Args[2:]...)
	}
	return getopt(c, "n:c:qvfFzs:", "lines:=n", "bytes:=c", "quiet=q", "silent=q", "verbose=v", "follow?=f", "zero-terminated=z", "retry=F", "pid:=P", "sleep-interval:=s")
}

func header(c *machine.Call, f *flags, names []string, i int, name string) {
	if !f.has("v") && (len(names) < 2 || f.has("q")) {
		return
	}
	if i > 0 {
		c.Printf("\n")
	}
	if name == "-" {
		name = "standard input"
	}
	c.Printf("==> %s <==\n", name)
}

func head(c *machine.Call) int {
	f, args, good := headFlags(c)
	if !good {
		return 1
	}
	v, bytesWanted := f.get("c")
	if !bytesWanted {
		if v, good = f.get("n"); !good {
			v = "10"
		}
	}
	n, okSize := parseSize(strings.TrimLeft(v, "-+"))
	if !okSize {
		return c.Errorf("invalid number of lines: ‘%s’", v)
	}
	allBut := strings.HasPrefix(v, "-")
	i := 0
	return eachInput(c, args, func(name string, r io.Reader) error {
		header(c, f, args, i, name)
		i++
		if bytesWanted && !allBut {
			_, err := io.CopyN(c.Out, r, n)
			if err == io.EOF {
				err = nil
			}
			return err
		}
		if allBut {
			data, err := readAll(r)
			if bytesWanted {
				c.Out.Write(data[:max(0, len(data)-int(n))])
				return err
			}
			lines := strings.SplitAfter(string(data), "\n")
			if lines[len(lines)-1] == "" {
				lines = lines[:len(lines)-1]
			}
			c.Out.WriteString(strings.Join(lines[:max(0, len(lines)-int(n))], ""))
			return err
		}
		left := n
		if left == 0 {
			return nil
		}
		return eachLine(r, func(line string, ended bool) bool {
			c.Out.WriteString(line)
			if ended {
				c.Out.WriteByte('\n')
			}
			left--
			return left > 0
		})
	})
}

func tail(c *machine.Call) int {
	f, args, good := headFlags(c)
	if !good {
		return 1
	}
	v, bytesWanted := f.get("c")
	if !bytesWanted {
		if v, good = f.get("n"); !good {
			v = "10"
		}
	}
	n, okSize := parseSize(strings.TrimLeft(v, "-+"))
	if !okSize {
		return c.Errorf("invalid number of lines: ‘%s’", v)
	}
	fromStart := strings.HasPrefix(v, "+")
	i := 0
	code := eachInput(c, args, func(name string, r io.Reader) error {
		header(c, f, args, i, name)
		i++
		data, err := readAll(r)
		if bytesWanted {
			start := max(0, len(data)-int(n))
			if fromStart {
				start = min(len(data), max(int(n)-1, 0))
			}
			c.Out.Write(data[start:])
			return err
		}
		lines := strings.SplitAfter(string(data), "\n")
		if lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1]
		}
		start := max(0, len(lines)-int(n))
		if fromStart {
			start = min(len(lines), max(int(n)-1, 0))
		}
		c.Out.WriteString(strings.Join(lines[start:], ""))
		return err
	})
	if f.has("f", "F") && len(args) == 1 {
		return follow(c, args[0])
	}
	return code
}

// follow prints what is added to a file till the process is killed.
func follow(c *machine.Call, name string) int {
	c.Out.Flush()
	d, err := c.Open(name, hostfs.Read, 0)
	if err != nil {
		return c.Errorf("cannot open '%s' for reading: %v", name, err)
	}
	defer d.Drop()
	h := machine.HandleOf(d)
	if h == nil {
		return 0
	}
	h.Seek(0, io.SeekEnd)
	buf := make([]byte, 4096)
	for c.Sleep(200*1e6) == nil {
		for {
			n, err := h.Read(buf)
			if n > 0 {
				if _, err := c.Write(1, buf[:n]); err != nil {
					return 1
				}
			}
			if err != nil {
				break
			}
		}
	}
	return 0
}

// ranges reads "1,3-5,7-".
type span struct{ lo, hi int }

func parseRanges(s string) ([]span, bool) {
	var out []span
	for _, p := range strings.Split(s, ",") {
		lo, hi, dash := strings.Cut(p, "-")
		a, b := 1, 1<<30
		var err error
		if lo != "" {
			if a, err = strconv.Atoi(lo); err != nil || a < 1 {
				return nil, false
			}
		}
		switch {
		case !dash:
			b = a
		case hi != "":
			if b, err = strconv.Atoi(hi); err != nil {
				return nil, false
			}
		case lo == "":
			return nil, false
		}
		out = append(out, span{a, b})
	}
	return out, true
}

func cut(c *machine.Call) int {
	f, args, good := getopt(c, "b:c:d:f:nsz", "bytes:=b", "characters:=c", "delimiter:=d", "fields:=f", "only-delimited=s", "complement=C", "output-delimiter:=o")
	if !good {
		return 1
	}
	delim, given := f.get("d")
	if !given {
		delim = "\t"
	}
	if given && len([]rune(delim)) != 1 {
		c.Errorf("the delimiter must be a single character")
		try(c)
		return 1
	}
	list, byField := f.get("f")
	if !byField {
		var got bool
		if list, got = f.get("c"); !got {
			if list, got = f.get("b"); !got {
				c.Errorf("you must specify a list of bytes, characters, or fields")
				try(c)
				return 1
			}
		}
	}
	spans, okList := parseRanges(list)
	if !okList {
		c.Errorf("invalid field range")
		try(c)
		return 1
	}
	want := func(n int) bool {
		in := false
		for _, s := range spans {
			in = in || n >= s.lo && n <= s.hi
		}
		return in != f.has("C")
	}
	outDelim, has := f.get("o")
	if !has {
		outDelim = delim
		if !byField {
			outDelim = ""
		}
	}
	return eachInput(c, args, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string, _ bool) bool {
			var parts, out []string
			if byField {
				if !strings.Contains(line, delim) {
					if !f.has("s") {
						c.Printf("%s\n", line)
					}
					return true
				}
				parts = strings.Split(line, delim)
			} else {
				for i := range len(line) {
					parts = append(parts, line[i:i+1])
				}
			}
			for i, p := range parts {
				if want(i + 1) {
					out = append(out, p)
				}
			}
			c.Printf("%s\n", strings.Join(out, outDelim))
			return true
		})
	})
}

// trSet expands a set of tr.
func trSet(s string) []rune {
	s, _ = escapes(s, false)
	var out []rune
	r := []rune(s)
	for i := 0; i < len(r); i++ {
		if rest := string(r[i:]); strings.HasPrefix(rest, "[:") {
			if end := strings.Index(rest, ":]"); end > 0 {
				for ch := rune(0); ch < 128; ch++ {
					if classOf(rest[2:end], ch) {
						out = append(out, ch)
					}
				}
				i += len([]rune(rest[:end+2])) - 1
				continue
			}
		}
		if i+2 < len(r) && r[i+1] == '-' && r[i+2] >= r[i] {
			for ch := r[i]; ch <= r[i+2]; ch++ {
				out = append(out, ch)
			}
			i += 2
			continue
		}
		out = append(out, r[i])
	}
	return out
}

func classOf(name string, r rune) bool {
	switch name {
	case "lower":
		return r >= 'a' && r <= 'z'
	case "upper":
		return r >= 'A' && r <= 'Z'
	case "digit":
		return r >= '0' && r <= '9'
	case "alpha":
		return unicode.IsLetter(r)
	case "alnum":
		return unicode.IsLetter(r) || unicode.IsDigit(r)
	case "space":
		return strings.ContainsRune(" \t\n\r\v\f", r)
	case "blank":
		return r == ' ' || r == '\t'
	case "punct":
		return r > ' ' && r < 127 && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	case "cntrl":
		return r < ' ' || r == 127
	case "print":
		return r >= ' ' && r < 127
	case "graph":
		return r > ' ' && r < 127
	case "xdigit":
		return strings.ContainsRune("0123456789abcdefABCDEF", r)
	}
	return false
}

func tr(c *machine.Call) int {
	f, args, good := getopt(c, "+cCdst", "complement=c", "delete=d", "squeeze-repeats=s", "truncate-set1=t")
	if !good || !operand(c, args, 1) {
		return 1
	}
	from := trSet(args[0])
	var to []rune
	if len(args) > 1 {
		to = trSet(args[1])
	}
	in := func(set []rune, r rune) int {
		for i, x := range set {
			if x == r {
				return i
			}
		}
		return -1
	}
	complement := f.has("c", "C")
	change := func(r rune) (rune, bool) {
		i := in(from, r)
		if complement {
			if i >= 0 {
				return r, false
			}
			i = len(to) - 1
		} else if i < 0 {
			return r, false
		}
		if len(to) == 0 {
			return r, true
		}
		return to[min(i, len(to)-1)], true
	}
	squeeze := to
	if len(to) == 0 || f.has("d") && len(args) > 1 {
		if squeeze = to; len(to) == 0 {
			squeeze = from
		}
	}
	last := rune(-1)
	data, err := readAll(c.In)
	for len(data) > 0 {
		r, w := utf8.DecodeRune(data)
		raw := data[:w]
		data = data[w:]
		bad := r == utf8.RuneError && w == 1
		if bad {
			r = rune(raw[0]) + 0x110000 // a lone byte is no character of any set
		}
		nr, hit := change(r)
		if hit && f.has("d") {
			continue
		}
		out := r
		if hit && len(args) > 1 && !f.has("d") {
			out = nr
		}
		if f.has("s") {
			member := in(squeeze, out) >= 0
			if len(to) == 0 && complement {
				member = !member
			}
			if member && out == last {
				continue
			}
		}
		last = out
		if bad && out == r {
			c.Out.Write(raw)
		} else {
			c.Out.WriteRune(out)
		}
	}
	if err != nil {
		return 1
	}
	return 0
}

func wc(c *machine.Call) int {
	f, args, good := getopt(c, "clmwL", "bytes=c", "lines=l", "words=w", "chars=m", "max-line-length=L")
	if !good {
		return 1
	}
	type counts struct {
		n    [5]int64
		name string
	}
	var rows []counts
	var total counts
	total.name = "total"
	code := eachInput(c, args, func(name string, r io.Reader) error {
		data, err := readAll(r)
		row := counts{name: name}
		row.n[0] = int64(bytes.Count(data, []byte("\n")))
		row.n[1] = int64(len(bytes.Fields(data)))
		row.n[2] = int64(utf8.RuneCount(data))
		row.n[3] = int64(len(data))
		for _, l := range splitLines(data) {
			row.n[4] = max(row.n[4], int64(utf8.RuneCountInString(l)))
		}
		for i := range row.n {
			total.n[i] += row.n[i]
		}
		rows = append(rows, row)
		return err
	})
	if len(rows) > 1 {
		rows = append(rows, total)
	}
	show := []int{}
	for i, name := range []string{"l", "w", "m", "c", "L"} {
		if f.has(name) || len(f.order) == 0 && i != 2 && i != 4 {
			show = append(show, i)
		}
	}
	width := 1
	if len(show) > 1 || len(rows) > 1 {
		width = len(strconv.FormatInt(total.n[3], 10))
		if len(args) == 0 || len(args) == 1 && args[0] == "-" {
			width = 7
		}
	}
	for _, r := range rows {
		for i, k := range show {
			if i > 0 {
				c.Printf(" ")
			}
			c.Printf("%*d", width, r.n[k])
		}
		if len(args) > 0 {
			c.Printf(" %s", r.name)
		}
		c.Printf("\n")
	}
	return code
}

func uniq(c *machine.Call) int {
	f, args, good := getopt(c, "cdDf:is:uw:z", "count=c", "repeated=d", "unique=u", "ignore-case=i", "skip-fields:=f", "skip-chars:=s", "check-chars:=w")
	if !good {
		return 1
	}
	skip, _ := f.num("f", 0)
	chars, _ := f.num("s", 0)
	key := func(s string) string {
		for range skip {
			s = strings.TrimLeft(s, " \t")
			if i := strings.IndexAny(s, " \t"); i >= 0 {
				s = s[i:]
			} else {
				s = ""
			}
		}
		s = s[min(chars, len(s)):]
		if f.has("i") {
			s = strings.ToLower(s)
		}
		return s
	}
	emit := func(line string, n int) {
		if f.has("d") && n < 2 || f.has("u") && n > 1 {
			return
		}
		if f.has("c") {
			c.Printf("%7d ", n)
		}
		c.Printf("%s\n", line)
	}
	last, n := "", 0
	return eachInput(c, args[:min(1, len(args))], func(_ string, r io.Reader) error {
		err := eachLine(r, func(line string, _ bool) bool {
			if n > 0 && key(line) == key(last) {
				n++
				return true
			}
			if n > 0 {
				emit(last, n)
			}
			last, n = line, 1
			return true
		})
		if n > 0 {
			emit(last, n)
		}
		return err
	})
}

func seq(c *machine.Call) int {
	args := c.Args[1:]
	sep, format, pad := "\n", "", false
	for len(args) > 1 && strings.HasPrefix(args[0], "-") {
		switch {
		case args[0] == "-s":
			sep, args = args[1], args[2:]
			continue
		case args[0] == "-f":
			format, args = args[1], args[2:]
			continue
		case args[0] == "-w":
			pad, args = true, args[1:]
			continue
		case strings.HasPrefix(args[0], "-s"):
			sep, args = args[0][2:], args[1:]
			continue
		}
		break
	}
	if !operand(c, args, 1) {
		return 1
	}
	nums := []float64{1, 1, 1}
	places := 0
	for i, a := range args[:min(3, len(args))] {
		v, err := strconv.ParseFloat(a, 64)
		if err != nil {
			c.Errorf("invalid floating point argument: ‘%s’", a)
			try(c)
			return 1
		}
		if _, frac, ok := strings.Cut(a, "."); ok {
			places = max(places, len(frac))
		}
		nums[i] = v
	}
	from, step, to := 1.0, 1.0, nums[0]
	if len(args) == 2 {
		from, to = nums[0], nums[1]
	}
	if len(args) > 2 {
		from, step, to = nums[0], nums[1], nums[2]
	}
	if step == 0 {
		return c.Errorf("invalid Zero increment value: ‘%s’", args[1])
	}
	width := 0
	if pad {
		width = max(len(strconv.FormatFloat(from, 'f', places, 64)), len(strconv.FormatFloat(to, 'f', places, 64)))
	}
	for i := 0; ; i++ {
		v := from + float64(i)*step
		if step > 0 && v > to+1e-9 || step < 0 && v < to-1e-9 {
			if i > 0 {
				c.Printf("\n")
			}
			return 0
		}
		if i > 0 {
			c.Printf("%s", sep)
		}
		if i%1024 == 0 && c.Context().Err() != nil {
			return 1
		}
		if format != "" {
			c.Printf(format, v)
		} else {
			c.Printf("%0*.*f", width, places, v)
		}
	}
}

func yes(c *machine.Call) int {
	word := "y"
	if len(c.Args) > 1 {
		word = strings.Join(c.Args[1:], " ")
	}
	block := []byte(strings.Repeat(word+"\n", 256))
	for c.Context().Err() == nil {
		if _, err := c.Write(1, block); err != nil {
			return 1
		}
	}
	return 1
}

func tee(c *machine.Call) int {
	f, args, good := getopt(c, "aip", "append=a", "ignore-interrupts=i")
	if !good {
		return 1
	}
	flag := hostfs.Write | hostfs.Create | hostfs.Truncate
	if f.has("a") {
		flag = hostfs.Write | hostfs.Create | hostfs.Append
	}
	code := 0
	var outs []*machine.Desc
	var names []string
	for _, a := range args {
		d, err := c.Open(a, flag, 0o666)
		if err != nil {
			code = c.Errorf("%s: %v", a, err)
			continue
		}
		defer d.Drop()
		outs, names = append(outs, d), append(names, a)
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := c.In.Read(buf)
		if n > 0 {
			c.Write(1, buf[:n])
			for i, d := range outs {
				if _, werr := d.Write(c.Context(), buf[:n]); werr != nil {
					code = c.Errorf("%s: %v", names[i], werr)
				}
			}
		}
		if err != nil {
			return code
		}
	}
}

func tac(c *machine.Call) int {
	return eachInput(c, c.Args[1:], func(_ string, r io.Reader) error {
		data, err := readAll(r)
		lines := splitLines(data)
		for i := len(lines) - 1; i >= 0; i-- {
			c.Printf("%s\n", lines[i])
		}
		return err
	})
}

func rev(c *machine.Call) int {
	return eachInput(c, c.Args[1:], func(_ string, r io.Reader) error {
		return eachLine(r, func(line string, _ bool) bool {
			rs := []rune(line)
			for i, j := 0, len(rs)-1; i < j; i, j = i+1, j-1 {
				rs[i], rs[j] = rs[j], rs[i]
			}
			c.Printf("%s\n", string(rs))
			return true
		})
	})
}

func nl(c *machine.Call) int {
	f, args, good := getopt(c, "b:w:s:v:n:")
	if !good {
		return 1
	}
	all, _ := f.get("b")
	n := 0
	return eachInput(c, args, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string, _ bool) bool {
			if line == "" && all != "a" {
				c.Printf("       \n")
				return true
			}
			n++
			c.Printf("%6d\t%s\n", n, line)
			return true
		})
	})
}

func fold(c *machine.Call) int {
	f, args, good := getopt(c, "bsw:", "width:=w", "spaces=s", "bytes=b")
	if !good {
		return 1
	}
	w, _ := f.num("w", 80)
	return eachInput(c, args, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string, _ bool) bool {
			for w > 0 && len(line) > w {
				at := w
				if f.has("s") {
					if i := strings.LastIndexByte(line[:w], ' '); i > 0 {
						at = i + 1
					}
				}
				c.Printf("%s\n", line[:at])
				line = line[at:]
			}
			c.Printf("%s\n", line)
			return true
		})
	})
}

func paste(c *machine.Call) int {
	f, args, good := getopt(c, "d:s", "delimiters:=d", "serial=s")
	if !good {
		return 1
	}
	delim, has := f.get("d")
	if !has {
		delim = "\t"
	}
	delim, _ = escapes(delim, false)
	var files [][]string
	code := eachInput(c, args, func(_ string, r io.Reader) error {
		data, err := readAll(r)
		files = append(files, splitLines(data))
		return err
	})
	at := func(i int) string {
		if delim == "" {
			return ""
		}
		return string(delim[i%len(delim)])
	}
	if f.has("s") {
		for _, lines := range files {
			for i, l := range lines {
				if i > 0 {
					c.Printf("%s", at(i-1))
				}
				c.Printf("%s", l)
			}
			c.Printf("\n")
		}
		return code
	}
	rows := 0
	for _, l := range files {
		rows = max(rows, len(l))
	}
	for r := range rows {
		for i, l := range files {
			if i > 0 {
				c.Printf("%s", at(i-1))
			}
			if r < len(l) {
				c.Printf("%s", l[r])
			}
		}
		c.Printf("\n")
	}
	return code
}

func comm(c *machine.Call) int {
	f, args, good := getopt(c, "123")
	if !good || !operand(c, args, 2) {
		return 1
	}
	var in [2][]string
	for i := range in {
		r, done, err := open(c, args[i])
		if err != nil {
			return c.Errorf("%s: %v", args[i], err)
		}
		data, _ := readAll(r)
		done()
		in[i] = splitLines(data)
	}
	a, b := in[0], in[1]
	show := func(col int, line string) {
		if f.has(strconv.Itoa(col)) {
			return
		}
		for k := 1; k < col; k++ {
			if !f.has(strconv.Itoa(k)) {
				c.Printf("\t")
			}
		}
		c.Printf("%s\n", line)
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			show(1, a[0])
			a = a[1:]
		case len(a) == 0 || b[0] < a[0]:
			show(2, b[0])
			b = b[1:]
		default:
			show(3, a[0])
			a, b = a[1:], b[1:]
		}
	}
	return 0
}

func cmp(c *machine.Call) int {
	f, args, good := getopt(c, "bsln:", "silent=s", "quiet=s")
	if !good || !operand(c, args, 2) {
		return 2
	}
	var in [2][]byte
	for i := range in {
		r, done, err := open(c, args[i])
		if err == nil {
			in[i], err = readAll(r)
			done()
		}
		if err != nil {
			if !f.has("s") {
				c.Errorf("%s: %v", args[i], err)
			}
			return 2
		}
	}
	a, b := in[0], in[1]
	line := 1
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			if !f.has("s") {
				c.Printf("%s %s differ: byte %d, line %d\n", args[0], args[1], i+1, line)
			}
			return 1
		}
		if a[i] == '\n' {
			line++
		}
	}
	if len(a) == len(b) {
		return 0
	}
	short := args[0]
	if len(b) < len(a) {
		short = args[1]
	}
	if !f.has("s") {
		fmt.Fprintf(c.Err, "cmp: EOF on %s after byte %d, line %d\n", short, min(len(a), len(b)), line)
	}
	return 1
}

// sorter is one call of sort.
type sortKey struct {
	from, to       int // fields from 1; to 0 means the end of the line
	fromCh, toCh   int
	numeric, rev   bool
	human, fold    bool
	version, blank bool
}

func sortTool(c *machine.Call) int {
	f, args, good := getopt(c, "bcCdfghik:mno:rst:T:uVz", "reverse=r", "numeric-sort=n", "unique=u", "key:=k", "field-separator:=t", "output:=o", "version-sort=V", "check=c",
		"ignore-case=f", "human-numeric-sort=h", "stable=s", "zero-terminated=z", "general-numeric-sort=g")
	if !good {
		return 2
	}
	global := sortKey{from: 1, numeric: f.has("n", "g"), rev: f.has("r"), human: f.has("h"), fold: f.has("f"), version: f.has("V"), blank: f.has("b")}
	var keys []sortKey
	for _, o := range f.order {
		if spec, ok := strings.CutPrefix(o, "k="); ok {
			k, valid := parseKey(spec, global)
			if !valid {
				c.Errorf("invalid number at field start: invalid count at start of ‘%s’", spec)
				return 2
			}
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		keys = []sortKey{global}
	}
	end := byte('\n')
	if f.has("z") {
		end = 0
	}
	var lines []string
	code := eachInput(c, args, func(_ string, r io.Reader) error {
		data, err := readAll(r)
		if len(data) > 0 {
			lines = append(lines, strings.Split(strings.TrimSuffix(string(data), string(end)), string(end))...)
		}
		return err
	})
	sep, _ := f.get("t")
	order := func(a, b string) int {
		for _, k := range keys {
			if n := k.compare(k.pick(a, sep), k.pick(b, sep)); n != 0 {
				return n
			}
		}
		return 0
	}
	full := func(a, b string) int {
		if n := order(a, b); n != 0 || f.has("u", "s") {
			return n
		}
		if global.rev {
			return strings.Compare(b, a)
		}
		return strings.Compare(a, b)
	}
	if f.has("c", "C") {
		for i := 1; i < len(lines); i++ {
			if full(lines[i-1], lines[i]) > 0 {
				return c.Errorf("-:%d: disorder: %s", i+1, lines[i])
			}
		}
		return 0
	}
	sort.SliceStable(lines, func(i, j int) bool { return full(lines[i], lines[j]) < 0 })
	var out bytes.Buffer
	for i, l := range lines {
		if f.has("u") && i > 0 && order(lines[i-1], l) == 0 {
			continue
		}
		out.WriteString(l)
		out.WriteByte(end)
	}
	if name, ok := f.get("o"); ok {
		if err := c.FS().WriteFile(c.Cred, c.Abs(name), out.Bytes(), 0o666&^c.Umask); err != nil {
			c.Errorf("open failed: %s: %v", name, err)
			return 2
		}
		return code
	}
	c.Out.Write(out.Bytes())
	if code != 0 {
		code = 2
	}
	return code
}

func parseKey(spec string, global sortKey) (sortKey, bool) {
	k := sortKey{}
	opts := ""
	part := func(s string) (field, ch int, ok bool) {
		i := 0
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
			i++
		}
		opts += s[i:]
		a, b, _ := strings.Cut(s[:i], ".")
		field, err := strconv.Atoi(a)
		ch, _ = strconv.Atoi(b)
		return field, ch, err == nil && field > 0
	}
	from, to, has := strings.Cut(spec, ",")
	var valid bool
	if k.from, k.fromCh, valid = part(from); !valid {
		return k, false
	}
	if has {
		if k.to, k.toCh, valid = part(to); !valid {
			return k, false
		}
	}
	if opts == "" {
		global.from, global.fromCh, global.to, global.toCh = k.from, k.fromCh, k.to, k.toCh
		return global, true
	}
	k.numeric, k.rev, k.human = strings.ContainsAny(opts, "ng"), strings.Contains(opts, "r"), strings.Contains(opts, "h")
	k.fold, k.version, k.blank = strings.Contains(opts, "f"), strings.Contains(opts, "V"), strings.Contains(opts, "b")
	return k, true
}

func (k sortKey) pick(line, sep string) string {
	if k.from == 1 && k.to == 0 && k.fromCh == 0 {
		return line
	}
	var fields []string
	if sep != "" {
		fields = strings.Split(line, sep)
	} else {
		fields = blankFields(line)
	}
	if k.from > len(fields) {
		return ""
	}
	to := len(fields)
	if k.to > 0 {
		to = min(k.to, to)
	}
	if to < k.from {
		return ""
	}
	text := strings.Join(fields[k.from-1:to], sep)
	if k.blank {
		text = strings.TrimLeft(text, " \t")
	}
	if k.fromCh > 1 {
		text = text[min(k.fromCh-1, len(text)):]
	}
	return text
}

// blankFields cuts before white space that follows a field, as sort does.
func blankFields(s string) []string {
	var out []string
	start := 0
	for i := 1; i < len(s); i++ {
		if (s[i] == ' ' || s[i] == '\t') && s[i-1] != ' ' && s[i-1] != '\t' {
			out = append(out, s[start:i])
			start = i
		}
	}
	return append(out, s[start:])
}

func leadingNumber(s string) float64 {
	s = strings.TrimLeft(s, " \t")
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.' || i == 0 && s[i] == '-') {
		i++
	}
	v, _ := strconv.ParseFloat(s[:i], 64)
	return v
}

func (k sortKey) compare(a, b string) int {
	n := 0
	switch {
	case k.numeric, k.human:
		x, y := leadingNumber(a), leadingNumber(b)
		if k.human {
			x, y = x*unitOf(a), y*unitOf(b)
		}
		switch {
		case x < y:
			n = -1
		case x > y:
			n = 1
		}
	case k.version:
		n = compareVersions(a, b)
	case k.fold:
		n = strings.Compare(strings.ToUpper(a), strings.ToUpper(b))
	default:
		n = strings.Compare(a, b)
	}
	if k.rev {
		return -n
	}
	return n
}

func unitOf(s string) float64 {
	s = strings.TrimLeft(s, " \t-0123456789.")
	if s == "" {
		return 1
	}
	v := 1.0
	for range strings.IndexByte("KMGTPE", strings.ToUpper(s[:1])[0]) + 1 {
		v *= 1024
	}
	return v
}

func compareVersions(a, b string) int {
	for a != "" && b != "" {
		if isDigit(a[0]) && isDigit(b[0]) {
			x, y := strings.TrimLeft(takeDigits(&a), "0"), strings.TrimLeft(takeDigits(&b), "0")
			if len(x) != len(y) {
				return len(x) - len(y)
			}
			if n := strings.Compare(x, y); n != 0 {
				return n
			}
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func takeDigits(s *string) string {
	i := 0
	for i < len(*s) && isDigit((*s)[i]) {
		i++
	}
	d := (*s)[:i]
	*s = (*s)[i:]
	return d
}
