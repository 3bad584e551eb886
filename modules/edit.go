package modules

import (
	"context"
)

// edit is one file of a host being edited: read, changed on the controller,
// and written back.
type edit struct {
	*Call
	create    bool
	backupKey string // Ansible's modules do not agree on backup or backup_file
	attrs     attrs
	values    map[string]any
	// plainHeader names the file in diffs without what of it is shown, and
	// leaves attributes out of them.
	plainHeader bool
	// bare is for a module that replaces links, and whose msg and diff tell of
	// the content only.
	bare bool

	at      found
	id      identities
	exists  bool
	content []byte
}

// open reads the file, in one exchange unless it is large.
func (e *edit) open(ctx context.Context) (*Result, error) {
	a := e.Args
	script := "p=" + quotePath(a.Str("path")) + "\n" + parentScript + "O at \"$p\"\n" + e.attrs.lookup() + readContent(maxAnswer)
	f, fail, err := e.observe(ctx, script)
	if fail != nil || err != nil {
		return fail, err
	}
	e.at, e.id = f.found("at", f["p"]), e.attrs.identities(f)
	e.exists = e.at.exists()
	if !e.exists || e.at.isDir() {
		return nil, nil
	}
	e.content, fail, err = e.contentOf(ctx, f, e.at)
	return fail, err
}

// finish writes what was changed and makes the result.
func (e *edit) finish(ctx context.Context, done edited) (*Result, error) {
	r := ChangedIf(done.changed)
	r.Msg = done.msg
	header := e.at.Path + " (content)"
	if e.plainHeader {
		header = e.at.Path
	}
	if e.Diff && (done.changed || !e.plainHeader) {
		before, after := e.content, done.content
		if done.texts != nil {
			before, after = []byte(done.texts[0]), []byte(done.texts[1])
		}
		r.Diffs = append(r.Diffs, contentDiff(before, after, header, header))
	}
	for k, v := range e.values {
		r.Set(k, v)
	}
	backup := ""
	// Links are followed, so that the real file is the one that changes.
	at := e.at
	if at.isLink() && !(e.bare && done.changed) {
		at = at.followed()
	}
	change, fail := e.compareAfter(at)
	if fail != nil {
		return fail, nil
	}
	var err error
	switch {
	case e.Check:
	case done.changed:
		at, backup, fail, err = e.save(ctx, at, done.content)
	case change.needed():
		at, fail, err = e.changeAttrs(ctx, at, change)
	}
	if fail != nil || err != nil {
		return fail, err
	}
	e.at = at
	if e.exists || !e.Check {
		e.reportAttrs(r, change)
	}
	// An empty msg is a value, too: playbooks compare with it.
	r.Set("msg", r.Msg)
	if e.backupKey == "backup" || backup != "" {
		r.Set(e.backupKey, backup)
	}
	return r, nil
}

// compareAfter compares the attributes asked for with those of the file, or
// those that a new one would have.
func (e *edit) compareAfter(at found) (attrChange, *Result) {
	return newFileChange(rewrite{at: at, attrs: e.attrs, id: e.id})
}

func (e *edit) reportAttrs(r *Result, change attrChange) {
	if e.bare {
		r.Changed = r.Changed || change.needed()
		if e.Diff {
			header := e.at.Path + " (file attributes)"
			r.Diffs = append(r.Diffs, Diff{BeforeHeader: header, AfterHeader: header})
		}
		return
	}
	if change.needed() {
		if r.Changed && r.Msg != "" {
			r.Msg += " and "
		}
		r.Msg += "ownership, perms or SE linux context changed"
		r.Changed = true
	}
	if e.Diff && !e.plainHeader {
		header := e.at.Path + " (file attributes)"
		if change.before.Len() == 0 {
			r.Diffs = append(r.Diffs, Diff{BeforeHeader: header, AfterHeader: header})
			return
		}
		r.Diffs = append(r.Diffs, valuesDiff(change.before, change.after, header, header))
	}
}

func (e *edit) save(ctx context.Context, at found, content []byte) (found, string, *Result, error) {
	validate := ""
	if e.Args.Has("validate") {
		validate = e.Args.Str("validate")
	}
	done, inv, fail, err := e.write(ctx, rewrite{
		at: at, content: bytesBlob(content), attrs: e.attrs, id: e.id, makeDirs: !e.exists,
		backup: e.Args.Bool("backup"), validate: validate, unsafe: e.Args.Bool("unsafe_writes"),
	})
	if inv != nil {
		fail = Fail("failed to validate: rc:%d error:%s", inv.rc, inv.err)
	}
	return done.at, done.backupFile, fail, err
}
