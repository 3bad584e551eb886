package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sunup/internal/config"
	"sunup/internal/value"
)

func (a *app) configCommand() *cobra.Command {
	var file string
	var changed bool
	var kind, format string
	var verbosity int
	root := &cobra.Command{
		Use:   "config",
		Short: a.text("Show the settings of ansible.cfg and the environment that are honoured", "적용되는 ansible.cfg와 환경 변수 설정을 보입니다"),
	}
	dump := &cobra.Command{Use: "dump", Short: a.text("Every setting with its value and where it comes from", "모든 설정의 값과 출처"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.dumpConfig(file, changed, verbosity) }}
	dump.Flags().BoolVar(&changed, "only-changed", false, a.text("only settings that are not at their default", "기본값이 아닌 설정만"))
	dump.Flags().BoolVar(&changed, "changed-only", false, "")
	list := &cobra.Command{Use: "list", Short: a.text("Every setting with its meaning", "모든 설정의 뜻"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.listConfig() }}
	view := &cobra.Command{Use: "view", Short: a.text("The file itself", "설정 파일 내용"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.viewConfig(file) }}
	for _, c := range []*cobra.Command{dump, list, view} {
		c.Flags().StringVarP(&file, "config", "c", "", a.text("the file to read", "읽을 설정 파일"))
		c.Flags().StringVarP(&kind, "type", "t", "base", a.text("kind of settings", "설정의 종류"))
		c.Flags().StringVarP(&format, "format", "f", "", a.text("form of the output", "출력 형식"))
		c.Flags().CountVarP(&verbosity, "verbose", "v", a.text("tell more", "더 자세히"))
		root.AddCommand(c)
	}
	return root
}

// configFrom is the environment with another configuration file.
func (a *app) configFrom(file string) func(string) string {
	return func(name string) string {
		if name == "ANSIBLE_CONFIG" && file != "" {
			return file
		}
		return a.getenv(name)
	}
}

func checkConfigFile(file string) error {
	if file == "" {
		return nil
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("The provided configuration file is missing or not accessible: %s", file)
	}
	if !slices.Contains([]string{".ini", ".cfg"}, filepath.Ext(file)) {
		return fmt.Errorf("Unsupported configuration file extension for %s: it must end in .cfg or .ini", file)
	}
	return nil
}

func (a *app) dumpConfig(file string, changed bool, verbosity int) error {
	if err := checkConfigFile(file); err != nil {
		return err
	}
	c, problems := config.Load(a.configFrom(file))
	if err := problems.Err(); err != nil {
		return err
	}
	a.tellConfigFile(c, verbosity)
	for _, s := range config.Settings {
		origin := c.Origin(s.Name)
		if changed && origin == "default" {
			continue
		}
		fmt.Fprintf(a.out, "%s(%s) = %s\n", s.Name, origin, shownSetting(s, c.Text(s.Name)))
	}
	return nil
}

// tellConfigFile says with -v which configuration file counts.
func (a *app) tellConfigFile(c *config.Config, verbosity int) {
	switch {
	case verbosity == 0:
	case c.File == "":
		fmt.Fprintln(a.out, "No config file found; using defaults")
	default:
		fmt.Fprintf(a.out, "Using %s as config file\n", c.File)
	}
}

// tellConfigFile says it where Ansible's own commands do.
func (p *project) tellConfigFile(verbosity int) {
	if strings.HasPrefix(p.app.name, "ansible") {
		p.app.tellConfigFile(p.config, verbosity)
	}
}

// shownSetting prints a value as ansible-config does: as Python prints it.
func shownSetting(s config.Setting, text string) string {
	switch {
	case s.PathList:
		return value.Repr(value.Strings(splitList(text)))
	case text == "":
		return "None"
	case s.Default == "True" || s.Default == "False":
		if slices.Contains([]string{"1", "true", "yes", "on", "t", "y"}, strings.ToLower(text)) {
			return "True"
		}
		return "False"
	}
	return text
}

func splitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == ',' })
}

func (a *app) listConfig() error {
	for _, s := range config.Settings {
		fmt.Fprintf(a.out, "%s:\n  default: %s\n  description: %s\n  env:\n", s.Name, value.Repr(s.Default), value.Repr(s.Doc.In(a.lang)))
		for _, e := range s.Env {
			fmt.Fprintf(a.out, "  - name: %s\n", e)
		}
		fmt.Fprintf(a.out, "  ini:\n  - key: %s\n    section: %s\n", s.Key, s.Section)
	}
	return nil
}

func (a *app) viewConfig(file string) error {
	if err := checkConfigFile(file); err != nil {
		return err
	}
	c, _ := config.Load(a.configFrom(file))
	if c.File == "" {
		return fmt.Errorf("Invalid or no config file was supplied")
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.File, err)
	}
	_, err = a.out.Write(text)
	return err
}
