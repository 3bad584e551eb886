package ssh

import (
	"fmt"
	"strings"
)

// arguments are ssh's command line options that mean something to us, as
// inventory variables hold them (ansible_ssh_common_args and _extra_args).
type arguments struct {
	options    map[string][]string // -o Name=value by small-letter name, in order
	identities []string            // -i
	configFile string              // -F
	notes      []string
}

// withValue are the letters that take a value; those that are not handled below
// have no meaning for a program that runs commands.
const withValue = "BbcDEeFIiJLlmOopQRSWw"

// parseArguments reads a list of options; each element may hold several, as one
// string of an inventory does.
func parseArguments(list []string) (arguments, error) {
	a := arguments{options: map[string][]string{}}
	var args []string
	for _, item := range list {
		if strings.ContainsAny(item, " \t\n") && strings.HasPrefix(strings.TrimLeft(item, " \t\n'\""), "-") {
			args = append(args, words(item)...)
		} else {
			args = append(args, item)
		}
	}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if len(arg) < 2 || arg[0] != '-' {
			return a, fmt.Errorf("ssh argument %q is not an option", arg)
		}
		for i := 1; i < len(arg); i++ {
			if !strings.ContainsRune(withValue, rune(arg[i])) {
				a.flag(arg[i])
				continue
			}
			value := arg[i+1:]
			if value == "" {
				if len(args) == 0 {
					return a, fmt.Errorf("ssh argument -%c needs a value", arg[i])
				}
				value, args = args[0], args[1:]
			}
			if err := a.set(arg[i], value); err != nil {
				return a, err
			}
			break
		}
	}
	return a, nil
}

// flag takes an option without value. Those about terminals, forwarding and
// verbosity change nothing here.
func (a *arguments) flag(letter byte) {
	switch letter {
	case '4':
		a.add("addressfamily", "inet")
	case '6':
		a.add("addressfamily", "inet6")
	case 'C', 'q', 'v', 'T', 't', 'n', 'x', 'X', 'Y', 'a', 'A', 'k', 'K', 'N', 'f', 'g', 'G', 'M', 's', 'V', 'y':
	default:
		a.notes = append(a.notes, fmt.Sprintf("ssh argument -%c is not known and was left out", letter))
	}
}

func (a *arguments) set(letter byte, value string) error {
	switch letter {
	case 'o':
		name, v := directive(strings.Replace(value, "=", " ", 1) + " ")
		if name == "" {
			return fmt.Errorf("ssh argument -o %s: want Name=value", value)
		}
		if !knownOption(name) {
			a.notes = append(a.notes, fmt.Sprintf("ssh option %s is not supported and was left out", name))
		}
		a.add(name, v)
	case 'i':
		a.identities = append(a.identities, value)
	case 'p':
		a.add("port", value)
	case 'l':
		a.add("user", value)
	case 'J':
		a.add("proxyjump", value)
	case 'F':
		a.configFile = value
	case 'c':
		a.add("ciphers", value)
	case 'm':
		a.add("macs", value)
	default:
		a.notes = append(a.notes, fmt.Sprintf("ssh argument -%c has no meaning here and was left out", letter))
	}
	return nil
}

func (a *arguments) add(name, value string) { a.options[name] = append(a.options[name], value) }

// knownOption says that an option is obeyed, or that passing over it changes
// nothing for us: connections are always kept and shared within a run.
func knownOption(name string) bool {
	switch name {
	case "host", "hostname", "port", "user", "identityfile", "identitiesonly", "identityagent", "certificatefile",
		"userknownhostsfile", "globalknownhostsfile", "stricthostkeychecking", "hashknownhosts", "hostkeyalias",
		"proxyjump", "proxycommand", "connecttimeout", "serveraliveinterval", "serveralivecountmax", "addressfamily",
		"pubkeyauthentication", "passwordauthentication", "kbdinteractiveauthentication", "challengeresponseauthentication",
		"preferredauthentications", "kexalgorithms", "ciphers", "macs", "hostkeyalgorithms":
		return true
	case "controlmaster", "controlpersist", "controlpath", "compression", "loglevel", "forwardagent", "forwardx11",
		"batchmode", "numberofpasswordprompts", "tcpkeepalive", "requesttty", "sendenv", "setenv", "visualhostkey",
		"gssapiauthentication", "gssapidelegatecredentials", "checkhostip", "updatehostkeys", "canonicalizehostname",
		"addkeystoagent", "escapechar", "ipqos", "connectionattempts", "pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes",
		"permitlocalcommand", "clearallforwardings", "exitonforwardfailure", "verifyhostkeydns", "rekeylimit":
		return true
	}
	return false
}
