package shell

import (
	"fmt"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxDepth bounds recursion of expressions and functions.
const maxDepth = 400

// arith evaluates an arithmetic expression.
func (s *Shell) arith(e syntax.ArithmExpr) (int64, error) { return s.arithAt(e, 0) }

func (s *Shell) arithAt(e syntax.ArithmExpr, depth int) (int64, error) {
	if depth > maxDepth {
		return 0, fmt.Errorf("expression recursion level exceeded")
	}
	switch e := e.(type) {
	case nil:
		return 0, nil
	case *syntax.Word:
		return s.arithWord(e, depth)
	case *syntax.ParenArithm:
		return s.arithAt(e.X, depth+1)
	case *syntax.UnaryArithm:
		return s.arithUnary(e, depth)
	case *syntax.BinaryArithm:
		return s.arithBinary(e, depth)
	}
	return 0, fmt.Errorf("bad expression")
}

func (s *Shell) arithWord(w *syntax.Word, depth int) (int64, error) {
	text, err := s.wordString(w)
	if err != nil {
		return 0, err
	}
	return s.arithText(strings.TrimSpace(text), depth)
}

func (s *Shell) arithText(text string, depth int) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if syntax.ValidName(text) {
		v, ok := s.get(text)
		if !ok && s.opt['u'] {
			return 0, fmt.Errorf("%s: parameter not set", text)
		}
		if depth > maxDepth {
			return 0, fmt.Errorf("expression recursion level exceeded")
		}
		return s.arithText(strings.TrimSpace(v), depth+1)
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil && !strings.ContainsAny(text, "_") {
		return n, nil
	}
	if base, digits, ok := strings.Cut(text, "#"); ok && s.bash {
		if b, err := strconv.Atoi(base); err == nil && b >= 2 && b <= 36 {
			return strconv.ParseInt(digits, b, 64)
		}
	}
	// The value of a variable may be an expression itself.
	e, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Arithmetic(strings.NewReader(text))
	if w, ok := e.(*syntax.Word); err != nil || e == nil || ok && w.Lit() == text {
		return 0, fmt.Errorf("arithmetic expression: expecting primary: \"%s\"", text)
	}
	return s.arithAt(e, depth+1)
}

func arithName(e syntax.ArithmExpr) (string, error) {
	if w, ok := e.(*syntax.Word); ok && syntax.ValidName(w.Lit()) {
		return w.Lit(), nil
	}
	return "", fmt.Errorf("attempted assignment to non-variable")
}

func (s *Shell) arithUnary(e *syntax.UnaryArithm, depth int) (int64, error) {
	x, err := s.arithAt(e.X, depth+1)
	if err != nil {
		return 0, err
	}
	switch e.Op {
	case syntax.Inc, syntax.Dec:
		name, err := arithName(e.X)
		if err != nil {
			return 0, err
		}
		if !s.bash {
			// dash does not know them: a script that uses them is not portable.
			return 0, &expandError{"arithmetic expression: expecting primary: \"" + name + e.Op.String() + "\""}
		}
		n := x + 1
		if e.Op == syntax.Dec {
			n = x - 1
		}
		if err := s.set(name, strconv.FormatInt(n, 10)); err != nil {
			return 0, err
		}
		if e.Post {
			return x, nil
		}
		return n, nil
	case syntax.Not:
		return b2i(x == 0), nil
	case syntax.BitNegation:
		return ^x, nil
	case syntax.Minus:
		return -x, nil
	}
	return x, nil
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// assignOps are the operators that assign, with what they do before.
var assignOps = map[syntax.BinAritOperator]syntax.BinAritOperator{
	syntax.AddAssgn: syntax.Add, syntax.SubAssgn: syntax.Sub, syntax.MulAssgn: syntax.Mul, syntax.QuoAssgn: syntax.Quo, syntax.RemAssgn: syntax.Rem,
	syntax.AndAssgn: syntax.And, syntax.OrAssgn: syntax.Or, syntax.XorAssgn: syntax.Xor, syntax.ShlAssgn: syntax.Shl, syntax.ShrAssgn: syntax.Shr,
}

func (s *Shell) arithBinary(e *syntax.BinaryArithm, depth int) (int64, error) {
	op, assigns := assignOps[e.Op]
	if e.Op == syntax.Assgn || assigns {
		return s.arithAssign(e, op, assigns, depth)
	}
	x, err := s.arithAt(e.X, depth+1)
	if err != nil {
		return 0, err
	}
	switch e.Op {
	case syntax.AndArit:
		if x == 0 {
			return 0, nil
		}
		y, err := s.arithAt(e.Y, depth+1)
		return b2i(y != 0), err
	case syntax.OrArit:
		if x != 0 {
			return 1, nil
		}
		y, err := s.arithAt(e.Y, depth+1)
		return b2i(y != 0), err
	case syntax.TernQuest:
		b, ok := e.Y.(*syntax.BinaryArithm)
		if !ok {
			return 0, fmt.Errorf("bad expression")
		}
		if x != 0 {
			return s.arithAt(b.X, depth+1)
		}
		return s.arithAt(b.Y, depth+1)
	}
	y, err := s.arithAt(e.Y, depth+1)
	if err != nil {
		return 0, err
	}
	return compute(e.Op, x, y)
}

func (s *Shell) arithAssign(e *syntax.BinaryArithm, op syntax.BinAritOperator, combine bool, depth int) (int64, error) {
	name, err := arithName(e.X)
	if err != nil {
		return 0, err
	}
	n, err := s.arithAt(e.Y, depth+1)
	if err == nil && combine {
		var x int64
		if x, err = s.arithAt(e.X, depth+1); err == nil {
			n, err = compute(op, x, n)
		}
	}
	if err != nil {
		return 0, err
	}
	return n, s.set(name, strconv.FormatInt(n, 10))
}

func compute(op syntax.BinAritOperator, x, y int64) (int64, error) {
	switch op {
	case syntax.Add:
		return x + y, nil
	case syntax.Sub:
		return x - y, nil
	case syntax.Mul:
		return x * y, nil
	case syntax.Quo, syntax.Rem:
		if y == 0 {
			return 0, fmt.Errorf("division by zero")
		}
		if y == -1 {
			// The smallest number divided by -1 would trap.
			if op == syntax.Quo {
				return -x, nil
			}
			return 0, nil
		}
		if op == syntax.Quo {
			return x / y, nil
		}
		return x % y, nil
	case syntax.Pow:
		n := int64(1)
		if y < 0 {
			return 0, fmt.Errorf("exponent less than 0")
		}
		for range min(y, 64) {
			n *= x
		}
		return n, nil
	case syntax.And:
		return x & y, nil
	case syntax.Or:
		return x | y, nil
	case syntax.Xor:
		return x ^ y, nil
	case syntax.Shl:
		return x << (uint64(y) & 63), nil
	case syntax.Shr:
		return x >> (uint64(y) & 63), nil
	case syntax.Eql:
		return b2i(x == y), nil
	case syntax.Neq:
		return b2i(x != y), nil
	case syntax.Lss:
		return b2i(x < y), nil
	case syntax.Leq:
		return b2i(x <= y), nil
	case syntax.Gtr:
		return b2i(x > y), nil
	case syntax.Geq:
		return b2i(x >= y), nil
	case syntax.Comma:
		return y, nil
	}
	return 0, fmt.Errorf("bad operator")
}
