package tools

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // hosts have time zones even where the machine has none

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// zone is the time zone of a call: TZ, else /etc/timezone, else UTC.
func zone(c *machine.Call) *time.Location {
	name := strings.TrimPrefix(c.Getenv("TZ"), ":")
	if name == "" {
		data, _ := c.FS().ReadFile(hostfs.Root, "/etc/timezone")
		name = strings.TrimSpace(string(data))
	}
	if name == "" || strings.Contains(name, "..") || strings.HasPrefix(name, "/") {
		return time.UTC
	}
	if loc, err := time.LoadLocation(name); err == nil {
		return loc
	}
	return time.UTC
}

func date(c *machine.Call) int {
	f, args, good := getopt(c, "d:f:I::Rr:s:u", "date:=d", "iso-8601?=I", "rfc-email=R", "rfc-2822=R", "reference:=r", "set:=s", "utc=u", "universal=u", "rfc-3339:=3")
	if !good {
		return 1
	}
	loc := zone(c)
	if f.has("u") {
		loc = time.UTC
	}
	now := c.M.Now()
	t := now
	var err error
	if d, ok := f.get("d"); ok {
		if t, err = parseDate(d, now, loc); err != nil {
			return c.Errorf("invalid date ‘%s’", d)
		}
	}
	if r, ok := f.get("r"); ok {
		i, err := c.FS().Stat(c.Cred, c.Abs(r))
		if err != nil {
			return c.Errorf("%s: %v", r, err)
		}
		t = i.Mtime
	}
	if s, ok := f.get("s"); ok {
		if t, err = parseDate(s, now, loc); err != nil {
			return c.Errorf("invalid date ‘%s’", s)
		}
		if c.Cred.UID != 0 {
			c.Errorf("cannot set date: Operation not permitted")
			return 1
		}
		c.M.SetClock(t)
	}
	t = t.In(loc)
	format := "%a %b %e %H:%M:%S %Z %Y"
	switch {
	case f.has("R"):
		format = "%a, %d %b %Y %H:%M:%S %z"
	case f.has("I"):
		v, _ := f.get("I")
		format = map[string]string{"": "%Y-%m-%d", "date": "%Y-%m-%d", "hours": "%Y-%m-%dT%H%:z", "minutes": "%Y-%m-%dT%H:%M%:z", "seconds": "%Y-%m-%dT%H:%M:%S%:z", "ns": "%Y-%m-%dT%H:%M:%S,%N%:z"}[v]
	case f.has("3"):
		format = "%Y-%m-%d %H:%M:%S%:z"
	}
	if len(args) > 0 {
		if !strings.HasPrefix(args[0], "+") {
			return c.Errorf("invalid date ‘%s’", args[0])
		}
		format = args[0][1:]
	}
	c.Printf("%s\n", strftime(format, t))
	return 0
}

// strftime formats a time the C way.
func strftime(format string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 >= len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		flag := byte(0)
		width := ""
		for i < len(format)-1 && strings.IndexByte("-_0^:", format[i]) >= 0 {
			flag = format[i]
			i++
		}
		for i < len(format)-1 && isDigit(format[i]) {
			width += format[i : i+1]
			i++
		}
		b.WriteString(timePart(format[i], flag, width, t))
	}
	return b.String()
}

