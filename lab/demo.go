package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"sunup/lab/scenario"
)

// Up starts the fleet of a scenario file, writes its access files into dir (a
// new temporary directory when empty, removed at the end), tells on w how to
// use it, and keeps it running till ctx ends.
func Up(ctx context.Context, w io.Writer, file, dir string) error {
	return with(ctx, file, dir, func(ctx context.Context, f *Fleet, dir string) error {
		inventory := filepath.Join(dir, InventoryFile)
		fmt.Fprintf(w, "%s: %d hosts are up\ninventory: %s\nsunup run -i %s PLAYBOOK\n", f.Scenario.Name, len(f.hosts), inventory, inventory)
		<-ctx.Done()
		return nil
	})
}

// Demo starts the fleet of a scenario file, calls run with the path of its
// inventory, and takes everything down again.
func Demo(ctx context.Context, file string, run func(ctx context.Context, inventory string) error) error {
	return with(ctx, file, "", func(ctx context.Context, _ *Fleet, dir string) error {
		return run(ctx, filepath.Join(dir, InventoryFile))
	})
}

func with(ctx context.Context, file, dir string, do func(context.Context, *Fleet, string) error) error {
	s, err := scenario.Load(file)
	if err != nil {
		return err
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "sunup-lab-"); err != nil {
			return fmt.Errorf("make a directory for the inventory: %w", err)
		}
		defer os.RemoveAll(dir)
	}
	f, err := Start(ctx, s)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.WriteAccess(dir); err != nil {
		return err
	}
	return do(ctx, f, dir)
}
