// Package image builds the file tree that every simulated host starts from: a
// small Debian with the tools of lab/tools. It is built once and shared.
package image