func timePart(d, flag byte, width string, t time.Time) string {
	num := func(n, w int, pad string) string {
		switch flag {
		case '-':
			return strconv.Itoa(n)
		case '_':
			pad = " "
		case '0':
			pad = "0"
		}
		s := strconv.Itoa(n)
		for len(s) < w {
			s = pad + s
		}
		return s
	}
	h12 := (t.Hour()+11)%12 + 1
	isoYear, isoWeek := t.ISOWeek()
	switch d {
	case 'Y':
		return num(t.Year(), 4, "0")
	case 'C':
		return num(t.Year()/100, 2, "0")
	case 'y':
		return num(t.Year()%100, 2, "0")
	case 'm':
		return num(int(t.Month()), 2, "0")
	case 'd':
		return num(t.Day(), 2, "0")
	case 'e':
		return num(t.Day(), 2, " ")
	case 'H':
		return num(t.Hour(), 2, "0")
	case 'k':
		return num(t.Hour(), 2, " ")
	case 'I':
		return num(h12, 2, "0")
	case 'l':
		return num(h12, 2, " ")
	case 'M':
		return num(t.Minute(), 2, "0")
	case 'S':
		return num(t.Second(), 2, "0")
	case 'N':
		s := fmt.Sprintf("%09d", t.Nanosecond())
		if w, err := strconv.Atoi(width); err == nil && w < 9 {
			s = s[:w]
		}
		return s
	case 's':
		return strconv.FormatInt(t.Unix(), 10)
	case 'j':
		return num(t.YearDay(), 3, "0")
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1)
	case 'w':
		return strconv.Itoa(int(t.Weekday()))
	case 'V':
		return num(isoWeek, 2, "0")
	case 'G':
		return strconv.Itoa(isoYear)
	case 'U':
		return num((t.YearDay()+6-int(t.Weekday()))/7, 2, "0")
	case 'W':
		return num((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2, "0")
	case 'F':
		return t.Format("2006-01-02")
	case 'T', 'X':
		return t.Format("15:04:05")
	case 'R':
		return t.Format("15:04")
	case 'D', 'x':
		return t.Format("01/02/06")
	case 'r':
		return t.Format("03:04:05 PM")
	case 'c':
		return t.Format("Mon Jan _2 15:04:05 2006")
	case 'a':
		return upIf(flag, t.Format("Mon"))
	case 'A':
		return upIf(flag, t.Format("Monday"))
	case 'b', 'h':
		return upIf(flag, t.Format("Jan"))
	case 'B':
		return upIf(flag, t.Format("January"))
	case 'p':
		return t.Format("PM")
	case 'P':
		return strings.ToLower(t.Format("PM"))
	case 'z':
		if flag == ':' {
			return t.Format("-07:00")
		}
		return t.Format("-0700")
	case 'Z':
		return t.Format("MST")
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case '%':
		return "%"
	}
	return "%" + string(rune(d))
}

func upIf(flag byte, s string) string {
	if flag == '^' {
		return strings.ToUpper(s)
	}
	return s
}

var dateLayouts = []string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999 -07:00", "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05 MST", "2006-01-02T15:04", "2006-01-02 15:04",
	"2006-01-02", "20060102", "20060102 15:04", "20060102 15:04:05", "01/02/2006", "01/02/2006 15:04", "Jan 2 2006", "Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 MST 2006",
	"Mon, 02 Jan 2006 15:04:05 -0700", "2 Jan 2006", "2 Jan 2006 15:04:05", "15:04:05", "15:04", "Jan 2 15:04:05 2006 MST",
}

// parseDate reads what date -d takes, as far as scripts use it.
func parseDate(s string, now time.Time, loc *time.Location) (time.Time, error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, `TZ="`) {
		if _, rest, ok := strings.Cut(s[4:], `"`); ok {
			s = strings.TrimSpace(rest)
		}
	}
	if unix, ok := strings.CutPrefix(s, "@"); ok {
		whole, frac, _ := strings.Cut(unix, ".")
		sec, err := strconv.ParseInt(whole, 10, 64)
		if err != nil {
			return now, err
		}
		nsec, _ := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
		return time.Unix(sec, nsec), nil
	}
	if utc, ok := strings.CutSuffix(s, " UTC"); ok {
		s, loc = utc, time.UTC
	}
	for _, layout := range dateLayouts {
		t, err := time.ParseInLocation(layout, s, loc)
		if err != nil {
			continue
		}
		if t.Year() == 0 {
			n := now.In(loc)
			t = time.Date(n.Year(), n.Month(), n.Day(), t.Hour(), t.Minute(), t.Second(), 0, loc)
		}
		return t, nil
	}
	return relativeDate(s, now.In(loc), loc)
}

