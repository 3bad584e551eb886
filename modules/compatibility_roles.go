package modules

import (
	_ "embed" // what came of the roles
	"encoding/json"
	"fmt"
	"io"

	"sunup/internal/say"
)

var (
	rolesTitle = say.T("Public roles", "공개된 역할")
	rolesIntro = say.T("Applied unmodified, as a user with sudo, to a Debian 12 host without Python and to one with it, twice; ansible-core 2.14 applied each to an equal host. The counts are those of all three hosts, the files left (without logs, caches and keys) are the same on both hosts with Python, and so is /etc on the one without. `TestPublicRoles` in `cmd/sunup` does it; `scripts/roles.sh` fetches the roles.",
		"고치지 않은 역할을 sudo 사용자로 Python이 없는 Debian 12 호스트와 있는 호스트에 두 번씩 적용하고, 같은 호스트에 ansible-core 2.14로도 적용했다. 수치는 세 호스트 모두의 것이고, 남은 파일(로그, 캐시, 키 제외)은 Python이 있는 두 호스트에서 같으며 Python이 없는 호스트는 /etc가 같다. `cmd/sunup`의 `TestPublicRoles`가 수행하고 `scripts/roles.sh`가 역할을 받는다.")
	roleWord     = say.T("Role", "역할")
	firstWord    = say.T("First run", "첫 실행")
	secondWord   = say.T("Second run", "두 번째 실행")
	filesWord    = say.T("Files compared", "비교한 파일")
	roleNoteWord = say.T("In a container", "컨테이너에서")
)

// rolesJSON is written by TestPublicRoles -record-roles.
//
//go:embed roles.json
var rolesJSON []byte

// appliedRole is what came of a public role.
type appliedRole struct {
	Role, Version, First, Again string
	Compared                    bool
	Files                       int
	Note                        [2]string
}

// writeRoles writes the table of public roles.
func writeRoles(out io.Writer, lang say.Lang) error {
	var list []appliedRole
	if err := json.Unmarshal(rolesJSON, &list); err != nil {
		return fmt.Errorf("read what came of public roles: %w", err)
	}
	fmt.Fprintf(out, "\n## %s\n\n%s\n\n| %s | %s | %s | %s | %s |\n|---|---|---|---|---|\n", rolesTitle.In(lang), rolesIntro.In(lang),
		roleWord.In(lang), firstWord.In(lang), secondWord.In(lang), filesWord.In(lang), roleNoteWord.In(lang))
	for _, r := range list {
		fmt.Fprintf(out, "| `%s` %.7s | %s | %s | %d | %s |\n", r.Role, r.Version, r.First, r.Again, r.Files, cell(say.T(r.Note[0], r.Note[1]).In(lang)))
	}
	return nil
}
