package jinja

func filterToYAML(nice bool) Func {
	return func(c *Call) (any, error) { return nil, nil }
}
