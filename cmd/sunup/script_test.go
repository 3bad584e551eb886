package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var updateScripts = flag.Bool("update-scripts", false, "rewrite the expected output in testdata/scripts")

// TestMain makes the command itself available to the scripts.
func TestMain(m *testing.M) {
	beforeRecord = killedRecord
	command := func(name string) func() {
		return func() { os.Exit(run(append([]string{name}, os.Args[1:]...), os.Stdin, os.Stdout, os.Stderr)) }
	}
	testscript.Main(m, map[string]func(){
		"sunup":             command("sunup"),
		"ansible-playbook":  command("ansible-playbook"),
		"ansible-inventory": command("ansible-inventory"),
		"ansible":           command("ansible"),
		"ansible-vault":     command("ansible-vault"),
		"ansible-config":    command("ansible-config"),
	})
}

// TestScripts runs the real command on the txtar files of testdata/scripts.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "scripts"),
		UpdateScripts: *updateScripts,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("SUNUP_STATE", filepath.Join(env.WorkDir, "state"))
			env.Setenv("SUNUP_LANG", "en")
			env.Setenv("CI", "true")
			return nil
		},
	})
}
