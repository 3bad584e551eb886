package health

import (
	"cmp"
	"regexp"
	"time"
)

// options are the settings of one probe, read and of the right types.
type options struct {
	from  From
	given map[string]any
}

func (o options) has(name string) bool { _, ok := o.given[name]; return ok }

func (o options) text(name string) string { s, _ := o.given[name].(string); return s }

func (o options) words(name string) []string { l, _ := o.given[name].([]string); return l }

func (o options) endpoint(name string) endpoint { e, _ := o.given[name].(endpoint); return e }

// at is the endpoint of a service that has a port of its own.
func (o options) at(usual int) endpoint {
	e := o.endpoint("port")
	if e.port == 0 {
		e.port = usual
	}
	e.host = cmp.Or(o.text("host"), e.host)
	return e
}

func (o options) integer(name string, unset int) int {
	if n, ok := o.given[name].(int); ok {
		return n
	}
	return unset
}

func (o options) flag(name string, unset bool) bool {
	if b, ok := o.given[name].(bool); ok {
		return b
	}
	return unset
}

func (o options) length(name string, unset time.Duration) time.Duration {
	if d, ok := o.given[name].(time.Duration); ok {
		return d
	}
	return unset
}

func (o options) size(name string) int64 { n, _ := o.given[name].(int64); return n }

func (o options) pattern(name string) *regexp.Regexp {
	re, _ := o.given[name].(*regexp.Regexp)
	return re
}

func (o options) room(name string, unset amount) amount {
	if a, ok := o.given[name].(amount); ok {
		return a
	}
	return unset
}

func (o options) texts(name string) []pair { l, _ := o.given[name].([]pair); return l }

// pair is one entry of a mapping of texts; its order is kept.
type pair struct {
	key, value string
	pattern    *regexp.Regexp // for patterns
	data       any            // for values
}

// amount is a share of the whole, or a number of bytes.
type amount struct {
	share float64 // 0 to 1; only when bytes is 0
	bytes int64
}

// span is a range of status codes.
type span struct{ from, to int }
