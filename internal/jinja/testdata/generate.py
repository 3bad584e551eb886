#!/usr/bin/python3
"""Computes expected.json from the cases in this directory, with the installed
jinja2 and ansible. Run it again after changing cases: ./generate.py

expressions.txt  one expression a line, as "{{ ... }}" in a playbook
templates.txt    templates, each under a line "=== how name", where how is
                 "render" (a template file) or "eval" (a string in a playbook)
conditions.txt   one condition of when: a line
"""
import json
import os
import sys

import ansible
import jinja2
from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.conditional import Conditional
from ansible.template import Templar
from markupsafe import Markup

constants.COLOR_WARN = None
here = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open(os.path.join(here, name), encoding="utf-8") as f:
        return f.read()


def variables():
    v = json.loads(read("vars.json"))
    v["omit"] = "__omit_place_holder__"
    return v


def templar():
    loader = DataLoader()
    loader.set_basedir(os.path.join(here, "templates"))
    t = Templar(loader=loader, variables=variables())
    t.environment.loader.searchpath = [os.path.join(here, "templates")]
    return t


def expressions():
    for line in read("expressions.txt").splitlines():
        if line and not line.startswith("# One"):
            yield "eval", line, "{{ " + line + " }}"


def templates():
    how = name = None
    body = []
    for line in read("templates.txt").splitlines(True):
        if line.startswith("=== "):
            if how:
                yield how, name, "".join(body)[:-1]
            _, how, name = line.rstrip("\n").split(" ", 2)
            body = []
        elif how:
            body.append(line)
    if how:
        yield how, name, "".join(body)[:-1]


def conditions():
    for line in read("conditions.txt").splitlines():
        if line:
            yield "condition", line, line


def compute(how, source):
    t = templar()
    if how == "eval":
        return t.template(source)
    if how == "render":
        return t.template(source, escape_backslashes=False, convert_data=False)
    c = Conditional(loader=DataLoader())
    c.when = [source]
    return c.evaluate_conditional(t, variables())


def main():
    out = {"jinja2": jinja2.__version__, "ansible": ansible.__version__, "cases": []}
    for source in (expressions, templates, conditions):
        for how, name, text in source():
            case = {"how": how, "name": name}
            try:
                result = compute(how, text)
                case["result"] = repr(str(result) if isinstance(result, Markup) else result)
            except RecursionError as e:
                case["error"] = "recursion"
            except Exception as e:
                case["error"] = str(e)
            out["cases"].append(case)
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "expected.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(out, f, indent=1, ensure_ascii=False)
        f.write("\n")


main()
