package modules_test

import (
	"testing"

	"sunup/modules/modtest"
)

func TestCases(t *testing.T) { modtest.Run(t, "testdata") }
