package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

var recordAnsible = flag.Bool("record-ansible", false, "record testdata/compat/*/expected.txt from the real ansible-playbook")

// TestOutputIsAnsibles runs each playbook of testdata/compat under the name
// ansible-playbook and compares everything printed, and the exit code, with
// what ansible-core printed (expected.txt, recorded from the real one).
func TestOutputIsAnsibles(t *testing.T) {
	cases, err := filepath.Glob(filepath.Join("testdata", "compat", "*", "play.yml"))
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	for _, play := range cases {
		dir := filepath.Dir(play)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			expected := filepath.Join(dir, "expected.txt")
			if *recordAnsible {
				require.NoError(t, os.WriteFile(expected, []byte(playbookRun(t, "/usr/bin/ansible-playbook", dir)), 0o644))
				return
			}
			want, err := os.ReadFile(expected)
			require.NoError(t, err)
			got := playbookRun(t, "", dir)
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("differs from ansible-core (-its +ours):\n%s", diff)
			}
		})
	}
}

// playbookRun runs a case with the given program; "" is this test binary as
// ansible-playbook.
func playbookRun(t *testing.T, program, dir string) string {
	t.Helper()
	inventory := "localhost,"
	if _, err := os.Stat(filepath.Join(dir, "inventory.ini")); err == nil {
		inventory = "inventory.ini"
	}
	work := t.TempDir()
	args := []string{"-i", inventory, "-c", "local", "-f", "1", "-e", "ansible_python_interpreter=/usr/bin/python3", "-e", "dir=" + work}
	if more, err := os.ReadFile(filepath.Join(dir, "args")); err == nil {
		args = append(args, strings.Fields(string(more))...)
	}
	if program == "" {
		program = selfAs(t, "ansible-playbook")
	}
	cmd := exec.Command(program, append(args, "play.yml")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ANSIBLE_NOCOLOR=1", "ANSIBLE_LOCALHOST_WARNING=False", "HOME="+t.TempDir(), "LC_ALL=C.UTF-8", "SUNUP_LANG=en")
	if more, err := os.ReadFile(filepath.Join(dir, "env")); err == nil {
		cmd.Env = append(cmd.Env, strings.Fields(strings.ReplaceAll(string(more), "WORK", work))...)
	}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	t.Log(errOut.String())
	files, err := filepath.Glob(filepath.Join(work, "*.xml")) // of the callback junit
	require.NoError(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		out.Write(b)
	}
	text := strings.ReplaceAll(out.String(), work, "WORK")
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.with)
	}
	return once(text) + fmt.Sprintf("exit code %d\n", cmd.ProcessState.ExitCode())
}

// selfAs links the test binary under another name; testscript.Main makes it
// that command.
func selfAs(t *testing.T, name string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	link := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.Symlink(self, link))
	return link
}

// varying is what differs from run to run, by place, or in words that are
// Ansible's own: where in a file a task stands.
var varying = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`"(start|end|delta)": "[^"]*"`), `"$1": "TIME"`},
	{regexp.MustCompile(`(start|end|delta): '[^']*'`), "$1: TIME"},
	{regexp.MustCompile(`&quot;(start|end|delta)&quot;: &quot;[^&]*&quot;`), "$1 TIME"},
	{regexp.MustCompile(` time="[^"]*"`), ""},
	// Lines of the callbacks timer and profile_tasks.
	{regexp.MustCompile(`(?m)^[A-Z][a-z]+day .* \(\d+:\d\d:\d\d\.\d{3}\)       \d+:\d\d:\d\d\.\d{3} \*+ $`), "DATE (TIME)       TIME ***"},
	{regexp.MustCompile(`(?m)- \d\.\d\ds$`), "- TIME"},
	{regexp.MustCompile(`took 0 days, 0 hours, \d+ minutes, \d+ seconds`), "took TIME"},
	{regexp.MustCompile(`/[^ "'>]*/testdata/compat/`), "COMPAT/"},
	{regexp.MustCompile(`\+\+\+ after: .*(ansible-local-.*|dynamically generated)`), "+++ after: CONTENT"},
	{regexp.MustCompile(`\\n\\nThe (error appears|task stands)([^"\\]|\\.)*`), ""},
	// Ansible says an undefined variable twice.
	{regexp.MustCompile(`('\w+' is undefined)\. '\w+' is undefined`), "$1"},
	// Ansible says an undefined variable twice.
	{regexp.MustCompile(`('\w+' is undefined)\. '\w+' is undefined`), "$1"},
}

var failureText = regexp.MustCompile(`"msg": "((?:[^"\\]|\\.)*)"}`)

// once says what Ansible says twice, as "X. X", only once: it adds to an error the one that caused it, also
// when that is all there is to say.
func once(text string) string {
	return failureText.ReplaceAllStringFunc(text, func(msg string) string {
		body := strings.TrimSuffix(msg, `"}`)
		for at := strings.Index(body, ". "); at >= 0; {
			if again := body[at+2:]; strings.HasSuffix(body[:at], again) {
				return body[:at] + `"}`
			}
			next := strings.Index(body[at+2:], ". ")
			if next < 0 {
				break
			}
			at += 2 + next
		}
		return msg
	})
}
