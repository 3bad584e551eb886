package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sunup/internal/value"
)

// dateTime is a Python datetime; without a zone when naive.
type dateTime struct {
	t     time.Time
	aware bool
}

// timeDelta is a Python timedelta.
type timeDelta time.Duration

func (d *dateTime) PyType() string { return "datetime" }

func (d *dateTime) PyStr() string { return d.iso(" ") }

func (d *dateTime) PyRepr() string {
	t := d.t
	text := fmt.Sprintf("datetime.datetime(%d, %d, %d, %d, %d", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute())
	micro := t.Nanosecond() / 1000
	if t.Second() != 0 || micro != 0 {
		text += fmt.Sprintf(", %d", t.Second())
	}
	if micro != 0 {
		text += fmt.Sprintf(", %d", micro)
	}
	return text + ")"
}

// PyCompare implements value.Compared.
func (d *dateTime) PyCompare(other any) (int, bool) {
	o, ok := other.(*dateTime)
	if !ok {
		return 0, false
	}
	return d.t.Compare(o.t), true
}

func (d *dateTime) iso(sep string) string {
	text := d.t.Format("2006-01-02" + sep + "15:04:05")
	if micro := d.t.Nanosecond() / 1000; micro != 0 {
		text += fmt.Sprintf(".%06d", micro)
	}
	if d.aware {
		text += d.t.Format("-07:00")
	}
	return text
}

func (d *dateTime) plus(by timeDelta) *dateTime {
	return &dateTime{d.t.Add(time.Duration(by)), d.aware}
}

func (d *dateTime) minus(o *dateTime) timeDelta { return timeDelta(d.t.Sub(o.t)) }

func (d *dateTime) format(layout string) string { return strftime(layout, d.t) }

func (d *dateTime) attribute(name string) (any, bool) {
	switch name {
	case "year":
		return d.t.Year(), true
	case "month":
		return int(d.t.Month()), true
	case "day":
		return d.t.Day(), true
	case "hour":
		return d.t.Hour(), true
	case "minute":
		return d.t.Minute(), true
	case "second":
		return d.t.Second(), true
	case "microsecond":
		return d.t.Nanosecond() / 1000, true
	}
	if f := methodOf(d, name); f != nil {
		return &method{d, name, f}, true
	}
	return nil, false
}

func dateMethodList() []entry {
	return []entry{
		{"strftime", "format", func(c *Call) (any, error) {
			layout, err := c.text(0, "")
			if err != nil {
				return nil, err
			}
			return c.result(c.Value.(*dateTime).format(layout))
		}},
		{"isoformat", "sep", func(c *Call) (any, error) {
			sep, err := c.text(0, "T")
			return c.Value.(*dateTime).iso(sep), err
		}},
		{"timestamp", "", func(c *Call) (any, error) {
			d := c.Value.(*dateTime)
			t := d.t
			if !d.aware {
				// A naive time is local time.
				t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.Local)
			}
			return float64(t.UnixMicro()) / 1e6, nil
		}},
		{"weekday", "", func(c *Call) (any, error) { return (int(c.Value.(*dateTime).t.Weekday()) + 6) % 7, nil }},
		{"isoweekday", "", func(c *Call) (any, error) { return (int(c.Value.(*dateTime).t.Weekday())+6)%7 + 1, nil }},
		{"date", "", func(c *Call) (any, error) {
			t := c.Value.(*dateTime).t
			return &dateTime{time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location()), c.Value.(*dateTime).aware}, nil
		}},
		{"replace", "", func(c *Call) (any, error) { return c.Value, nil }},
	}
}

func (d timeDelta) PyType() string { return "timedelta" }

func (d timeDelta) parts() (days, seconds, micro int) {
	n := time.Duration(d).Microseconds()
	const day = 24 * 3600 * 1_000_000
	whole := n / day
	if n%day < 0 {
		whole--
	}
	n -= whole * day
	return int(whole), int(n / 1_000_000), int(n % 1_000_000)
}

func (d timeDelta) PyStr() string {
	days, seconds, micro := d.parts()
	text := fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	if micro != 0 {
		text += fmt.Sprintf(".%06d", micro)
	}
	if days == 0 {
		return text
	}
	plural := "s"
	if days == 1 || days == -1 {
		plural = ""
	}
	return fmt.Sprintf("%d day%s, %s", days, plural, text)
}

