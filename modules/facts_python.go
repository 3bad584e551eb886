package modules

import (
	"strconv"
	"strings"

	"sunup/internal/value"
)

// pythonScript looks for a Python, which playbooks written for Ansible ask for;
// nothing here needs one.
const pythonScript = `for p in python3 /usr/libexec/platform-python python; do
if H "$p"; then C python.path command -v "$p"; C python.version "$p" -V; break; fi
done
`

// readPython reads the version as Python tells it: "Python 3.11.2".
func readPython(f *factFields, facts *value.Dict) {
	version, ok := strings.CutPrefix(f.strip("python.version"), "Python ")
	if !ok {
		return
	}
	numbers := []any{}
	for _, part := range strings.SplitN(version, ".", 3) {
		n, err := strconv.Atoi(strings.TrimRightFunc(part, func(r rune) bool { return r < '0' || r > '9' }))
		if err != nil {
			return
		}
		numbers = append(numbers, n)
	}
	for len(numbers) < 3 {
		numbers = append(numbers, 0)
	}
	facts.Set("python_version", version)
	facts.Set("python", value.NewDict(
		"version", value.NewDict("major", numbers[0], "minor", numbers[1], "micro", numbers[2], "releaselevel", "final", "serial", 0),
		"version_info", value.NewList(append(numbers, "final", 0)...),
		"executable", f.strip("python.path"), "has_sslcontext", true, "type", "cpython"))
}
