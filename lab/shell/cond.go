package shell

import (
	"regexp"
	"strconv"

	"mvdan.cc/sh/v3/syntax"

	"sunup/lab/glob"
	"sunup/lab/tools"
)

// testClause is bash's [[ ]].
func (s *Shell) testClause(c *syntax.TestClause) {
	ok, err := s.cond(c.X)
	if err != nil {
		s.fail(err, 2)
		return
	}
	s.status = int(b2i(!ok))
}

func (s *Shell) cond(e syntax.TestExpr) (bool, error) {
	switch e := e.(type) {
	case *syntax.ParenTest:
		return s.cond(e.X)
	case *syntax.Word:
		v, err := s.wordString(e)
		return v != "", err
	case *syntax.UnaryTest:
		return s.condUnary(e)
	case *syntax.BinaryTest:
		return s.condBinary(e)
	}
	return false, nil
}

func (s *Shell) condUnary(e *syntax.UnaryTest) (bool, error) {
	if e.Op == syntax.TsNot {
		ok, err := s.cond(e.X)
		return !ok, err
	}
	w, isWord := e.X.(*syntax.Word)
	if !isWord {
		return s.cond(e.X)
	}
	v, err := s.wordString(w)
	if err != nil {
		return false, err
	}
	if e.Op == syntax.TsVarSet {
		_, ok := s.get(v)
		return ok, nil
	}
	return s.p.CallOn(tools.Builtin("test"), []string{"test", e.Op.String(), v}) == 0, nil
}

func (s *Shell) condBinary(e *syntax.BinaryTest) (bool, error) {
	switch e.Op {
	case syntax.AndTest, syntax.OrTest:
		ok, err := s.cond(e.X)
		if err != nil || ok == (e.Op == syntax.OrTest) {
			return ok, err
		}
		return s.cond(e.Y)
	}
	xw, _ := e.X.(*syntax.Word)
	yw, _ := e.Y.(*syntax.Word)
	x, err := s.wordString(xw)
	if err != nil {
		return false, err
	}
	switch e.Op {
	case syntax.TsMatchShort, syntax.TsMatch, syntax.TsNoMatch:
		pat, err := s.wordPattern(yw)
		return glob.Match(pat, x) == (e.Op != syntax.TsNoMatch), err
	}
	y, err := s.wordString(yw)
	if err != nil {
		return false, err
	}
	switch e.Op {
	case syntax.TsReMatch:
		return s.matchRegexp(x, y)
	case syntax.TsBefore:
		return x < y, nil
	case syntax.TsAfter:
		return x > y, nil
	case syntax.TsEql, syntax.TsNeq, syntax.TsLeq, syntax.TsGeq, syntax.TsLss, syntax.TsGtr:
		a, err := s.arithText(x, 0)
		if err != nil {
			return false, err
		}
		b, err := s.arithText(y, 0)
		if err != nil {
			return false, err
		}
		x, y = strconv.FormatInt(a, 10), strconv.FormatInt(b, 10)
	}
	return s.p.CallOn(tools.Builtin("test"), []string{"test", x, e.Op.String(), y}) == 0, nil
}

func (s *Shell) matchRegexp(x, pattern string) (bool, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return false, err
	}
	m := re.FindStringSubmatch(x)
	s.vars["BASH_REMATCH"] = variable{isList: true, set: true, list: m}
	return m != nil, nil
}
