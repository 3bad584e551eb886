package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// figure is one measured number. Aim is the number it should not pass; 0 means
// that there is none.
type figure struct {
	value, aim float64
	unit       string
	// atLeast is for figures that should not be below their aim.
	atLeast bool
}

func (f figure) text(v float64) string {
	digits := 2
	switch {
	case v >= 100:
		digits = 0
	case v >= 10:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + f.unit
}

// verdict says how the figure stands to its aim.
func (f figure) verdict() (aim, stands string) {
	if f.aim == 0 {
		return "", ""
	}
	aim = "<= " + f.text(f.aim)
	reached := f.value <= f.aim
	if f.atLeast {
		aim, reached = ">= "+f.text(f.aim), f.value >= f.aim
	}
	stands = "reached"
	if !reached {
		stands = "not reached"
	}
	return aim, fmt.Sprintf("%s (%.2f of it)", stands, f.value/f.aim)
}

func header() {
	fmt.Printf("| %-62s | %12s | %12s | %s |\n|%s|---:|---:|---|\n", "what", "figure", "aim", "", "---")
}

// row prints one line of the table.
func row(what string, f figure) {
	aim, stands := f.verdict()
	fmt.Fprintf(os.Stdout, "| %-62s | %12s | %12s | %s |\n", what, f.text(f.value), aim, stands)
}

// leftOut prints the line of something that could not be measured.
func leftOut(what string, why any) {
	fmt.Fprintf(os.Stdout, "| %-62s | %12s | %12s | left out: %v |\n", what, "", "", why)
}

// times is how many times as long as b something took.
func times(a, b time.Duration, aim float64) figure {
	return figure{value: float64(a) / float64(b), aim: aim, unit: "times"}
}

// timesAsFast is how many times as fast as a something was that took b.
func timesAsFast(a, b time.Duration, aim float64) figure {
	return figure{value: float64(a) / float64(b), aim: aim, unit: "times", atLeast: true}
}

func millis(d time.Duration, aim float64) figure {
	return figure{value: float64(d) / float64(time.Millisecond), aim: aim, unit: "ms"}
}

func seconds(d time.Duration, aim float64) figure {
	return figure{value: d.Seconds(), aim: aim, unit: "s"}
}

func mebibytes(n int64, aim float64) figure {
	return figure{value: float64(n) / (1 << 20), aim: aim, unit: "MiB"}
}
