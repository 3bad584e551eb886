package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sunup/internal/diag"
	"sunup/internal/say"
)

// exitWith ends the command with a code; its message, if any, is already told.
type exitWith int

func (e exitWith) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// execute finds the command and runs it.
func (a *app) execute() int {
	root := a.rootCommand()
	root.SetArgs(a.args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(a.ctx)
	return a.exitCode(err)
}

// exitCode is the one place that chooses exit codes from errors.
func (a *app) exitCode(err error) int {
	var code exitWith
	var problems diag.Problems
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &problems):
		first := firstError(problems)
		if strings.HasPrefix(a.name, "ansible") {
			problems = a.tellAsAnsible(problems)
		}
		fmt.Fprint(a.err, problems.Format(a.lang))
		if strings.HasPrefix(first.ID, "vault") || first.ID == "inventory-unparsed" {
			return exitError // what cannot be decrypted, or is not there, is no mistake of the file
		}
		return exitUnreachable // ansible-playbook: 4 for files that cannot be read
	case errors.As(err, new(usageError)):
		fmt.Fprintf(a.err, "%s: %s\n", say.T("error", "오류").In(a.lang), a.textOf(err))
		a.tell(a.err, say.T("→ see '%s --help'", "→ '%s --help'{을/를} 보십시오", a.name))
		if errors.As(err, new(argumentError)) && strings.HasPrefix(a.name, "ansible") {
			return exitFailed // argparse's code, which Ansible's commands end with
		}
		return exitUsage
	}
	var said *say.Error
	if errors.As(err, &said) && !strings.HasPrefix(a.name, "ansible") {
		// Without what the program was doing, which is in English.
		fmt.Fprintf(a.err, "%s: %s\n", say.T("error", "오류").In(a.lang), said.Text.In(a.lang))
		return exitError
	}
	if strings.HasPrefix(a.name, "ansible") {
		// Scripts around Ansible's commands look for its mark.
		fmt.Fprintf(a.err, "ERROR! %v\n", err)
		return exitError
	}
	fmt.Fprintf(a.err, "%s: %v\n", say.T("error", "오류").In(a.lang), err)
	return exitError
}

// firstError is the problem that ended the command: warnings may stand before.
func firstError(problems diag.Problems) diag.Problem {
	for _, p := range problems {
		if p.Severity == diag.Error {
			return p
		}
	}
	return problems[0]
}

// tellAsAnsible tells the problem that ansible-core would tell, as it does, and
// returns the others: it stops at the first error, which is one that it has a
// sentence for.
func (a *app) tellAsAnsible(problems diag.Problems) (rest diag.Problems) {
	i := slices.IndexFunc(problems, func(p diag.Problem) bool { return p.Said != "" })
	if i < 0 {
		i = max(0, slices.IndexFunc(problems, func(p diag.Problem) bool { return p.Severity == diag.Error }))
	}
	fmt.Fprint(a.err, problems[i].AsAnsible(a.lang))
	return slices.Delete(slices.Clone(problems), i, i+1)
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// argumentError is a flag that does not exist, lacks its value, or cannot stand
// beside another one.
type argumentError struct{ error }

// rootCommand lists every subcommand. Called under one of Ansible's names, the
// binary is that command.
func (a *app) rootCommand() *cobra.Command {
	switch strings.TrimSuffix(a.name, ".exe") {
	case "ansible-playbook":
		return a.finishCommand(a.runCommand(ansibleStyle))
	case "ansible":
		c := a.adhocCommand()
		c.Use, c.Version = "ansible [flags] PATTERN", fmt.Sprintf("[core 2.14.18] (sunup %s)", version)
		return a.finishCommand(c)
	case "ansible-vault":
		c := a.vaultCommand()
		c.Use = "ansible-vault"
		return a.finishCommand(c)
	case "ansible-config":
		c := a.configCommand()
		c.Use = "ansible-config"
		return a.finishCommand(c)
	case "ansible-doc":
		c := a.docCommand()
		c.Use = "ansible-doc [MODULE...]"
		return a.finishCommand(c)
	case "ansible-inventory":
		return a.finishCommand(a.inventoryCommand())
	}
	root := &cobra.Command{
		Use:   "sunup",
		Short: a.text("Get an estate up before opening: Ansible-style playbooks over SSH, proven step by step", "개장 전 기동: Ansible 방식 플레이북을 SSH로 실행하고 단계마다 정상을 확인합니다"),
		Example: "  sunup plan -i hosts.yml morning.yml\n" +
			"  sunup run -i hosts.yml morning.yml\n" +
			"  sunup resume last --failed\n" +
			"  sunup report last -f html,xlsx,pdf",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cobra.EnableCommandSorting = false // each group has an order of its own
	for _, g := range a.commandGroups() {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	return a.finishCommand(root)
}

// commandGroup is a part of the list of commands in --help.
type commandGroup struct {
	id, title string
	commands  []*cobra.Command
}

// commandGroups is every command, by what one wants to do.
func (a *app) commandGroups() []commandGroup {
	return []commandGroup{
		{"work", a.text("Start and stop", "기동과 중지"), []*cobra.Command{
			a.runCommand(sunupStyle), a.planCommand(), a.preflightCommand(), a.resumeCommand(), a.ctlCommand(), a.stopCommand(), a.restartCommand(), a.adhocCommand(),
		}},
		{"record", a.text("Look back", "기록"), []*cobra.Command{
			a.runsCommand(), a.reportCommand(), a.compareCommand(), a.noteCommand(), a.auditCommand(), a.exportCommand(), a.importCommand(),
		}},
		{"files", a.text("Playbooks and inventories", "플레이북과 인벤토리"), []*cobra.Command{
			a.checkCommand(), a.inventoryCommand(), a.varsCommand(), a.vaultCommand(), a.configCommand(), a.docCommand(),
		}},
		{"other", a.text("More", "기타"), []*cobra.Command{a.labCommand(), a.versionCommand()}},
	}
}

// finishCommand gives a command what all have: language, usage errors.
func (a *app) finishCommand(c *cobra.Command) *cobra.Command {
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{argumentError{err}} })
	if c.PersistentFlags().Lookup("lang") == nil {
		c.PersistentFlags().String("lang", "", a.text("language of messages: en or ko (default: by locale)", "메시지 언어: en 또는 ko (기본: 로캘)"))
	}
	c.SetUsageTemplate(a.usageTemplate())
	c.SetHelpCommand(&cobra.Command{Hidden: true})
	return c
}

func (a *app) text(en, ko string) string { return say.T(en, ko).In(a.lang) }

// usageTemplate is cobra's in the chosen language.
func (a *app) usageTemplate() string {
	command := a.text("[command]", "[명령]")
	usage, commands, examples, flags, more := a.text("Usage", "사용법"), a.text("Commands", "명령"), a.text("Examples", "예"), a.text("Flags", "옵션"),
		a.text("'{{.CommandPath}} COMMAND --help' tells more of a command.", "'{{.CommandPath}} 명령 --help'로 자세한 설명을 볼 수 있습니다.")
	return usage + `:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} ` + command + `{{end}}{{if .HasExample}}

` + examples + `:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}{{if not .Groups}}

` + commands + `:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{else}}{{$all := .Commands}}{{range $group := .Groups}}

{{$group.Title}}:{{range $all}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

` + flags + `:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

` + more + `{{end}}
`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: a.text("Print the version", "버전을 표시합니다"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(a.out, "sunup %s\n", version)
			return nil
		},
	}
}
