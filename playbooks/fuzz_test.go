package playbooks

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sunup/internal/say"
)

// FuzzLoad reads anything as a playbook, as a file of tasks and as a role: no
// panic, no endless loop, and problems that can be shown.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yml", "testdata/good/*.yml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			src, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(src))
		}
	}
	f.Add("- import_tasks: tasks.yml\n- import_role: {name: r}\n- import_tasks: tasks.yml\n")
	f.Add("- import_playbook: tasks.yml\n- hosts: a\n  roles: [r, {role: r, a: 1}]\n  tasks:\n  - import_role: {name: r, tasks_from: ../../../tasks}\n")
	f.Add("dependencies: [r, {role: r, x: 1}]\n")
	f.Fuzz(func(t *testing.T, src string) {
		l := memory(map[string]string{
			"site.yml": src, "tasks.yml": src,
			"play.yml":               "- hosts: all\n  roles: [r]\n  tasks:\n    - import_tasks: tasks.yml\n",
			"roles/r/tasks/main.yml": src, "roles/r/meta/main.yml": src, "roles/r/vars/main.yml": src, "roles/r/handlers/main.yml": src,
		}, func(o *Options) { o.Modules, o.MaxFiles = core{}, 2000 })
		start := time.Now()
		for _, path := range []string{"site.yml", "play.yml"} {
			p, problems := l.Load(path)
			for _, lang := range []say.Lang{say.English, say.Korean} {
				if text := problems.Format(lang); strings.Contains(text, "%!") && !strings.Contains(src, "%!") {
					t.Fatal(text)
				}
			}
			if p != nil {
				p.Walk(func(_ *Play, s Step) {
					if task, ok := s.(*Task); ok {
						_ = fmt.Sprint(task.AllTags(), task.AllWhen(), len(task.VarsChain()), len(task.RoleChain()))
					}
				})
			}
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("%s for %d bytes", d, len(src))
		}
	})
}

// BenchmarkLoad reads a playbook of 1,000 tasks.
func BenchmarkLoad(b *testing.B) {
	var src strings.Builder
	src.WriteString("- hosts: all\n  become: true\n  tasks:\n")
	for i := range 1000 {
		fmt.Fprintf(&src, "    - name: Step %d\n      copy:\n        src: files/%d\n        dest: \"/etc/{{ name }}/%d\"\n        mode: \"0644\"\n      when: ready and step_%d is defined\n      notify: restart\n      register: result_%d\n", i, i, i, i, i)
	}
	src.WriteString("  handlers:\n    - name: restart\n      service: name=x state=restarted\n")
	b.SetBytes(int64(src.Len()))
	for b.Loop() {
		p, problems := memory(map[string]string{"site.yml": src.String()}, func(o *Options) { o.Modules = core{} }).Load("site.yml")
		if problems.HasErrors() || len(p.Plays[0].Tasks.Tasks) != 1000 {
			b.Fatal(problems)
		}
	}
}
