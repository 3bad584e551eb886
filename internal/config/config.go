// Package config reads ansible.cfg and the ANSIBLE_* environment: the settings
// that Ansible takes from there and that we honour, each with where its value
// comes from.
package config

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
)

// Setting is one setting of Ansible that we honour.
type Setting struct {
	Name     string   // as ansible-config prints it
	Env      []string // the first that is set counts
	Section  string   // of ansible.cfg
	Key      string
	OldKey   string // an earlier name of Key that still counts
	Default  string
	Doc      say.Text
	PathList bool // colon-separated paths, relative to the file they stand in
}

// Settings lists all settings that we honour, by name.
var Settings = []Setting{
	{Name: "ANY_ERRORS_FATAL", Env: []string{"ANSIBLE_ANY_ERRORS_FATAL"}, Section: "defaults", Key: "any_errors_fatal", Default: "False",
		Doc: say.T("One failed host ends the play for all.", "한 호스트가 실패하면 플레이 전체를 끝낸다.")},
	{Name: "CACHE_PLUGIN", Env: []string{"ANSIBLE_CACHE_PLUGIN"}, Section: "defaults", Key: "fact_caching", Default: "memory", Doc: say.T("Where facts are kept: memory (for the run) or jsonfile.", "팩트를 두는 곳: memory(실행 동안만) 또는 jsonfile.")},
	{Name: "CACHE_PLUGIN_CONNECTION", Env: []string{"ANSIBLE_CACHE_PLUGIN_CONNECTION"}, Section: "defaults", Key: "fact_caching_connection", Default: "", Doc: say.T("The directory of jsonfile's files.", "jsonfile의 파일을 두는 디렉터리.")},
	{Name: "CACHE_PLUGIN_PREFIX", Env: []string{"ANSIBLE_CACHE_PLUGIN_PREFIX"}, Section: "defaults", Key: "fact_caching_prefix", Default: "", Doc: say.T("What the names of jsonfile's files begin with.", "jsonfile 파일 이름의 앞부분.")},
	{Name: "CACHE_PLUGIN_TIMEOUT", Env: []string{"ANSIBLE_CACHE_PLUGIN_TIMEOUT"}, Section: "defaults", Key: "fact_caching_timeout", Default: "86400", Doc: say.T("Seconds after which kept facts are old; 0 for never.", "보관한 팩트가 낡은 것이 되는 초. 0이면 낡지 않는다.")},
	{Name: "CALLBACKS_ENABLED", Env: []string{"ANSIBLE_CALLBACKS_ENABLED", "ANSIBLE_CALLBACK_WHITELIST"}, Section: "defaults", Key: "callbacks_enabled", OldKey: "callback_whitelist", Default: "",
		Doc: say.T("What else is told of a run: timer, profile_tasks, junit.", "실행 중에 함께 알릴 것: timer, profile_tasks, junit.")},
	{Name: "CALLBACK_PROFILE_TASKS_LIMIT", Env: []string{"PROFILE_TASKS_TASK_OUTPUT_LIMIT"}, Section: "callback_profile_tasks", Key: "task_output_limit", Default: "20",
		Doc: say.T("How many tasks profile_tasks lists, or all.", "profile_tasks가 보일 작업 수 또는 all.")},
	{Name: "CALLBACK_PROFILE_TASKS_ORDER", Env: []string{"PROFILE_TASKS_SORT_ORDER"}, Section: "callback_profile_tasks", Key: "sort_order", Default: "descending",
		Doc: say.T("How profile_tasks sorts: descending, ascending or none.", "profile_tasks의 정렬: descending, ascending, none.")},
	{Name: "CALLBACK_FORMAT_PRETTY", Env: []string{"ANSIBLE_CALLBACK_FORMAT_PRETTY"}, Section: "defaults", Key: "callback_format_pretty", Default: "",
		Doc: say.T("Results on several lines with blanks in front; unset, as the format has it.", "결과를 여러 줄로 들여쓰기. 미설정이면 형식의 기본값.")},
	{Name: "CALLBACK_RESULT_FORMAT", Env: []string{"ANSIBLE_CALLBACK_RESULT_FORMAT"}, Section: "defaults", Key: "callback_result_format", Default: "json",
		Doc: say.T("The form of results: json or yaml.", "결과의 형식: json 또는 yaml.")},
	{Name: "COLLECTIONS_PATHS", Env: []string{"ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_COLLECTIONS_PATHS"}, Section: "defaults", Key: "collections_path", PathList: true,
		Default: "~/.ansible/collections:/usr/share/ansible/collections", Doc: say.T("Where collections are.", "컬렉션이 있는 곳.")},
	{Name: "DEFAULT_ASK_PASS", Env: []string{"ANSIBLE_ASK_PASS"}, Section: "defaults", Key: "ask_pass", Default: "False", Doc: say.T("Ask for the login password.", "로그인 암호를 묻는다.")},
	{Name: "DEFAULT_BECOME", Env: []string{"ANSIBLE_BECOME"}, Section: "privilege_escalation", Key: "become", Default: "False", Doc: say.T("Become another user.", "다른 사용자로 실행한다.")},
	{Name: "DEFAULT_BECOME_ASK_PASS", Env: []string{"ANSIBLE_BECOME_ASK_PASS"}, Section: "privilege_escalation", Key: "become_ask_pass", Default: "False", Doc: say.T("Ask for the become password.", "권한 상승 암호를 묻는다.")},
	{Name: "DEFAULT_BECOME_METHOD", Env: []string{"ANSIBLE_BECOME_METHOD"}, Section: "privilege_escalation", Key: "become_method", Default: "sudo", Doc: say.T("How to become another user.", "권한 상승 방법.")},
	{Name: "DEFAULT_BECOME_USER", Env: []string{"ANSIBLE_BECOME_USER"}, Section: "privilege_escalation", Key: "become_user", Default: "root", Doc: say.T("The user to become.", "권한 상승 대상 사용자.")},
	{Name: "DEFAULT_EXECUTABLE", Env: []string{"ANSIBLE_EXECUTABLE"}, Section: "defaults", Key: "executable", Default: "/bin/sh", Doc: say.T("The shell on the hosts.", "호스트에서 쓰는 셸.")},
	{Name: "DEFAULT_FILTER_PLUGIN_PATH", Env: []string{"ANSIBLE_FILTER_PLUGINS"}, Section: "defaults", Key: "filter_plugins", PathList: true,
		Default: "~/.ansible/plugins/filter:/usr/share/ansible/plugins/filter", Doc: say.T("Where filters of one's own are (Python).", "직접 만든 필터가 있는 곳 (파이썬).")},
	{Name: "DEFAULT_FORCE_HANDLERS", Env: []string{"ANSIBLE_FORCE_HANDLERS"}, Section: "defaults", Key: "force_handlers", Default: "False", Doc: say.T("Run handlers of failed hosts too.", "실패한 호스트의 핸들러도 실행한다.")},
	{Name: "ENABLE_TASK_DEBUGGER", Env: []string{"ANSIBLE_ENABLE_TASK_DEBUGGER"}, Section: "defaults", Key: "enable_task_debugger", Default: "False", Doc: say.T("Call the task debugger when a task fails.", "작업이 실패하면 작업 디버거를 부른다.")},
	{Name: "TASK_DEBUGGER_IGNORE_ERRORS", Env: []string{"ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS"}, Section: "defaults", Key: "task_debugger_ignore_errors", Default: "True", Doc: say.T("The task debugger is not called for errors that are ignored.", "무시하는 오류에는 작업 디버거를 부르지 않는다.")},
	{Name: "ERROR_ON_MISSING_HANDLER", Env: []string{"ANSIBLE_ERROR_ON_MISSING_HANDLER"}, Section: "defaults", Key: "error_on_missing_handler", Default: "True", Doc: say.T("A notice that no handler answers to ends the run.", "응답하는 핸들러가 없는 알림이 있으면 실행을 끝낸다.")},
	{Name: "DEFAULT_FORKS", Env: []string{"ANSIBLE_FORKS"}, Section: "defaults", Key: "forks", Default: "", Doc: say.T("Hosts that work at once (unset: 256).", "동시에 작업하는 호스트 수 (미설정: 256).")},
	{Name: "DEFAULT_GATHERING", Env: []string{"ANSIBLE_GATHERING"}, Section: "defaults", Key: "gathering", Default: "implicit", Doc: say.T("When facts are gathered.", "팩트를 모으는 때.")},
	{Name: "DEFAULT_GATHER_SUBSET", Env: []string{"ANSIBLE_GATHER_SUBSET"}, Section: "defaults", Key: "gather_subset", Default: "", Doc: say.T("Which facts are gathered.", "모을 팩트의 종류.")},
	{Name: "DEFAULT_GATHER_TIMEOUT", Env: []string{"ANSIBLE_GATHER_TIMEOUT"}, Section: "defaults", Key: "gather_timeout", Default: "10", Doc: say.T("Seconds for gathering facts.", "팩트 수집 제한 시간(초).")},
	{Name: "DEFAULT_HASH_BEHAVIOUR", Env: []string{"ANSIBLE_HASH_BEHAVIOUR"}, Section: "defaults", Key: "hash_behaviour", Default: "replace", Doc: say.T("Replace or merge dictionaries.", "사전 변수를 바꾸거나 병합한다.")},
	{Name: "DEFAULT_HOST_LIST", Env: []string{"ANSIBLE_INVENTORY"}, Section: "defaults", Key: "inventory", Default: "/etc/ansible/hosts", PathList: true, Doc: say.T("The inventory.", "인벤토리.")},
	{Name: "DEFAULT_JINJA2_NATIVE", Env: []string{"ANSIBLE_JINJA2_NATIVE"}, Section: "defaults", Key: "jinja2_native", Default: "False", Doc: say.T("Templates keep the types of values.", "템플릿 결과의 자료형을 유지한다.")},
	{Name: "DEFAULT_LOAD_CALLBACK_PLUGINS", Env: []string{"ANSIBLE_LOAD_CALLBACK_PLUGINS"}, Section: "defaults", Key: "bin_ansible_callbacks", Default: "False", Doc: say.T("The command ansible takes the form of the output too.", "ansible 명령에도 출력 형식을 적용한다.")},
	{Name: "DEFAULT_LOOKUP_PLUGIN_PATH", Env: []string{"ANSIBLE_LOOKUP_PLUGINS"}, Section: "defaults", Key: "lookup_plugins", PathList: true,
		Default: "~/.ansible/plugins/lookup:/usr/share/ansible/plugins/lookup", Doc: say.T("Where lookups of one's own are (Python).", "직접 만든 룩업이 있는 곳 (파이썬).")},
	{Name: "DEFAULT_MODULE_PATH", Env: []string{"ANSIBLE_LIBRARY"}, Section: "defaults", Key: "library", PathList: true,
		Default: "~/.ansible/plugins/modules:/usr/share/ansible/plugins/modules", Doc: say.T("Where modules of one's own are.", "직접 만든 모듈이 있는 곳.")},
	{Name: "DEFAULT_NO_LOG", Env: []string{"ANSIBLE_NO_LOG"}, Section: "defaults", Key: "no_log", Default: "False", Doc: say.T("Hide the results of all tasks.", "모든 작업의 결과를 숨긴다.")},
	{Name: "DEFAULT_PRIVATE_KEY_FILE", Env: []string{"ANSIBLE_PRIVATE_KEY_FILE"}, Section: "defaults", Key: "private_key_file", Default: "", Doc: say.T("The SSH key.", "SSH 개인 키.")},
	{Name: "DEFAULT_REMOTE_PORT", Env: []string{"ANSIBLE_REMOTE_PORT"}, Section: "defaults", Key: "remote_port", Default: "", Doc: say.T("The SSH port.", "SSH 포트.")},
	{Name: "DEFAULT_REMOTE_TMP", Env: []string{"ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"}, Section: "defaults", Key: "remote_tmp", Default: "~/.ansible/tmp", Doc: say.T("Our directory on the hosts.", "호스트의 작업 디렉터리.")},
	{Name: "DEFAULT_REMOTE_USER", Env: []string{"ANSIBLE_REMOTE_USER"}, Section: "defaults", Key: "remote_user", Default: "", Doc: say.T("The login user.", "로그인 사용자.")},
	{Name: "DEFAULT_ROLES_PATH", Env: []string{"ANSIBLE_ROLES_PATH"}, Section: "defaults", Key: "roles_path", PathList: true,
		Default: "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles", Doc: say.T("Where roles are.", "롤이 있는 곳.")},
	{Name: "DEFAULT_STDOUT_CALLBACK", Env: []string{"ANSIBLE_STDOUT_CALLBACK"}, Section: "defaults", Key: "stdout_callback", Default: "default", Doc: say.T("The form of the output.", "출력 형식.")},
	{Name: "DEFAULT_STRATEGY", Env: []string{"ANSIBLE_STRATEGY"}, Section: "defaults", Key: "strategy", Default: "linear", Doc: say.T("How hosts go through a play.", "호스트가 플레이를 진행하는 방식.")},
	{Name: "DEFAULT_TEST_PLUGIN_PATH", Env: []string{"ANSIBLE_TEST_PLUGINS"}, Section: "defaults", Key: "test_plugins", PathList: true,
		Default: "~/.ansible/plugins/test:/usr/share/ansible/plugins/test", Doc: say.T("Where tests of one's own are (Python).", "직접 만든 테스트가 있는 곳 (파이썬).")},
	{Name: "DEFAULT_TIMEOUT", Env: []string{"ANSIBLE_TIMEOUT"}, Section: "defaults", Key: "timeout", Default: "10", Doc: say.T("Seconds to connect.", "접속 제한 시간(초).")},
	{Name: "DEFAULT_TRANSPORT", Env: []string{"ANSIBLE_TRANSPORT"}, Section: "defaults", Key: "transport", Default: "smart", Doc: say.T("The connection.", "연결 방식.")},
	{Name: "DEFAULT_VAULT_ENCRYPT_IDENTITY", Env: []string{"ANSIBLE_VAULT_ENCRYPT_IDENTITY"}, Section: "defaults", Key: "vault_encrypt_identity", Default: "", Doc: say.T("The vault id to encrypt with.", "암호화에 쓸 볼트 id.")},
	{Name: "DEFAULT_VAULT_ID_MATCH", Env: []string{"ANSIBLE_VAULT_ID_MATCH"}, Section: "defaults", Key: "vault_id_match", Default: "False", Doc: say.T("Only the secret of the same vault id opens a text.", "같은 볼트 id의 암호로만 연다.")},
	{Name: "DEFAULT_VAULT_IDENTITY_LIST", Env: []string{"ANSIBLE_VAULT_IDENTITY_LIST"}, Section: "defaults", Key: "vault_identity_list", Default: "", Doc: say.T("Vault passwords by name.", "이름별 볼트 암호.")},
	{Name: "DEFAULT_VAULT_PASSWORD_FILE", Env: []string{"ANSIBLE_VAULT_PASSWORD_FILE"}, Section: "defaults", Key: "vault_password_file", Default: "", Doc: say.T("File of the vault password.", "볼트 암호 파일.")},
	{Name: "DIFF_ALWAYS", Env: []string{"ANSIBLE_DIFF_ALWAYS"}, Section: "diff", Key: "always", Default: "False", Doc: say.T("Show differences always.", "항상 차이를 보인다.")},
	{Name: "DISPLAY_SKIPPED_HOSTS", Env: []string{"ANSIBLE_DISPLAY_SKIPPED_HOSTS"}, Section: "defaults", Key: "display_skipped_hosts", Default: "True", Doc: say.T("Show skipped hosts.", "건너뛴 호스트를 보인다.")},
	{Name: "DISPLAY_OK_HOSTS", Env: []string{"ANSIBLE_DISPLAY_OK_HOSTS"}, Section: "defaults", Key: "display_ok_hosts", Default: "True", Doc: say.T("Show hosts that are ok.", "정상 호스트를 보인다.")},
	{Name: "CHECK_MODE_MARKERS", Env: []string{"ANSIBLE_CHECK_MODE_MARKERS"}, Section: "defaults", Key: "check_mode_markers", Default: "False", Doc: say.T("Mark what runs in check mode.", "체크 모드로 실행하는 것을 표시한다.")},
	{Name: "DISPLAY_FAILED_STDERR", Env: []string{"ANSIBLE_DISPLAY_FAILED_STDERR"}, Section: "defaults", Key: "display_failed_stderr", Default: "False", Doc: say.T("Failures go to the standard error.", "실패를 표준 오류로 보인다.")},
	{Name: "SHOW_PER_HOST_START", Env: []string{"ANSIBLE_SHOW_PER_HOST_START"}, Section: "defaults", Key: "show_per_host_start", Default: "False", Doc: say.T("Tell when a host begins a task.", "호스트가 작업을 시작할 때 알린다.")},
	{Name: "SHOW_TASK_PATH_ON_FAILURE", Env: []string{"ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"}, Section: "defaults", Key: "show_task_path_on_failure", Default: "False", Doc: say.T("Tell where a failed task stands.", "실패한 작업의 위치를 알린다.")},
	{Name: "HOST_KEY_CHECKING", Env: []string{"ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"}, Section: "defaults", Key: "host_key_checking", Default: "True", Doc: say.T("Check host keys.", "호스트 키를 확인한다.")},
	{Name: "INVENTORY_ANY_UNPARSED_IS_FAILED", Env: []string{"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"}, Section: "inventory", Key: "any_unparsed_is_failed", Default: "False", Doc: say.T("An inventory that cannot be read is an error.", "읽을 수 없는 인벤토리가 있으면 오류로 본다.")},
	{Name: "INVENTORY_ENABLED", Env: []string{"ANSIBLE_INVENTORY_ENABLED"}, Section: "inventory", Key: "enable_plugins", Default: "host_list,script,auto,yaml,ini,toml", Doc: say.T("What may read an inventory.", "인벤토리를 읽을 수 있는 것.")},
	{Name: "INVENTORY_IGNORE_EXTS", Env: []string{"ANSIBLE_INVENTORY_IGNORE"}, Section: "inventory", Key: "ignore_extensions", Default: ".pyc,.pyo,.swp,.bak,~,.rpm,.md,.txt,.rst,.orig,.ini,.cfg,.retry", Doc: say.T("Endings of files that are passed over in a directory.", "디렉터리에서 건너뛸 파일의 확장자.")},
	{Name: "INVENTORY_IGNORE_PATTERNS", Env: []string{"ANSIBLE_INVENTORY_IGNORE_REGEX"}, Section: "inventory", Key: "ignore_patterns", Default: "", Doc: say.T("Patterns of files that are passed over in a directory.", "디렉터리에서 건너뛸 파일의 정규식.")},
	{Name: "INVENTORY_UNPARSED_IS_FAILED", Env: []string{"ANSIBLE_INVENTORY_UNPARSED_FAILED"}, Section: "inventory", Key: "unparsed_is_failed", Default: "False", Doc: say.T("It is an error when no inventory can be read.", "읽을 수 있는 인벤토리가 하나도 없으면 오류로 본다.")},
	{Name: "PLAYBOOK_DIR", Env: []string{"ANSIBLE_PLAYBOOK_DIR"}, Section: "defaults", Key: "playbook_dir", Default: "", Doc: say.T("The directory of the playbook, for commands without one.", "플레이북이 없는 명령에서 쓰는 플레이북 디렉터리.")},
	{Name: "SHOW_CUSTOM_STATS", Env: []string{"ANSIBLE_SHOW_CUSTOM_STATS"}, Section: "defaults", Key: "show_custom_stats", Default: "False", Doc: say.T("Show set_stats data.", "set_stats 자료를 보인다.")},
	{Name: "SSH_ARGS", Env: []string{"ANSIBLE_SSH_ARGS"}, Section: "ssh_connection", Key: "ssh_args", Default: "", Doc: say.T("Options of ssh; those about sharing connections mean nothing here, where every host has one connection.", "ssh 옵션. 연결 공유에 관한 것은 호스트마다 연결이 하나이므로 뜻이 없다.")},
	{Name: "SSH_COMMON_ARGS", Env: []string{"ANSIBLE_SSH_COMMON_ARGS"}, Section: "ssh_connection", Key: "ssh_common_args", Default: "", Doc: say.T("Options of ssh.", "ssh 옵션.")},
	{Name: "SSH_EXTRA_ARGS", Env: []string{"ANSIBLE_SSH_EXTRA_ARGS"}, Section: "ssh_connection", Key: "ssh_extra_args", Default: "", Doc: say.T("More options of ssh.", "추가 ssh 옵션.")},
	{Name: "TAGS_RUN", Env: []string{"ANSIBLE_RUN_TAGS"}, Section: "tags", Key: "run", Default: "", Doc: say.T("Tags to run.", "실행할 태그.")},
	{Name: "TRANSFORM_INVALID_GROUP_CHARS", Env: []string{"ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"}, Section: "defaults", Key: "force_valid_group_names", Default: "never", Doc: say.T("Whether group names become names of variables.", "그룹 이름을 변수 이름 꼴로 바꿀지 여부.")},
	{Name: "TAGS_SKIP", Env: []string{"ANSIBLE_SKIP_TAGS"}, Section: "tags", Key: "skip", Default: "", Doc: say.T("Tags to skip.", "건너뛸 태그.")},
}

