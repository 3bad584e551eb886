package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// extraVarsFlag is the flag whose values are not recorded.
const extraVarsFlag = "extra-vars"

// recordedCommand is the command line as the record keeps it: what a resume
// needs to do the same again. Variables given on it may be secret: only files
// of variables and the names of the others are kept.
func (f *runFlags) recordedCommand(c *cobra.Command, name string, args []string) []string {
	out := []string{name}
	c.Flags().Visit(func(flag *pflag.Flag) {
		list, isList := flag.Value.(pflag.SliceValue)
		switch {
		case flag.Name == extraVarsFlag:
			for _, v := range f.target.extraVars {
				out = append(out, withoutValues(v)...)
			}
		case isList:
			for _, v := range list.GetSlice() {
				out = append(out, "--"+flag.Name+"="+v)
			}
		default:
			out = append(out, "--"+flag.Name+"="+flag.Value.String())
		}
	})
	return append(append(out, "--"), args...)
}

// withoutValues keeps a file of variables, and of others the names.
func withoutValues(extra string) []string {
	if strings.HasPrefix(extra, "@") {
		return []string{"--" + extraVarsFlag + "=" + extra}
	}
	var out []string
	for _, name := range extraNames(extra) {
		out = append(out, "--"+extraVarsFlag+"="+name+"=?")
	}
	return out
}

// extraNames are the names of the variables that one -e sets.
func extraNames(extra string) []string {
	p := &project{}
	d, err := p.extraVarsOf(strings.TrimSpace(extra))
	if err != nil {
		return nil
	}
	var out []string
	for k := range d.All() {
		if name, ok := k.(string); ok {
			out = append(out, name)
		}
	}
	return out
}

// recalled are the flags and arguments of a recorded command. Missing are the
// variables whose values are not on record and were not given again.
func (a *app) recalled(command []string, again []string) (f *runFlags, paths, missing []string, err error) {
	f = &runFlags{}
	if command[0] == "ansible-playbook" {
		f.style = ansibleStyle
	}
	c := &cobra.Command{}
	switch command[0] {
	case stopName:
		f.direction.stop = true
	case restartName:
		c.Flags().StringVar(&f.direction.service, serviceFlag, "", "")
	}
	a.addRunFlags(c, f)
	c.Flags().String("lang", "", "")
	if err := c.ParseFlags(command[1:]); err != nil {
		return nil, nil, nil, err
	}
	var given []string
	for _, extra := range again {
		given = append(given, extraNames(extra)...)
	}
	files := f.target.extraVars[:0]
	for _, extra := range f.target.extraVars {
		name, hidden := strings.CutSuffix(extra, "=?")
		switch {
		case !hidden:
			files = append(files, extra)
		case !slices.Contains(given, name):
			missing = append(missing, name)
		}
	}
	f.target.extraVars = append(files, again...)
	f.command = command
	return f, c.Flags().Args(), missing, nil
}
