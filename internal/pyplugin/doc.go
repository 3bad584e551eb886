// Package pyplugin runs a project's own filter, test and lookup plugins, which
// are written in Python, in python3 of the controller. Nothing of it is sent to
// a host, and without python3 the plugins are lacking, as anything else can be.
//
// # Words
//
//   - Plugin: a name that templates use, and the file that brings it.
//   - Catalog: the plugins of one project, found by the folders beside what was
//     read: filter_plugins/, test_plugins/ and lookup_plugins/ of a playbook or
//     a role, plugins/filter and so on of a collection.
//   - Bridge: our own program in python3 (bridge.py), which is handed requests
//     and gives answers, a JSON line each.
//   - Need: what a plugin asks for in the middle of a call: a variable, a
//     template.
//
// A bridge is started by the first plugin that is used, and ends with the run.
// While one waits for what a plugin needs, another may be started for plugins
// that this needs in turn.
//
// What plugins import from ansible is the installed Ansible where python3 has
// one, else small stand-ins.
package pyplugin
