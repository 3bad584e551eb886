package modules

import (
	"bufio"
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
	compatibilityIntro = say.T("Made from the catalogue in `modules/` by `make reference`; do not edit. *complete*: ansible's arguments, return values, check mode and diff. *differences*: as complete, but for what the last column says. *not tried*: written to the documentation and held against pretended programs, not yet against a real host.",
		"`make reference`가 `modules/`의 목록에서 만든 문서이므로 고치지 않는다. *완전*: ansible의 인자, 반환값, 점검 모드, diff를 갖춤. *차이 있음*: 마지막 칸에 적은 것 말고는 완전함. *미시험*: 문서대로 만들고 흉내 낸 프로그램으로 확인했으나 실제 호스트에서는 아직 시험하지 않음.")
	outsideTitle = say.T("Modules of collections that are not here", "아직 없는 컬렉션 모듈")
	outsideIntro = say.T("`community.general.xml`, `lvg`, `lvol`, `nmcli`, `pacman`, `zypper`; `community.crypto.openssl_csr`, `x509_certificate`; `community.mysql.*`; `community.docker.*` and everything else: a module's own file in `library/` next to the playbook runs by Ansible's module protocol, where its interpreter is on the host.",
		"`community.general.xml`, `lvg`, `lvol`, `nmcli`, `pacman`, `zypper`, `community.crypto.openssl_csr`, `x509_certificate`, `community.mysql.*`, `community.docker.*`와 그 밖의 모든 것: 플레이북 옆 `library/`에 둔 모듈 파일은 호스트에 그 해석기가 있으면 Ansible의 모듈 규약으로 실행된다.")
	missingTitle  = say.T("Modules of ansible-core that are not here", "아직 없는 ansible-core의 모듈")
	stateWord     = say.T("State", "상태")
	completeWord  = say.T("complete", "완전")
	differsWord   = say.T("differences", "차이 있음")
	untriedWord   = say.T("not tried", "미시험")
	engineWord    = say.T("complete; done by the engine", "완전; 엔진이 수행")
	differsColumn = say.T("What differs", "다른 점")
)

// Compatibility writes a Markdown page that tells how far each module does
// what Ansible's does.
func Compatibility(w io.Writer, lang say.Lang) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# %s\n\n%s\n\n", compatibilityTitle.In(lang), compatibilityIntro.In(lang))
	fmt.Fprintf(out, "| %s | %s | %s |\n|---|---|---|\n", moduleWord.In(lang), stateWord.In(lang), differsColumn.In(lang))
	list := append([]*Module(nil), all...)
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	for _, m := range list {
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", strings.Join(append([]string{m.Name}, m.Aliases...), "`, `"), m.state().In(lang), cell(m.Notes.In(lang)))
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
	return out.Flush()
}

// state is how far the module does what Ansible's does.
func (m *Module) state() say.Text {
	switch {
	case m.Engine:
		return engineWord
	case m.Untried:
		return untriedWord
	case !m.Notes.IsZero():
		return differsWord
	}
	return completeWord
}
