#!/usr/bin/env python3
"""Writes moved.txt: the modules that left ansible-core, by the collection that
they went to, as the routing table of the Ansible that is installed names them.
A module that changed its name is written old=new."""
import os
import ansible.config
import yaml

table = os.path.join(os.path.dirname(ansible.config.__file__), "ansible_builtin_runtime.yml")
with open(table, encoding="utf-8") as f:
    modules = yaml.safe_load(f)["plugin_routing"]["modules"]
by = {}
for name, entry in modules.items():
    target = (entry or {}).get("redirect")
    if not target or name.startswith("_"):
        continue
    collection, _, new = target.rpartition(".")
    by.setdefault(collection, []).append(name if name == new else f"{name}={new}")
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "moved.txt"), "w", encoding="utf-8") as out:
    for collection in sorted(by):
        out.write(f"{collection}: {' '.join(sorted(by[collection]))}\n")
