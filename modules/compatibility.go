package modules

import (
	"bufio"
	_ "embed" // the evidence
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"

	"sunup/internal/say"
)

// coreModules are the modules of ansible-core, by short name.
const coreModules = `add_host apt apt_key apt_repository assemble assert async_status blockinfile command copy cron
	deb822_repository debconf debug dnf dpkg_selections expect fail fetch file find gather_facts get_url getent git group
	group_by hostname import_playbook import_role import_tasks include include_role include_tasks include_vars iptables
	known_hosts lineinfile meta mount_facts package package_facts pause ping pip raw reboot replace rpm_key script service
	service_facts set_fact set_stats setup shell slurp stat subversion systemd sysvinit tempfile template unarchive uri
	user validate_argument_spec wait_for wait_for_connection yum yum_repository`

var (
	untriedNote        = say.T("Not tried on a real host: held against pretended programs and recorded answers.", "실제 호스트에서 시험하지 않았고, 흉내 낸 프로그램과 기록된 응답으로 확인했다.")
	compatibilityTitle = say.T("Compatibility of modules", "모듈의 호환성")
	compatibilityIntro = say.T("Made by `make reference` from the catalogue in `modules/` and from what its tests ran; do not edit. *compared*: so many tasks were given to ansible-core 2.14 and to sunup on Debian 12; both returned and left the same, a second run changed nothing and check mode wrote nothing, but for what a case names (`modules/testdata/hosts`, `modules/testdata/differential`). *recorded answers only*: held against pretended programs and recorded answers. *not compared*: neither; a test of another kind may hold it.",
		"`make reference`가 `modules/`의 목록과 시험이 실행한 것에서 만든 문서이므로 고치지 않는다. *비교함*: 그만큼의 작업을 Debian 12에서 ansible-core 2.14와 sunup에 똑같이 시켜, 반환값과 남은 상태가 같고 두 번째 실행이 아무것도 바꾸지 않으며 점검 모드가 아무것도 쓰지 않았다. 사례에 적힌 것은 예외다(`modules/testdata/hosts`, `modules/testdata/differential`). *기록된 응답만*: 흉내 낸 프로그램과 기록된 응답으로 확인했다. *비교하지 않음*: 둘 다 아니며 다른 종류의 시험이 있을 수 있다.")
	outsideTitle = say.T("Modules of collections that are not here", "아직 없는 컬렉션 모듈")
	outsideIntro = say.T("`community.general.lvg`, `lvol`, `nmcli`, `pacman`, `zypper`; `community.crypto.openssl_csr`, `x509_certificate`; `community.mysql.*`; `community.docker.*` and everything else: a module's own file in `library/` next to the playbook runs by Ansible's module protocol, where its interpreter is on the host.",
		"`community.general.lvg`, `lvol`, `nmcli`, `pacman`, `zypper`, `community.crypto.openssl_csr`, `x509_certificate`, `community.mysql.*`, `community.docker.*`와 그 밖의 모든 것: 플레이북 옆 `library/`에 둔 모듈 파일은 호스트에 그 해석기가 있으면 Ansible의 모듈 규약으로 실행된다.")
	missingTitle   = say.T("Modules of ansible-core that are not here", "아직 없는 ansible-core의 모듈")
	stateWord      = say.T("State", "상태")
	recordedWord   = say.T("recorded answers only", "기록된 응답만")
	uncomparedWord = say.T("not compared", "비교하지 않음")
	engineWord     = say.T("done by the engine; see docs/conformance.md", "엔진이 수행; docs/conformance.md 참조")
	differsColumn  = say.T("What differs", "다른 점")
)

// Compatibility writes a Markdown page that tells how far each module does
// what Ansible's does.
func Compatibility(w io.Writer, lang say.Lang) error {
	found, err := readEvidence()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# %s\n\n%s\n\n", compatibilityTitle.In(lang), compatibilityIntro.In(lang))
	fmt.Fprintf(out, "| %s | %s | %s |\n|---|---|---|\n", moduleWord.In(lang), stateWord.In(lang), differsColumn.In(lang))
	list := append([]*Module(nil), all...)
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	for _, m := range list {
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", strings.Join(append([]string{m.Name}, m.Aliases...), "`, `"), m.state(found).In(lang), cell(m.Notes.In(lang)))
	}
	var missing []string
	for _, name := range strings.Fields(coreModules) {
		if byName[builtin+name] == nil {
			missing = append(missing, "`"+name+"`")
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(out, "\n## %s\n\n%s\n", missingTitle.In(lang), strings.Join(missing, ", "))
	}
	fmt.Fprintf(out, "\n## %s\n\n%s\n", outsideTitle.In(lang), outsideIntro.In(lang))
	if err := writeRoles(out, lang); err != nil {
		return err
	}
	return out.Flush()
}

// comparedJSON is written by TestComparedCounts from the case files.
//
//go:embed compared.json
var comparedJSON []byte

// evidence is how much of a module its tests have shown.
type evidence struct {
	// Compared counts the tasks done beside ansible-core on Debian 12, Recorded
	// those held against recorded answers.
	Compared int `json:"compared,omitempty"`
	Recorded int `json:"recorded,omitempty"`
}

// readEvidence is the evidence of every module, by full name.
func readEvidence() (map[string]evidence, error) {
	found := map[string]evidence{}
	if err := json.Unmarshal(comparedJSON, &found); err != nil {
		return nil, fmt.Errorf("read what was compared: %w", err)
	}
	return found, nil
}

// state is what was shown of the module.
func (m *Module) state(found map[string]evidence) say.Text {
	e := found[m.Name]
	switch {
	case m.Engine:
		return engineWord
	case e.Compared == 1:
		return say.T("compared with ansible-core on Debian 12: 1 case", "Debian 12에서 ansible-core와 비교: 사례 1개")
	case e.Compared > 0:
		return say.T("compared with ansible-core on Debian 12: %d cases", "Debian 12에서 ansible-core와 비교: 사례 %d개", e.Compared)
	case e.Recorded > 0:
		return recordedWord
	}
	return uncomparedWord
}
