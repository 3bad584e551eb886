package reports

import (
	"strings"

	"sunup/internal/event"
	"sunup/internal/value"
)

// meta prints a meta task: its banner, with -vv what it did, and that it was
// skipped.
func (a *Ansible) meta(d event.Meta) {
	t := event.TaskStarted{Play: d.Play, ID: d.ID, Name: d.Name, Pos: d.Pos, Handler: d.Handler, Module: "ansible.builtin.meta"}
	if !a.free(d.Play) && a.o.SkippedHosts && a.o.OKHosts {
		a.lastTask = ""
		a.banners(t, d.ID)
	}
	if a.o.Verbosity >= 2 {
		said := d.Done
		if d.Skipped != "" {
			said = d.Skipped
		}
		a.line("META: "+said, "debug")
	}
	if d.Skipped == "" || !a.o.SkippedHosts {
		return
	}
	if a.lastTask != metaKey(d.ID) {
		a.banners(t, d.ID)
	}
	text := "skipping: [" + d.Host + "]"
	if a.o.Verbosity > 0 {
		text += " => " + a.dump(t, value.NewDict("msg", d.Done, "skip_reason", d.Skipped), event.Skipped)
	}
	a.line(text, "skip")
}

func metaKey(id string) string { return "meta/" + id }

// banners prints the play's banner when it is due, and the task's.
func (a *Ansible) banners(t event.TaskStarted, id string) {
	a.playBanner(t.Play)
	a.lastTask = metaKey(id)
	prefix := "TASK"
	if t.Handler {
		prefix = "RUNNING HANDLER"
	}
	a.banner(prefix + " [" + strings.TrimSpace(t.Name) + "]")
	if a.o.Verbosity >= 2 {
		a.taskPath(t)
	}
}