func relativeDate(s string, t time.Time, loc *time.Location) (time.Time, error) {
	words := strings.Fields(strings.ToLower(s))
	midnight := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, loc) }
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch w {
		case "now", "today", "":
			continue
		case "yesterday":
			t = t.AddDate(0, 0, -1)
			continue
		case "tomorrow":
			t = t.AddDate(0, 0, 1)
			continue
		case "midnight":
			t = midnight(t)
			continue
		case "next", "last":
			if i+1 < len(words) {
				words[i] = map[string]string{"next": "1", "last": "-1"}[w]
				i--
				continue
			}
		}
		if d, err := time.ParseInLocation("2006-01-02", w, loc); err == nil {
			t = d
			continue
		}
		if d, err := time.ParseInLocation("15:04:05", w, loc); err == nil {
			t = midnight(t).Add(time.Duration(d.Hour())*time.Hour + time.Duration(d.Minute())*time.Minute + time.Duration(d.Second())*time.Second)
			continue
		}
		n, err := strconv.Atoi(w)
		if err != nil || i+1 >= len(words) {
			return t, fmt.Errorf("invalid date")
		}
		i++
		if i+1 < len(words) && words[i+1] == "ago" {
			n = -n
			words = append(words[:i+1], words[i+2:]...)
		}
		switch strings.TrimSuffix(words[i], "s") {
		case "sec", "second":
			t = t.Add(time.Duration(n) * time.Second)
		case "min", "minute":
			t = t.Add(time.Duration(n) * time.Minute)
		case "hour":
			t = t.Add(time.Duration(n) * time.Hour)
		case "day":
			t = t.AddDate(0, 0, n)
		case "week":
			t = t.AddDate(0, 0, 7*n)
		case "month":
			t = t.AddDate(0, n, 0)
		case "year":
			t = t.AddDate(n, 0, 0)
		default:
			return t, fmt.Errorf("invalid date")
		}
	}
	return t, nil
}

// parseStamp reads touch -t: [[CC]YY]MMDDhhmm[.ss].
func parseStamp(s string, now time.Time, loc *time.Location) (time.Time, bool) {
	main, sec, _ := strings.Cut(s, ".")
	if sec == "" {
		sec = "00"
	}
	switch len(main) {
	case 8:
		main = now.In(loc).Format("2006") + main
	case 10:
		century := "20"
		if main[:2] >= "69" {
			century = "19"
		}
		main = century + main
	}
	t, err := time.ParseInLocation("200601021504.05", main+"."+sec, loc)
	return t, err == nil
}

// duration reads "1.5", "2m", "1h", "1d", "infinity".
func duration(s string) (time.Duration, bool) {
	if s == "inf" || s == "infinity" {
		return 1 << 62, true
	}
	if s == "" {
		return 0, false
	}
	unit := time.Second
	switch s[len(s)-1] {
	case 's':
		s = s[:len(s)-1]
	case 'm':
		unit, s = time.Minute, s[:len(s)-1]
	case 'h':
		unit, s = time.Hour, s[:len(s)-1]
	case 'd':
		unit, s = 24*time.Hour, s[:len(s)-1]
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v < 0 || v > 1e9 {
		return 0, false
	}
	return time.Duration(v * float64(unit)), true
}

func sleep(c *machine.Call) int {
	if !operand(c, c.Args[1:], 1) {
		return 1
	}
	var total time.Duration
	for _, a := range c.Args[1:] {
		d, ok := duration(a)
		if !ok {
			c.Errorf("invalid time interval ‘%s’", a)
			try(c)
			return 1
		}
		total += d
	}
	if c.Sleep(total) != nil {
		return 143
	}
	return 0
}
