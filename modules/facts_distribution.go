package modules

import (
	"regexp"
	"strings"

	"sunup/internal/value"
)

// distributions are the names that facts use, by the ID of os-release.
var distributions = map[string]struct{ name, family string }{
	"debian": {"Debian", "Debian"}, "raspbian": {"Debian", "Debian"}, "ubuntu": {"Ubuntu", "Debian"}, "linuxmint": {"Linux Mint", "Debian"},
	"kali": {"Kali", "Debian"}, "parrot": {"Parrot", "Debian"}, "devuan": {"Devuan", "Debian"}, "cumulus-linux": {"Cumulus Linux", "Debian"},
	"steamos": {"SteamOS", "Debian"}, "pop": {"Pop!_OS", "Debian"}, "neon": {"KDE neon", "Debian"}, "uos": {"Uos", "Debian"},
	"deepin": {"Deepin", "Debian"}, "osmc": {"OSMC", "Debian"}, "pardus": {"Pardus GNU/Linux", "Debian"},
	"rhel": {"RedHat", "RedHat"}, "fedora": {"Fedora", "RedHat"}, "centos": {"CentOS", "RedHat"}, "rocky": {"Rocky", "RedHat"},
	"almalinux": {"AlmaLinux", "RedHat"}, "ol": {"OracleLinux", "RedHat"}, "amzn": {"Amazon", "RedHat"}, "scientific": {"Scientific", "RedHat"},
	"cloudlinux": {"CloudLinux", "RedHat"}, "virtuozzo": {"Virtuozzo", "RedHat"}, "xenenterprise": {"XenServer", "RedHat"},
	"openEuler": {"openEuler", "RedHat"}, "euleros": {"EulerOS", "RedHat"}, "alinux": {"Alibaba", "RedHat"}, "tencentos": {"TencentOS", "RedHat"},
	"eurolinux": {"EuroLinux", "RedHat"}, "kylin": {"Kylin Linux Advanced Server", "RedHat"},
	"opensuse": {"openSUSE", "Suse"}, "opensuse-leap": {"openSUSE Leap", "Suse"}, "opensuse-tumbleweed": {"openSUSE Tumbleweed", "Suse"},
	"sles": {"SLES", "Suse"}, "sled": {"SLED", "Suse"}, "sles_sap": {"SLES_SAP", "Suse"},
	"arch": {"Archlinux", "Archlinux"}, "archarm": {"Archlinux", "Archlinux"}, "manjaro": {"Manjaro", "Archlinux"}, "antergos": {"Antergos", "Archlinux"},
	"gentoo": {"Gentoo", "Gentoo"}, "alpine": {"Alpine", "Alpine"}, "openwrt": {"OpenWrt", "OpenWrt"}, "slackware": {"Slackware", "Slackware"},
	"altlinux": {"Altlinux", "Altlinux"}, "void": {"Void", "Void"}, "clear-linux-os": {"Clear Linux OS", "ClearLinux"},
	"flatcar": {"Flatcar", "Flatcar"}, "coreos": {"Coreos", "Coreos"}, "mageia": {"Mageia", "Mandrake"}, "mandriva": {"Mandriva", "Mandrake"},
	"nixos": {"NixOS", "NixOS"}, "smgl": {"SMGL", "SMGL"},
}

var (
	parenthesized = regexp.MustCompile(`\(([^)]+)\)`)
	debianVersion = regexp.MustCompile(`(\d+)\.(\d+)`)
	releaseFile   = regexp.MustCompile(`^(.+?) release (\d+(?:\.\d+)*)(?:[^(]*\(([^)]*)\))?`)
)

// distro is what is known about the distribution while it is found out.
type distro struct {
	name, version, release, family string
	major, minor                   string
	file, variety                  string
}

func readDistribution(f *factFields, facts *value.Dict) {
	if system := value.Str(facts.At("system")); system != "Linux" && system != "" && facts.Has("system") {
		facts.Set("distribution", system)
		facts.Set("distribution_release", value.Str(facts.At("kernel")))
		facts.Set("distribution_version", firstVersion.FindString(value.Str(facts.At("kernel"))))
		facts.Set("os_family", system)
		return
	}
	d := findDistro(f)
	facts.Set("distribution", d.name)
	facts.Set("distribution_release", orNA(d.release))
	facts.Set("distribution_version", orNA(d.version))
	facts.Set("distribution_major_version", orNA(d.major))
	if d.minor != "" {
		facts.Set("distribution_minor_version", d.minor)
	}
	if d.file != "" {
		facts.Set("distribution_file_path", d.file)
		facts.Set("distribution_file_variety", d.variety)
		facts.Set("distribution_file_parsed", true)
	}
	facts.Set("os_family", d.family)
}

func orNA(s string) string {
	if s == "" {
		return "NA"
	}
	return s
}

