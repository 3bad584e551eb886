package playbooks

import (
	"strings"

	"sunup/internal/say"
	"sunup/internal/yaml"
)

// block reads a block with its rescue and always.
func (c *place) block(n *yaml.Node) []Step {
	if c.handlers && c.nestedHandlers {
		c.report(problem(n, "block-as-handler", say.T("Using a block as a handler is not supported.", "블록은 핸들러가 될 수 없습니다"), say.Text{},
			say.T("write the tasks one by one, with the same listen", "작업을 하나씩 쓰고 listen을 같게 하세요")))
		return nil
	}
	b := &Block{Scope: Scope{Kind: BlockScope, Parent: c.parent, Pos: n.Pos}}
	var main, rescue, always yaml.Entry
	for i := range n.Entries {
		switch e := &n.Entries[i]; scalarText(e.Key) {
		case "block":
			main = *e
		case "rescue":
			rescue = *e
		case "always":
			always = *e
		default:
			c.blockKeyword(b, e)
		}
	}
	if k := b.Keywords["name"]; k != nil {
		b.Name = scalarText(k.Node)
	}
	inner := c.in(&b.Scope)
	inner.nestedHandlers = true
	inner.forgiven = c.forgiven || ignoresErrors(n) || hasEntries(rescue)
	b.Tasks = inner.section(main)
	inner.forgiven = c.forgiven
	b.Rescue, b.Always = inner.section(rescue), inner.section(always)
	for _, e := range []yaml.Entry{rescue, always} {
		if hasEntries(e) {
			c.checkBeside(main, e)
		}
	}
	if c.handlers {
		return b.Tasks
	}
	return []Step{b}
}

// section reads block, rescue or always.
func (c *place) section(e yaml.Entry) []Step {
	if e.Key == nil {
		return nil
	}
	return c.list(e.Key, e.Value, say.Plain(scalarText(e.Key)))
}

func hasEntries(e yaml.Entry) bool { return e.Value != nil && len(e.Value.Items) > 0 }

// checkBeside reports rescue or always (e) without a block (main) to watch.
func (c *place) checkBeside(main, e yaml.Entry) {
	name := scalarText(e.Key)
	switch {
	case c.handlers:
		c.report(warning(e.Key, "ignored-section", say.T("%s does nothing among handlers", "핸들러에서 %s{은/는} 아무 일도 하지 않습니다", name), say.Text{}, say.T("remove it", "지우세요")))
	case !hasEntries(main):
		c.report(problem(e.Key, "without-block", say.T("%s stands without a block", "block 없이 %s만 있습니다", name),
			say.Text{}, say.T("put the tasks that may fail under block:, beside it", "실패할 수 있는 작업을 같은 깊이의 block: 아래에 쓰세요")))
	}
}

func (c *place) blockKeyword(b *Block, e *yaml.Entry) {
	name := scalarText(e.Key)
	if k := keywordIn(name, inBlock); k != nil {
		c.set(&b.Scope, k, e.Key, e.Value)
		return
	}
	if k := keywordIn(name, inTask); k != nil || strings.HasPrefix(name, "with_") {
		c.report(problem(e.Key, "misplaced-keyword", say.T("%s does not belong on a block", "%s{은/는} 블록에 쓸 수 없습니다", name),
			say.T("it is a keyword of a single task", "작업 하나의 키워드입니다"), blockFix(name)))
		return
	}
	if c.known(name) {
		c.report(problem(e.Key, "action-on-block", say.T("a block runs no module of its own: %s", "블록 자체는 모듈을 실행하지 않습니다: %s", name), say.Text{},
			say.T("move it into the list below block:", "block: 아래 목록으로 옮기세요")))
		return
	}
	c.report(unknownKeyword(e.Key, inBlock))
}

func blockFix(name string) say.Text {
	if name == "loop" || strings.HasPrefix(name, "with_") {
		return say.T("put the tasks into a file and use include_tasks with %s", "작업을 파일로 옮기고 include_tasks에 %s{을/를} 쓰세요", name)
	}
	return say.T("write it on each task of the block", "블록의 작업마다 쓰세요")
}
