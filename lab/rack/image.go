package rack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Image names the tree that a host starts from.
type Image string

// The images.
const (
	DebianImage  Image = "debian"  // Debian 12, systemd, sshd, sudo; no Python
	PythonImage  Image = "python"  // the same with Python, for ansible-core
	BusyBoxImage Image = "busybox" // BusyBox and dropbear, nothing else
)

//go:embed images/*.sh
var recipes embed.FS

// base is the image that another one is made from, "" for none.
func (i Image) base() Image {
	if i == DebianImage {
		return ""
	}
	return DebianImage
}

func (i Image) recipe() ([]byte, error) {
	text, err := recipes.ReadFile("images/" + string(i) + ".sh")
	if err != nil {
		return nil, fmt.Errorf("there is no image %q: %w", string(i), err)
	}
	return text, nil
}

// key is a name that changes with the recipe and those it builds upon.
func (i Image) key() (string, error) {
	sum := sha256.New()
	for at := i; at != ""; at = at.base() {
		text, err := at.recipe()
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	return string(i) + "-" + hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// cacheDir is where images and packages are kept: sunup/rack in the user's
// cache, or SUNUP_RACK_CACHE.
func cacheDir() (string, error) {
	if dir := os.Getenv("SUNUP_RACK_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "/var/cache/sunup/rack", nil // no home, as some services
	}
	return filepath.Join(dir, "sunup", "rack"), nil
}

// mirror is Debian's registry for the building of images.
func mirror() string {
	if m := os.Getenv("SUNUP_RACK_MIRROR"); m != "" {
		return m
	}
	return "http://deb.debian.org/debian"
}

// Build returns the directory of the image's tree. It is built when it is not
// there yet; what is built twice at the same time is waited for. The steps are
// written to log.
func (i Image) Build(ctx context.Context, log io.Writer) (string, error) {
	if err := Available(); err != nil {
		return "", err
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	key, err := i.key()
	if err != nil {
		return "", err
	}
	env := []string{"MIRROR=" + mirror()}
	if base := i.base(); base != "" {
		tree, err := base.Build(ctx, log)
		if err != nil {
			return "", err
		}
		env = append(env, "DEBIAN="+tree)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make the cache of images: %w", err)
	}
	tree := filepath.Join(cache, key)
	unlock, err := lock(tree + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(tree); err == nil {
		return tree, nil
	}
	fmt.Fprintf(log, "building the image %s; this happens once\n", i)
	if err := i.build(ctx, tree, env); err != nil {
		return "", fmt.Errorf("%w: build %s: %w", ErrNoImage, i, err)
	}
	return tree, nil
}

// build runs the recipe in a mount namespace of its own, so that an interrupted
// one leaves no mount; the tree gets its name when it is whole.
func (i Image) build(ctx context.Context, tree string, env []string) error {
	text, err := i.recipe()
	if err != nil {
		return err
	}
	part := tree + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := os.MkdirAll(part, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--propagation", "private", "sh", "-s")
	cmd.Stdin = bytes.NewReader(text)
	cmd.Env = append(append(os.Environ(), "ROOT="+part, "LC_ALL=C", "PATH="+systemPath), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		os.RemoveAll(part)
		return fmt.Errorf("%w: %s", err, lastLines(out, 8))
	}
	return os.Rename(part, tree)
}

// systemPath has the directories of administrators, which a user's may lack.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// lock takes a lock that other processes see and that ends with this one.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
	}
	return func() { f.Close() }, nil
}
