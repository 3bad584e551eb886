package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"sunup/internal/say"
)

// ask prints a question and reads one line; secret input is not echoed.
func (a *app) ask(question string, secret bool) (string, error) {
	defer a.keys.Load().asking()()
	fmt.Fprint(a.err, question)
	if secret && term.IsTerminal(int(a.in.Fd())) {
		line, err := term.ReadPassword(int(a.in.Fd()))
		fmt.Fprintln(a.err)
		return string(line), err
	}
	line, err := bufio.NewReader(oneByte{a.in}).ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

// oneByte reads no more than asked for, so that the next question finds its
// answer still there.
type oneByte struct{ f *os.File }

func (o oneByte) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return o.f.Read(b[:1])
}

// prompter asks for the engine.
type prompter struct{ app *app }

// Ask asks the person at the terminal.
func (p prompter) Ask(question string, secret bool) (string, error) {
	return p.app.ask(question, secret)
}

// debugger is the person at the task debugger.
type debugger struct{ app *app }

// Ask reads one command.
func (d debugger) Ask(prompt string) (string, error) {
	fmt.Fprint(d.app.out, prompt) // among what it is about, as Ansible does
	return d.app.ask("", false)
}

// Show prints what a command found.
func (d debugger) Show(text say.Text) { d.app.tell(d.app.out, text) }