// numbers are the settings whose value is a number.
var numbers = map[string]bool{"DEFAULT_FORKS": true, "DEFAULT_TIMEOUT": true, "DEFAULT_GATHER_TIMEOUT": true, "DEFAULT_REMOTE_PORT": true}

// Config is the settings of one invocation.
type Config struct {
	// File is the ansible.cfg that was read; empty if none.
	File   string
	values map[string]found
}

type found struct{ value, origin string }

// Load reads ansible.cfg as Ansible finds it ($ANSIBLE_CONFIG, ./ansible.cfg,
// ~/.ansible.cfg, /etc/ansible/ansible.cfg) and the environment.
func Load(getenv func(string) string) (*Config, diag.Problems) {
	c := &Config{values: map[string]found{}}
	var problems diag.Problems
	ini := map[string]map[string]string{}
	c.File = findFile(getenv)
	if c.File != "" {
		var err error
		if ini, err = readINI(c.File); err != nil {
			problems = append(problems, diag.Problem{
				Severity: diag.Error, ID: "bad-configuration", Pos: diag.Pos{File: c.File},
				What: say.T("cannot read the configuration: %s", "설정 파일을 읽을 수 없습니다: %s", err.Error()),
			})
		}
	}
	for _, s := range Settings {
		v := c.resolve(s, ini, getenv)
		c.values[s.Name] = v
		if numbers[s.Name] && v.value != "" {
			if _, err := strconv.ParseFloat(v.value, 64); err != nil {
				problems = append(problems, diag.Problem{
					Severity: diag.Error, ID: "bad-configuration",
					What: say.T("Invalid type for configuration option setting: %s (from %s): '%s' is not a number", "설정 %s의 형식이 잘못됐습니다(출처 %s): '%s'{은/는} 숫자가 아닙니다", s.Name, v.origin, v.value),
				})
			}
		}
	}
	return c, problems
}

