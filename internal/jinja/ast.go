package jinja

// Expressions.
type (
	expr interface{ at() int }

	place int // offset in the source

	nameExpr struct {
		place
		name string
	}
	constExpr struct {
		place
		val any
		raw string // a string as written, when it has backslashes
	}
	tupleExpr struct {
		place
		items []expr
	}
	listExpr struct {
		place
		items []expr
	}
	dictExpr struct {
		place
		keys, vals []expr
	}
	attrExpr struct {
		place
		of   expr
		name string
	}
	itemExpr struct {
		place
		of, key expr
	}
	sliceExpr struct {
		place
		lo, hi, step expr // each may be nil
	}
	arguments struct {
		args      []expr
		names     []string
		named     []expr
		rest      expr // *args
		restNamed expr // **kwargs
	}
	callExpr struct {
		place
		fn expr
		arguments
	}
	filterExpr struct {
		place
		of   expr // nil: the text of a filter block
		name string
		arguments
	}
	testExpr struct {
		place
		of   expr
		name string
		arguments
	}
	binaryExpr struct {
		place
		op          string
		left, right expr
	}
	unaryExpr struct {
		place
		op string // "-", "+", "not"
		of expr
	}
	logicExpr struct {
		place
		or          bool
		left, right expr
	}
	compareExpr struct {
		place
		first expr
		ops   []string
		rest  []expr
	}
	concatExpr struct {
		place
		items []expr
	}
	condExpr struct {
		place
		test, yes, no expr // no may be nil
	}
	nsRefExpr struct { // only as a target
		place
		name, attr string
	}
)

func (p place) at() int { return int(p) }

// Statements.
type (
	stmt interface{ at() int }

	dataStmt struct {
		place
		text string
	}
	outputStmt struct {
		place
		of expr
	}
	forStmt struct {
		place
		target     expr
		iter       expr
		test       expr // may be nil
		recursive  bool
		body, none []stmt
	}
	ifStmt struct {
		place
		tests  []expr
		bodies [][]stmt
		no     []stmt
	}
	setStmt struct {
		place
		target expr
		val    expr
	}
	setBlockStmt struct {
		place
		target expr
		filter *filterExpr // outermost; may be nil
		body   []stmt
	}
	macroStmt struct {
		place
		name     string
		params   []string
		defaults []expr // of the last params
		body     []stmt
	}
	callStmt struct {
		place
		call   *callExpr
		caller *macroStmt
	}
	filterStmt struct {
		place
		filter *filterExpr
		body   []stmt
	}
	withStmt struct {
		place
		targets, vals []expr
		body          []stmt
	}
	scopeStmt struct {
		place
		body []stmt
	}
	blockStmt struct {
		place
		name             string
		scoped, required bool
		body             []stmt
	}
	extendsStmt struct {
		place
		name expr
	}
	includeStmt struct {
		place
		name                       expr
		ignoreMissing, withContext bool
	}
	importStmt struct {
		place
		name        expr
		as          string
		withContext bool
	}
	fromStmt struct {
		place
		name        expr
		names, as   []string
		withContext bool
	}
	doStmt struct {
		place
		of expr
	}
	jumpStmt struct {
		place
		stop bool // break, or else continue
	}
)
