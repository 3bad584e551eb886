// Package rack runs real hosts on this machine: Debian 12 systems that boot
// systemd, with an address, sshd and reboot of their own, and BusyBox systems
// that have hardly anything. They are the hosts that modules, roles and reboots
// are proven on; package lab has simulated ones, by the thousand and without root.
//
// # Words
//
//   - Rack: the hosts of one Start, their network, and the room they stand in.
//   - Host: one of them. It is a container of systemd-nspawn with a tmpfs over
//     its image.
//   - Image: the tree that hosts start from: Debian without Python, Debian with
//     Python, BusyBox. An image is built once by a script of images/ and kept in
//     the user's cache.
//   - Room: the namespaces of a rack. Their first process ends when this process
//     does, however it ends; the kernel then takes every process, mount and
//     network of the rack away.
//   - Registry: Debian's package registry as hosts reach it: a caching proxy on
//     the rack's gateway.
//
// # In tests
//
//	r := rack.Run(t, rack.Debian("db"), rack.Python("ref"), rack.BusyBox("kiosk"))
//	db := r.Host("db")
//	link := ssh.New(db.Options(), ssh.Environment{})    // as root, by key
//	out := db.Sh(t, "systemctl is-active ssh")          // without the network
//	db.Files()                                          // all that differs from the image
//	db.Unplug(); db.Plug(); db.PowerOff(); db.PowerOn(); db.Reset()
//	r.Inventory()                                       // file for sunup run -i, ansible -i
//
// Run skips the test with one line where there is no root, no debootstrap or no
// systemd-nspawn. A rack of three starts in about three seconds; the first one on
// a machine builds the images (about two minutes). Start is for programs and for
// TestMain.
//
// By hand: make lab-up N=6, then sunup run -i rack/inventory.yml ..., then make
// lab-down.
package rack