func (d timeDelta) PyRepr() string {
	days, seconds, micro := d.parts()
	var parts []string
	for _, p := range []struct {
		name string
		n    int
	}{{"days", days}, {"seconds", seconds}, {"microseconds", micro}} {
		if p.n != 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", p.name, p.n))
		}
	}
	if parts == nil {
		parts = []string{"0"}
	}
	return "datetime.timedelta(" + strings.Join(parts, ", ") + ")"
}

func (d timeDelta) PyTruth() bool { return d != 0 }

// PyCompare implements value.Compared.
func (d timeDelta) PyCompare(other any) (int, bool) {
	o, ok := other.(timeDelta)
	switch {
	case !ok:
		return 0, false
	case d < o:
		return -1, true
	case d > o:
		return 1, true
	}
	return 0, true
}

func (d timeDelta) attribute(name string) (any, bool) {
	days, seconds, micro := d.parts()
	switch name {
	case "days":
		return days, true
	case "seconds":
		return seconds, true
	case "microseconds":
		return micro, true
	}
	if f := methodOf(d, name); f != nil {
		return &method{d, name, f}, true
	}
	return nil, false
}

func deltaMethodList() []entry {
	return []entry{
		{"total_seconds", "", func(c *Call) (any, error) {
			return float64(time.Duration(c.Value.(timeDelta)).Microseconds()) / 1e6, nil
		}},
	}
}

func now(c *Call) (any, error) {
	utc, err := c.bool(0, false)
	if err != nil {
		return nil, err
	}
	t := time.Now()
	if utc {
		t = t.UTC()
	}
	if layout, ok := c.arg(1, nil).(string); ok && layout != "" {
		return strftime(layout, t), nil
	}
	return &dateTime{t: naive(t)}, nil
}

// naive keeps the clock face and drops the zone.
func naive(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1000*1000, time.UTC)
}

var goLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan",
	'd': "02", 'm': "01", 'y': "06", 'Y': "2006", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'D': "01/02/06", 'x': "01/02/06", 'X': "15:04:05",
	'c': "Mon Jan _2 15:04:05 2006", 'e': "_2", 'Z': "MST", 'z': "-0700", 'r': "03:04:05 PM",
}

// strftime prints t as C's function does, in the C locale.
func strftime(layout string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		c := layout[i]
		if c != '%' || i+1 >= len(layout) {
			b.WriteByte(c)
			continue
		}
		i++
		c = layout[i]
		unpadded := c == '-' && i+1 < len(layout)
		if unpadded {
			i++
			c = layout[i]
		}
		text := directive(c, t)
		if unpadded {
			if text = strings.TrimLeft(text, "0 "); text == "" {
				text = "0"
			}
		}
		b.WriteString(text)
	}
	return b.String()
}

func directive(c byte, t time.Time) string {
	if l, ok := goLayouts[c]; ok {
		return t.Format(l)
	}
	year, week := t.ISOWeek()
	switch c {
	case '%':
		return "%"
	case 'P':
		return t.Format("pm")
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay())
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000)
	case 's':
		return strconv.FormatInt(t.Unix(), 10)
	case 'w':
		return strconv.Itoa(int(t.Weekday()))
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1)
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7)
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7)
	case 'V':
		return fmt.Sprintf("%02d", week)
	case 'G':
		return strconv.Itoa(year)
	case 'g':
		return fmt.Sprintf("%02d", year%100)
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100)
	case 'k':
		return fmt.Sprintf("%2d", t.Hour())
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1)
	}
	return "%" + string(c)
}

// strptime reads text by a layout.
func strptime(text, layout string) (*dateTime, error) {
	p := timeParser{in: text, year: 1900, month: 1, day: 1, zone: time.UTC}
	for i := 0; i < len(layout); i++ {
		c := layout[i]
		if value.IsSpace(rune(c)) {
			p.in = strings.TrimLeftFunc(p.in, value.IsSpace)
			continue
		}
		ok := false
		if c != '%' || i+1 >= len(layout) {
			ok = strings.HasPrefix(p.in, string(c))
			if ok {
				p.in = p.in[1:]
			}
		} else {
			i++
			var err error
			if ok, err = p.directive(layout[i]); err != nil {
				return nil, FilterError("%s in format '%s'", err, layout)
			}
		}
		if !ok {
			return nil, FilterError("time data %s does not match format %s", value.Repr(text), value.Repr(layout))
		}
	}
	if p.in != "" {
		return nil, FilterError("unconverted data remains: %s", p.in)
	}
	if p.pm && p.hour < 12 {
		p.hour += 12
	} else if p.am && p.hour == 12 {
		p.hour = 0
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, p.micro*1000, p.zone)
	if t.Day() != p.day {
		return nil, FilterError("day is out of range for month")
	}
	if p.yday > 0 {
		t = t.AddDate(0, 0, p.yday-t.YearDay())
	}
	return &dateTime{t, p.aware}, nil
}

