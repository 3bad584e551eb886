package modules

import (
	"testing"

	"github.com/antchfx/xpath"
)

// What is written can be read again and is then written just so; no expression
// and no document ends the program.
func FuzzXML(f *testing.F) {
	f.Add("<a b='1'><c/>x<!-- y --><d xmlns='u' xmlns:p='v' p:q='2'><![CDATA[z]]></d></a>", "//d|/a/@b")
	f.Add("<?xml version='1.0'?><!DOCTYPE a><a>&lt;&#13;</a>", "/a[text()='<']")
	f.Fuzz(func(t *testing.T, text, expr string) {
		doc, err := parseXML(text, false, false)
		if err != nil {
			return
		}
		once := doc.document(false)
		again, err := parseXML(once, false, false)
		if err != nil {
			t.Fatalf("%q was written as %q: %v", text, once, err)
		}
		if twice := again.document(false); twice != once {
			t.Fatalf("%q became %q", once, twice)
		}
		doc.plain()
		w := &xmlWork{doc: doc}
		found, _ := w.find(doc, expr) //nolint:errcheck // most are none
		for _, c := range found {
			c.at.path()
		}
		var _ xpath.NodeNavigator = &xmlCursor{}
	})
}
