package modules

import "sunup/internal/say"

// The words below are carried out by the engine itself; they are in the
// catalogue so that their arguments are checked and documented like all
// others.

var metaModule = Module{
	Name:       "ansible.builtin.meta",
	Summary:    say.T("Steers the run itself: handlers, facts, hosts.", "실행 자체를 다룬다: 핸들러, 팩트, 호스트."),
	Controller: true,
	Engine:     true,
	Spec:       Spec{FreeForm: true},
}

var includeParams = []Param{
	{Name: "file", Type: Str, Doc: say.T("File of tasks to include.", "포함할 작업 파일.")},
	{Name: "apply", Type: Dict, Doc: say.T("Keywords for every included task.", "포함된 모든 작업에 줄 키워드.")},
}

var includeTasksModule = Module{
	Name:       "ansible.builtin.include_tasks",
	Summary:    say.T("Includes a file of tasks while the play runs.", "실행 중에 작업 파일을 포함한다."),
	Controller: true,
	Engine:     true,
	Spec:       Spec{FreeForm: true, Params: includeParams},
}

var importTasksModule = Module{
	Name:       "ansible.builtin.import_tasks",
	Summary:    say.T("Inserts a file of tasks when the playbook is read.", "플레이북을 읽을 때 작업 파일을 끼워 넣는다."),
	Controller: true,
	Engine:     true,
	Spec: Spec{FreeForm: true, Params: []Param{
		{Name: "file", Type: Str, Doc: say.T("File of tasks to import.", "가져올 작업 파일.")},
	}},
}

var includeModule = Module{
	Name:       "ansible.builtin.include",
	Summary:    say.T("Old name: use include_tasks or import_tasks.", "옛 이름: include_tasks나 import_tasks를 쓴다."),
	Controller: true,
	Engine:     true,
	Spec:       Spec{FreeForm: true, Params: includeParams, Open: true},
}

var importPlaybookModule = Module{
	Name:       "ansible.builtin.import_playbook",
	Summary:    say.T("Inserts the plays of another playbook.", "다른 플레이북의 플레이를 끼워 넣는다."),
	Controller: true,
	Engine:     true,
	Spec:       Spec{FreeForm: true},
}

var roleParams = []Param{
	{Name: "name", Aliases: []string{"role"}, Required: true, Doc: say.T("Role to run.", "실행할 역할.")},
	{Name: "tasks_from", Default: "main", Doc: say.T("File of the role's tasks directory.", "역할의 tasks 디렉터리에 있는 파일.")},
	{Name: "vars_from", Default: "main", Doc: say.T("File of the role's vars directory.", "역할의 vars 디렉터리에 있는 파일.")},
	{Name: "defaults_from", Default: "main", Doc: say.T("File of the role's defaults directory.", "역할의 defaults 디렉터리에 있는 파일.")},
	{Name: "handlers_from", Default: "main", Doc: say.T("File of the role's handlers directory.", "역할의 handlers 디렉터리에 있는 파일.")},
	{Name: "allow_duplicates", Type: Bool, Default: true, Doc: say.T("Run the role again when it ran before.", "이미 실행한 역할이라도 다시 실행한다.")},
	{Name: "rolespec_validate", Type: Bool, Default: true, Doc: say.T("Check the role's argument specification.", "역할의 인자 명세를 검사한다.")},
}

var importRoleModule = Module{
	Name:       "ansible.builtin.import_role",
	Summary:    say.T("Inserts a role when the playbook is read.", "플레이북을 읽을 때 역할을 끼워 넣는다."),
	Controller: true,
	Engine:     true,
	Spec:       Spec{Params: roleParams},
}

var includeRoleModule = Module{
	Name:       "ansible.builtin.include_role",
	Summary:    say.T("Runs a role while the play runs.", "실행 중에 역할을 실행한다."),
	Controller: true,
	Engine:     true,
	Spec: Spec{Params: append([]Param{
		{Name: "apply", Type: Dict, Doc: say.T("Keywords for every task of the role.", "역할의 모든 작업에 줄 키워드.")},
		{Name: "public", Type: Bool, Default: false, Doc: say.T("Keep the role's variables for later tasks.", "역할의 변수를 다음 작업에도 남긴다.")},
	}, roleParams...)},
}
