package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sunup/internal/say"
	"sunup/lab/rack"
)

// rackFlags say how many hosts of each image a rack has.
type rackFlags struct {
	dir                     string
	debian, python, busybox int
}

// labRackCommand starts real systemd hosts on this machine.
func (a *app) labRackCommand() *cobra.Command {
	var f rackFlags
	c := &cobra.Command{
		Use:   "rack [flags]",
		Short: a.text("Start real Debian and BusyBox hosts on this machine and keep them until Ctrl-C (needs root)", "이 컴퓨터에 실제 Debian·BusyBox 호스트를 띄우고 Ctrl-C까지 유지합니다(root 필요)"),
		Long: a.text("Start real hosts: Debian 12 with systemd, sshd and reboot, with and without Python, and BusyBox.\nTheir images are built once by debootstrap and kept in the user's cache. Nothing is left behind.",
			"실제 호스트를 띄웁니다. systemd·sshd·재부팅이 되는 Debian 12(Python 있음·없음)와 BusyBox입니다.\n이미지는 debootstrap으로 한 번 만들어 사용자 캐시에 둡니다. 끝나면 아무것도 남지 않습니다."),
		Example: "  sunup lab rack --dir rack --debian 4 --busybox 2\n  sunup do -i rack/inventory.yml all -m setup",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.keepRack(c.Context(), f) },
	}
	c.Flags().StringVar(&f.dir, "dir", "rack", a.text("directory for inventory, key, known_hosts and consoles", "인벤토리·키·known_hosts·콘솔 기록을 둘 디렉터리"))
	c.Flags().IntVar(&f.debian, "debian", 3, a.text("how many Debian hosts without Python", "Python 없는 Debian 호스트 수"))
	c.Flags().IntVar(&f.python, "python", 0, a.text("how many Debian hosts with Python", "Python 있는 Debian 호스트 수"))
	c.Flags().IntVar(&f.busybox, "busybox", 0, a.text("how many BusyBox hosts", "BusyBox 호스트 수"))
	return c
}

// hosts are debian01, debian02, ... of each image.
func (f rackFlags) hosts() []rack.HostConfig {
	var list []rack.HostConfig
	for _, kind := range []struct {
		image rack.Image
		count int
	}{{rack.DebianImage, f.debian}, {rack.PythonImage, f.python}, {rack.BusyBoxImage, f.busybox}} {
		for i := range kind.count {
			list = append(list, rack.HostConfig{Name: fmt.Sprintf("%s%02d", kind.image, i+1), Image: kind.image})
		}
	}
	return list
}

func (a *app) keepRack(ctx context.Context, f rackFlags) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rack.Available(); err != nil {
		a.tell(a.err, say.T("→ 'sunup lab up' starts simulated hosts, which need nothing", "→ 'sunup lab up'은 아무것도 필요 없는 모의 호스트를 띄웁니다"))
		return err
	}
	r, err := rack.Start(ctx, rack.Config{Dir: f.dir, Hosts: f.hosts(), Log: a.err})
	if err != nil {
		return err
	}
	defer r.Close()
	a.tell(a.out, say.T("%d hosts are up; the inventory is %s; Ctrl-C ends them", "호스트 %d대가 켜졌습니다. 인벤토리는 %s, Ctrl-C로 끝냅니다", len(r.Hosts()), r.Inventory()))
	<-ctx.Done()
	return nil
}
