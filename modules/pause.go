package modules

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"sunup/internal/say"
	"sunup/internal/value"
)

var pauseModule = Module{
	Name:        "ansible.builtin.pause",
	Summary:     say.T("Waits for a time, or for a person.", "시간 또는 사람을 기다린다."),
	Controller:  true,
	OncePerPlay: true,
	Spec: Spec{
		Params: []Param{
			{Name: "echo", Type: Bool, Default: true, Doc: say.T("Show what is typed.", "입력하는 글자를 보여 준다.")},
			{Name: "minutes", Type: Raw, Doc: say.T("How many minutes to wait.", "기다릴 분.")},
			{Name: "seconds", Type: Raw, Doc: say.T("How many seconds to wait.", "기다릴 초.")},
			{Name: "prompt", Doc: say.T("Question to the person.", "사람에게 할 질문.")},
		},
		MutuallyExclusive: [][]string{{"minutes", "seconds"}},
	},
	Returns: []Return{
		{"user_input", "str", "always", say.T("What was typed.", "입력한 글.")},
		{"start", "str", "always", say.T("When it began.", "시작 시각.")},
		{"stop", "str", "always", say.T("When it ended.", "끝난 시각.")},
		{"delta", "int", "always", say.T("Seconds it took.", "걸린 초.")},
		{"stdout", "str", "always", say.T("How long it paused.", "멈춘 시간.")},
		{"echo", "bool", "always", say.T("Whether typing was shown.", "입력을 보여 주었는지.")},
	},
	Run: runPause,
}

// Prompter is a Controller that can ask the person at the terminal. Answered is
// false when there is no terminal to ask at. An aborted question is
// ErrAborted.
type Prompter interface {
	Prompt(ctx context.Context, question string, echo bool) (answer string, answered bool, err error)
}

// Teller is a Controller that can show a line to the person who watches.
type Teller interface{ Tell(line string) }

// ErrAborted says that a person answered a question by ending the run.
var ErrAborted = errors.New("user requested abort!")

func runPause(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	limit, unit, fail := pauseLength(a)
	if fail != nil {
		return fail, nil
	}
	start := time.Now()
	r := OK().Set("rc", 0).Set("stderr", "").Set("echo", a.Bool("echo"))
	r.Set("start", clockText(start)).Set("user_input", "")
	if limit > 0 {
		c.tell(fmt.Sprintf("Pausing for %d seconds", int(limit/time.Second)))
		if p := a.Str("prompt"); p != "" {
			c.tell(p + ":")
		}
		if err := sleep(ctx, limit); err != nil {
			return nil, err
		}
	} else if fail, err := c.ask(ctx, r); fail != nil || err != nil {
		return fail, err
	}
	stop := time.Now()
	took := stop.Sub(start)
	shown := took.Seconds()
	if unit == "minutes" {
		shown /= 60
	}
	stdout := "Paused for " + value.FormatFloat(math.Round(shown*100)/100) + " " + unit
	return r.Set("stop", clockText(stop)).Set("delta", int(took/time.Second)).Set("stdout", stdout), nil
}

// pauseLength is how long to wait; 0 means for a person.
func pauseLength(a Args) (time.Duration, string, *Result) {
	unit := "minutes"
	name, scale := "minutes", time.Minute
	if a.Given("seconds") {
		unit, name, scale = "seconds", "seconds", time.Second
	}
	if !a.Given(name) {
		return 0, unit, nil
	}
	n, ok := wholeNumber(a.Raw(name))
	if !ok {
		return 0, unit, Fail("argument '%s' is of type %s and we were unable to convert to int: invalid literal for int() with base 10: %s", name, class(a.Raw(name)), value.Repr(a.Raw(name)))
	}
	n = min(n, int(math.MaxInt64/int64(scale)))
	return max(time.Duration(n)*scale, time.Second), unit, nil
}

// wholeNumber reads a number as Python's int(): 1.9 is 1.
func wholeNumber(v any) (int, bool) {
	if f, ok := v.(float64); ok && f > -1e15 && f < 1e15 {
		return int(f), true
	}
	n, err := toInt(v)
	return n, err == nil
}

func (c *Call) ask(ctx context.Context, r *Result) (*Result, error) {
	question := c.Args.Str("prompt")
	if question == "" {
		question = "Press enter to continue, Ctrl+C to interrupt"
	}
	if !c.Args.Bool("echo") {
		question += " (output is hidden)"
	}
	answer, answered := "", false
	if p, ok := c.Controller.(Prompter); ok {
		var err error
		answer, answered, err = p.Prompt(ctx, question+":", c.Args.Bool("echo"))
		if errors.Is(err, ErrAborted) {
			return Fail("%s", ErrAborted), nil
		}
		if err != nil {
			return nil, err
		}
	}
	if !answered {
		c.Controller.Warn("Not waiting for response to prompt as stdin is not interactive")
	}
	r.Set("user_input", answer)
	return nil, nil
}

func (c *Call) tell(line string) {
	if t, ok := c.Controller.(Teller); ok {
		t.Tell(line)
	}
}

// sleep waits for a time or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