func (c *Config) resolve(s Setting, ini map[string]map[string]string, getenv func(string) string) found {
	for _, name := range s.Env {
		if v := getenv(name); v != "" {
			return found{v, "env: " + name}
		}
	}
	v, ok := ini[s.Section][s.Key]
	if !ok && s.OldKey != "" {
		v, ok = ini[s.Section][s.OldKey]
	}
	if ok {
		if s.PathList {
			v = relativeTo(filepath.Dir(c.File), v)
		}
		return found{v, c.File}
	}
	return found{s.Default, "default"}
}

func relativeTo(dir, list string) string {
	sep := ":"
	if strings.Contains(list, ",") {
		sep = ","
	}
	parts := strings.Split(list, sep)
	for i, p := range parts {
		p = strings.TrimSpace(p)
		if p != "" && !filepath.IsAbs(p) && !strings.HasPrefix(p, "~") {
			p = filepath.Join(dir, p)
		}
		parts[i] = p
	}
	return strings.Join(parts, sep)
}

func findFile(getenv func(string) string) string {
	candidates := []string{getenv("ANSIBLE_CONFIG"), "ansible.cfg", filepath.Join(getenv("HOME"), ".ansible.cfg"), "/etc/ansible/ansible.cfg"}
	for _, p := range candidates {
		if p == "" {
			continue
		}
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			p = filepath.Join(p, "ansible.cfg")
		}
		if _, err := os.Stat(p); err == nil {
			if abs, err := filepath.Abs(p); err == nil {
				p = abs
			}
			return p
		}
	}
	return ""
}

