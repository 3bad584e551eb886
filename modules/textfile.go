package modules

import (
	"context"
	"path"
)

// textFile is a file of a host that a module keeps as a whole.
type textFile struct {
	at      found
	id      identities
	attrs   attrs
	exists  bool
	content []byte
	fields  fields // what else the script printed
}

// text is the content as text.
func (t *textFile) text() string { return text(t.content) }

// openFile reads a file and runs a script after it, in one exchange unless the
// file is large. In the script $p is the path.
func (c *Call) openFile(ctx context.Context, at string, w attrs, script string) (*textFile, *Result, error) {
	f, fail, err := c.observe(ctx, systemPath+"p="+quotePath(at)+"\n"+parentScript+"O at \"$p\"\n"+w.lookup()+readContent(maxAnswer)+script)
	if fail != nil || err != nil {
		return nil, fail, err
	}
	t := &textFile{attrs: w, fields: f, at: f.found("at", f["p"]), id: w.identities(f)}
	t.exists = t.at.exists()
	if t.at.isDir() {
		return nil, Fail("%s is a directory", t.at.Path), nil
	}
	if t.exists {
		t.content, fail, err = c.contentOf(ctx, f, t.at)
	}
	return t, fail, err
}

// kept is how a file is written back.
type kept struct {
	backup   bool
	validate string
	unsafe   bool
}

// keepFile makes the file hold the content and have its attributes. It returns
// whether there was anything to do and, when it was done, the backup's name;
// t.at is then what was written.
func (c *Call) keepFile(ctx context.Context, t *textFile, content string, k kept) (changed bool, backup string, fail *Result, err error) {
	at := t.at
	if at.isLink() {
		at = at.followed()
	}
	w := rewrite{at: at, content: bytesBlob([]byte(content)), attrs: t.attrs, id: t.id, makeDirs: true, backup: k.backup, validate: k.validate, unsafe: k.unsafe}
	change, fail := newFileChange(w)
	if fail != nil {
		return false, "", fail, nil
	}
	same := t.exists && content == string(t.content)
	switch {
	case same && !change.needed():
		return false, "", nil, nil
	case c.Check:
		return true, "", nil, nil
	case same:
		_, fail, err = c.changeAttrs(ctx, at, change)
		return true, "", fail, err
	}
	done, inv, fail, err := c.write(ctx, w)
	if inv != nil {
		fail = Fail("failed to validate: rc:%d error:%s", inv.rc, inv.err)
	}
	if fail == nil && err == nil {
		t.at, t.exists = done.at, true
	}
	return true, path.Clean(done.backupFile), fail, err
}

// removeFile removes a file.
func (c *Call) removeFile(ctx context.Context, at string) (*Result, error) {
	_, fail, err := c.do(ctx, "rm -f -- "+quoteText(at))
	return fail, err
}

// fileDiff adds the change of a file's content to the result.
func (c *Call) fileDiff(r *Result, t *textFile, content string) {
	if c.Diff && content != string(t.content) {
		r.Diffs = append(r.Diffs, contentDiff(t.content, []byte(content), t.at.Path, t.at.Path))
	}
}