func findDistro(f *factFields) distro {
	text := f.fields["etc.os-release"]
	file := "/etc/os-release"
	if text == "" {
		text, file = f.fields["etc.os-release.usr"], "/usr/lib/os-release"
	}
	rel := keyValues(text)
	if rel["ID"] == "" {
		return distroWithoutRelease(f)
	}
	d := distro{name: rel["NAME"], version: rel["VERSION_ID"], release: rel["VERSION_CODENAME"], file: file}
	if known, ok := distributions[rel["ID"]]; ok {
		d.name, d.family = known.name, known.family
	}
	d.variety = d.family
	if d.release == "" {
		if m := parenthesized.FindStringSubmatch(rel["PRETTY_NAME"]); m != nil {
			d.release = m[1]
		} else if m := parenthesized.FindStringSubmatch(rel["VERSION"]); m != nil {
			d.release = m[1]
		}
	}
	d.byFamily(f, rel)
	if d.major == "" {
		d.major, _, _ = strings.Cut(d.version, ".")
	}
	if d.family == "" {
		d.family = familyOf(rel, d.name)
		d.variety = "NA"
	}
	return d
}

// familyOf guesses by what the distribution says it is like.
func familyOf(rel map[string]string, name string) string {
	for _, id := range strings.Fields(rel["ID_LIKE"]) {
		if known, ok := distributions[id]; ok {
			return known.family
		}
	}
	return name
}

// byFamily takes from the files that a family has beside os-release.
func (d *distro) byFamily(f *factFields, rel map[string]string) {
	switch d.family {
	case "Debian":
		d.debian(f, rel)
	case "RedHat":
		d.redHat(f)
	case "Suse":
		d.variety = "SUSE"
		_, minor, ok := strings.Cut(d.version, ".")
		switch {
		case ok:
			d.release = minor
		case strings.HasPrefix(d.name, "SLE"):
			d.release = "0"
		default:
			d.release = ""
		}
	case "Alpine":
		d.file = "/etc/alpine-release"
		if v := strings.TrimSpace(f.fields["etc.alpine-release"]); v != "" {
			d.version = v
		}
	case "Archlinux":
		if f.has("arch") {
			d.file = "/etc/arch-release"
		}
	}
}

func (d *distro) debian(f *factFields, rel map[string]string) {
	full := strings.TrimSpace(f.fields["etc.debian_version"])
	m := debianVersion.FindStringSubmatch(full)
	switch d.name {
	case "Debian":
		if m != nil {
			d.minor = m[2]
			// os-release names the major version only.
			if m[1] == rel["VERSION_ID"] {
				d.version = full
			}
		}
	case "Linux Mint", "Ubuntu":
	default:
		if m != nil {
			d.minor = m[2]
		}
	}
}

func (d *distro) redHat(f *factFields) {
	for _, name := range []string{"centos-release", "oracle-release", "redhat-release", "system-release"} {
		text := strings.TrimSpace(f.fields["etc."+name])
		if text == "" {
			continue
		}
		switch d.name {
		case "OracleLinux":
			d.file, d.variety = "/etc/oracle-release", "OracleLinux"
		case "CentOS":
			d.file, d.variety = "/etc/centos-release", "CentOS"
			if strings.Contains(text, "Stream") {
				d.release = "Stream"
			}
		case "Amazon":
			d.file, d.variety = "/etc/os-release", "Amazon"
		default:
			d.file = "/etc/redhat-release"
		}
		if m := releaseFile.FindStringSubmatch(text); m != nil {
			if len(m[2]) > len(d.version) {
				d.version = m[2]
			}
			if m[3] != "" && d.release == "" {
				d.release = m[3]
			}
		}
		break
	}
	if d.name == "Amazon" {
		major, minor, ok := strings.Cut(d.version, ".")
		d.major, d.minor = major, "NA"
		if ok {
			d.minor = minor
		}
	}
}

// distroWithoutRelease is for hosts older than os-release, or smaller.
func distroWithoutRelease(f *factFields) distro {
	for _, name := range []string{"oracle-release", "centos-release", "redhat-release", "system-release"} {
		m := releaseFile.FindStringSubmatch(strings.TrimSpace(f.fields["etc."+name]))
		if m == nil {
			continue
		}
		d := distro{name: strings.Fields(m[1])[0], version: m[2], release: m[3], family: "RedHat", file: "/etc/" + name, variety: "RedHat"}
		switch {
		case strings.Contains(m[1], "Red Hat"):
			d.name = "RedHat"
		case strings.Contains(m[1], "Oracle"):
			d.name, d.variety = "OracleLinux", "OracleLinux"
		}
		d.major, _, _ = strings.Cut(d.version, ".")
		return d
	}
	if v := strings.TrimSpace(f.fields["etc.alpine-release"]); v != "" {
		major, _, _ := strings.Cut(v, ".")
		return distro{name: "Alpine", version: v, family: "Alpine", major: major, file: "/etc/alpine-release", variety: "Alpine"}
	}
	if v := strings.TrimSpace(f.fields["etc.debian_version"]); v != "" {
		major, minor, _ := strings.Cut(v, ".")
		return distro{name: "Debian", version: v, family: "Debian", major: major, minor: minor}
	}
	if w := keyValues(f.fields["etc.openwrt_release"]); w["DISTRIB_RELEASE"] != "" {
		major, _, _ := strings.Cut(w["DISTRIB_RELEASE"], ".")
		return distro{name: "OpenWrt", version: w["DISTRIB_RELEASE"], release: w["DISTRIB_CODENAME"], family: "OpenWrt", major: major, file: "/etc/openwrt_release", variety: "OpenWrt"}
	}
	return distro{name: "OtherLinux", family: "OtherLinux"}
}