// readINI reads sections of key = value, with # and ; comments.
func readINI(path string) (map[string]map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string]map[string]string{}
	section, lastKey := "", ""
	scan := bufio.NewScanner(f)
	for n := 1; scan.Scan(); n++ {
		raw := scan.Text()
		line := strings.TrimSpace(raw)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
			continue
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			section, lastKey = line[1:len(line)-1], ""
			if out[section] == nil {
				out[section] = map[string]string{}
			}
			continue
		case section == "":
			return out, fmt.Errorf("line %d stands before any [section]", n)
		case (raw[0] == ' ' || raw[0] == '\t') && lastKey != "":
			out[section][lastKey] += "\n" + line
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			key, value, ok = strings.Cut(line, ":")
		}
		if !ok {
			return out, fmt.Errorf("line %d is neither a [section] nor key = value", n)
		}
		lastKey = strings.ToLower(strings.TrimSpace(key))
		value, _, _ = strings.Cut(value, " ;")
		out[section][lastKey] = strings.TrimSpace(value)
	}
	if err := scan.Err(); err != nil {
		return out, fmt.Errorf("read %s: %w", path, err)
	}
	return out, nil
}

// Text returns a setting.
func (c *Config) Text(name string) string { return c.values[name].value }

// Origin says where a setting comes from: "default", a file, "env: NAME".
func (c *Config) Origin(name string) string { return c.values[name].origin }

// Bool returns a setting by Ansible's words for true.
func (c *Config) Bool(name string) bool {
	switch strings.ToLower(c.Text(name)) {
	case "true", "yes", "on", "1", "t", "y":
		return true
	}
	return false
}

// Int returns a number, or unset when there is none.
func (c *Config) Int(name string, unset int) int {
	if n, err := strconv.Atoi(c.Text(name)); err == nil {
		return n
	}
	return unset
}

// List returns a comma-separated setting.
func (c *Config) List(name string) []string {
	var out []string
	for _, p := range strings.Split(c.Text(name), ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// Paths returns a list of paths with ~ expanded.
func (c *Config) Paths(name, home string) []string {
	var out []string
	for _, p := range strings.Split(c.Text(name), ":") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		if strings.HasPrefix(p, "~/") {
			p = filepath.Join(home, p[2:])
		}
		out = append(out, p)
	}
	return out
}
