package tools

import "sunup/lab/machine"

func awk(c *machine.Call) int {
	c.Errorf("not available")
	return 2
}
