package connection_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sunup/internal/connection"
	"sunup/internal/connection/local"
)

func TestRecording(t *testing.T) {
	l := connection.Record(local.New(connection.Options{}))
	defer l.Close()
	ctx := context.Background()
	root := connection.Become{Method: "sudo", Password: "hidden"}
	c := l.As(connection.Become{})
	if _, err := c.Exec(ctx, connection.Command{Script: "echo 1"}); err != nil {
		t.Fatal(err)
	}
	before := l.Stats()
	c.Exec(ctx, connection.Command{Script: "echo 2"})
	if d := l.Stats().RoundTrips - before.RoundTrips; d != 1 {
		t.Errorf("one command cost %d round trips", d)
	}
	if err := c.Get(ctx, "/nonexistent/x", &strings.Builder{}); err == nil {
		t.Error("no error passed")
	}
	if got := fmt.Sprintf("%q", l.Scripts()); got != `["echo 1" "echo 2"]` {
		t.Errorf("scripts %s", got)
	}
	if sent := l.Sent(); len(sent) != 3 || sent[2].Kind != "get" || sent[2].Err == nil {
		t.Errorf("%+v", sent)
	}
	if s := fmt.Sprintf("%v %+v %#v", root, root, root); strings.Contains(s, "hidden") {
		t.Errorf("the password is printed: %s", s)
	}
	if s, _ := json.Marshal(root); strings.Contains(string(s), "hidden") {
		t.Errorf("the password is printed: %s", s)
	}
	l.Forget()
	if len(l.Sent()) != 0 {
		t.Error("not forgotten")
	}
}

func TestFaulty(t *testing.T) {
	lost := &connection.Unreachable{Host: "h:22", Phase: connection.PhaseCommand, Sent: true, Err: errors.New("cut")}
	l := connection.Faulty(local.New(connection.Options{}), connection.LostAt(2, lost))
	defer l.Close()
	c := l.As(connection.Become{})
	ctx := context.Background()
	if out, err := c.Exec(ctx, connection.Command{Script: "echo 1"}); err != nil || string(out.Stdout) != "1\n" {
		t.Errorf("%q %v", out.Stdout, err)
	}
	if err := c.Put(ctx, "/dev/null/x", strings.NewReader(""), 0, 0); !connection.IsUnreachable(err) {
		t.Errorf("%v", err)
	}
	if _, err := c.Exec(ctx, connection.Command{Script: "echo 1"}); !errors.Is(err, error(lost)) {
		t.Errorf("%v", err)
	}
}