type timeParser struct {
	in                                     string
	year, month, day, hour, minute, second int
	micro, yday                            int
	am, pm, aware                          bool
	zone                                   *time.Location
}

func (p *timeParser) number(digits, low, high int, to *int) bool {
	n := 0
	for n < digits && n < len(p.in) && p.in[n] >= '0' && p.in[n] <= '9' {
		n++
	}
	v, err := strconv.Atoi(p.in[:n])
	if err != nil || v < low || v > high {
		return false
	}
	*to, p.in = v, p.in[n:]
	return true
}

func (p *timeParser) name(full bool, name func(int) string, from, to int) int {
	for i := from; i <= to; i++ {
		word := name(i)
		if !full {
			word = word[:3]
		}
		if len(p.in) >= len(word) && strings.EqualFold(p.in[:len(word)], word) {
			p.in = p.in[len(word):]
			return i
		}
	}
	return -1
}

func (p *timeParser) directive(c byte) (bool, error) {
	month := func(i int) string { return time.Month(i).String() }
	weekday := func(i int) string { return time.Weekday(i).String() }
	var unused int
	switch c {
	case 'Y':
		return p.number(4, 1, 9999, &p.year), nil
	case 'y':
		ok := p.number(2, 0, 99, &p.year)
		if p.year < 69 {
			p.year += 2000
		} else {
			p.year += 1900
		}
		return ok, nil
	case 'm':
		return p.number(2, 1, 12, &p.month), nil
	case 'd', 'e':
		p.in = strings.TrimPrefix(p.in, " ")
		return p.number(2, 1, 31, &p.day), nil
	case 'H':
		return p.number(2, 0, 23, &p.hour), nil
	case 'I':
		return p.number(2, 1, 12, &p.hour), nil
	case 'M':
		return p.number(2, 0, 59, &p.minute), nil
	case 'S':
		return p.number(2, 0, 61, &p.second), nil
	case 'j':
		return p.number(3, 1, 366, &p.yday), nil
	case 'w':
		return p.number(1, 0, 6, &unused), nil
	case 'f':
		return p.fraction(), nil
	case 'b', 'h':
		p.month = p.name(false, month, 1, 12)
		return p.month > 0, nil
	case 'B':
		p.month = p.name(true, month, 1, 12)
		return p.month > 0, nil
	case 'a':
		return p.name(false, weekday, 0, 6) >= 0, nil
	case 'A':
		return p.name(true, weekday, 0, 6) >= 0, nil
	case 'p':
		p.am, p.pm = len(p.in) >= 2 && strings.EqualFold(p.in[:2], "AM"), len(p.in) >= 2 && strings.EqualFold(p.in[:2], "PM")
		if p.am || p.pm {
			p.in = p.in[2:]
			return true, nil
		}
		return false, nil
	case 'z':
		return p.offset(), nil
	case 'Z':
		for _, z := range []string{"UTC", "GMT"} {
			if strings.HasPrefix(p.in, z) {
				p.in = p.in[3:]
				return true, nil
			}
		}
		return false, nil
	case '%':
		ok := strings.HasPrefix(p.in, "%")
		p.in = strings.TrimPrefix(p.in, "%")
		return ok, nil
	}
	return false, fmt.Errorf("'%c' is a bad directive", c)
}

func (p *timeParser) fraction() bool {
	n := 0
	for n < 6 && n < len(p.in) && p.in[n] >= '0' && p.in[n] <= '9' {
		n++
	}
	if n == 0 {
		return false
	}
	p.micro, _ = strconv.Atoi(p.in[:n] + strings.Repeat("0", 6-n))
	p.in = p.in[n:]
	return true
}

func (p *timeParser) offset() bool {
	if strings.HasPrefix(p.in, "Z") {
		p.in, p.aware = p.in[1:], true
		return true
	}
	for _, layout := range []string{"-07:00", "-0700"} {
		if len(p.in) < len(layout) {
			continue
		}
		if t, err := time.Parse(layout, p.in[:len(layout)]); err == nil {
			_, seconds := t.Zone()
			p.zone, p.aware = time.FixedZone("", seconds), true
			p.in = p.in[len(layout):]
			return true
		}
	}
	return false
}
