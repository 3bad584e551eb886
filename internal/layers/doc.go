// Package layers holds no code: its test holds the table of
// docs/architecture.md against the imports of the project.
package layers
