package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sunup/playbooks"
)

// direction is which way a playbook is run: as it stands, the other way round,
// or down and up again from one service on.
type direction struct {
	stop    bool
	service string
}

// direct turns the playbooks; what cannot be known of stopping is told.
func (p *project) direct(d direction, books []*playbooks.Playbook) ([]*playbooks.Playbook, error) {
	if !d.stop && d.service == "" {
		return books, nil
	}
	if len(books) != 1 {
		return nil, usageError{fmt.Errorf("%s", p.app.text("give one playbook to stop or restart", "중지하거나 재기동할 플레이북을 하나만 지정하십시오"))}
	}
	titles := playbooks.Titles{
		Stop:    func(name string) string { return p.app.text("Stop: ", "중지: ") + name },
		Restart: func(name string) string { return p.app.text("Restart: ", "재기동: ") + name },
	}
	if d.stop {
		b, problems := playbooks.Stopped(books[0], titles)
		p.tellWarnings(problems)
		return []*playbooks.Playbook{b}, problems.Err()
	}
	b, problems := playbooks.Restarted(books[0], d.service, titles)
	p.tellWarnings(problems)
	return []*playbooks.Playbook{b}, problems.Err()
}

// Names in the record of a run, for its resume.
const (
	stopName    = "stop"
	restartName = "restart"
	serviceFlag = "service"
)

func (a *app) stopCommand() *cobra.Command {
	f := &runFlags{direction: direction{stop: true}}
	c := &cobra.Command{
		Use:   "stop [flags] PLAYBOOK",
		Short: a.text("Stop what a playbook starts, in reverse order", "플레이북이 기동한 것을 반대 순서로 중지합니다"),
		Long: a.text("Stop what a playbook starts: the same plays in reverse order, so that nothing is stopped before what needs it. A play does the tasks of its 'stop:'; without one, the services that its own tasks start are stopped, the last one first. Services that roles start are left running unless 'stop:' says otherwise.\n\nSee first what would be done: sunup plan --stop --tasks PLAYBOOK",
			"플레이북이 기동한 것을 중지합니다. 같은 플레이를 반대 순서로 실행하므로, 필요로 하는 쪽이 먼저 멈춥니다. 플레이에 'stop:'이 있으면 그 작업을 하고, 없으면 플레이의 작업이 시작한 서비스를 나중 것부터 중지합니다. 롤이 시작한 서비스는 'stop:'에 쓰지 않는 한 그대로 둡니다.\n\n먼저 확인하십시오: sunup plan --stop --tasks 플레이북"),
		Example: "  sunup stop -i hosts.yml morning.yml\n  sunup stop -i hosts.yml -l 'kiosks' --check morning.yml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.command = f.recordedCommand(c, stopName, args)
			return a.runPlaybooks(c.Context(), f, args)
		},
	}
	a.addRunFlags(c, f)
	return c
}

func (a *app) restartCommand() *cobra.Command {
	f := &runFlags{}
	c := &cobra.Command{
		Use:   "restart --service NAME [flags] PLAYBOOK",
		Short: a.text("Restart a service with everything that needs it", "서비스를 그것을 필요로 하는 것과 함께 재기동합니다"),
		Long: a.text("Restart a service: the plays that need it stop first, the service stops and starts, then they start again, each when its gates are open. Nothing else is touched. NAME is a service that a play starts, or the name of a play.\n\nSee first what would be done: sunup plan --restart NAME PLAYBOOK",
			"서비스를 재기동합니다. 이 서비스를 필요로 하는 플레이를 먼저 중지하고, 서비스를 내렸다 올린 뒤, 조건이 갖춰지는 대로 다시 시작합니다. 그 밖의 것은 건드리지 않습니다. 이름에는 플레이가 시작하는 서비스나 플레이 이름을 씁니다.\n\n먼저 확인하십시오: sunup plan --restart 이름 플레이북"),
		Example: "  sunup restart --service zone-gateway -i hosts.yml morning.yml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.command = f.recordedCommand(c, restartName, args)
			return a.runPlaybooks(c.Context(), f, args)
		},
	}
	c.Flags().StringVar(&f.direction.service, serviceFlag, "", a.text("the service, or the play, to restart", "재기동할 서비스 또는 플레이"))
	_ = c.MarkFlagRequired(serviceFlag)
	a.addRunFlags(c, f)
	return c
}
