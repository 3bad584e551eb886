package shell

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sunup/internal/connection"
)

// Each file of testdata/refusal begins with "method code answered password" and
// holds what the method printed; the last line says the reason that we read from it.
func TestRefusal(t *testing.T) {
	names, err := filepath.Glob("testdata/refusal/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		var method string
		var code int
		var answered, password bool
		if _, err := fmt.Sscan(lines[0], &method, &code, &answered, &password); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := lines[len(lines)-1]
		said := strings.Join(lines[1:len(lines)-1], "\n")
		b := connection.Become{Method: method}
		if password {
			b.Password = "x"
		}
		if got := refusal(b, code, said, "sunup-key:", answered); got.Reason != want {
			t.Errorf("%s: %q, want %q", name, got.Reason, want)
		} else if strings.Contains(got.Detail, "sunup-key") {
			t.Errorf("%s: our prompt is in the message: %q", name, got.Detail)
		}
	}
}

func TestCommandLine(t *testing.T) {
	f, err := os.Open("testdata/commandline.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	for n := 1; scan.Scan(); n++ {
		parts := strings.Split(scan.Text(), "|")
		if len(parts) != 6 {
			continue // a comment
		}
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		b := connection.Become{Method: parts[0], User: parts[1], Password: connection.Secret(parts[2]), Exe: parts[3], Flags: parts[4]}
		got, err := commandLine(b, "/bin/sh -c 'it'\\''s'", "KEY:")
		if err != nil {
			got = err.Error()
		}
		if got != parts[5] {
			t.Errorf("line %d:\n got %s\nwant %s", n, got, parts[5])
		}
	}
}
