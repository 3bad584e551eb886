#!/usr/bin/python3
"""Computes literals.json from literals.txt: what ast.literal_eval reads, as
repr prints it, and what json.dumps writes of it."""
import ast
import json
import os
import warnings

warnings.simplefilter("ignore")
here = os.path.dirname(os.path.abspath(__file__))
WORDS = {"true": True, "false": False, "null": None}


class Words(ast.NodeTransformer):
    def visit_Name(self, node):
        return ast.Constant(value=WORDS[node.id]) if node.id in WORDS else node


def read(text):
    return ast.literal_eval(ast.fix_missing_locations(Words().visit(ast.parse(text, mode="eval"))))


def dumps(v, **kw):
    try:
        return json.dumps(v, **kw)
    except (TypeError, ValueError) as e:
        return "error"


out = []
with open(os.path.join(here, "literals.txt"), encoding="utf-8") as f:
    lines = f.read().split("\n")[:-1]
case = []
for line in lines:
    text = line
    entry = {"text": text}
    try:
        v = read(text)
        entry["repr"] = repr(v)
        entry["str"] = str(v)
        entry["type"] = type(v).__name__
        entry["truth"] = bool(v)
        entry["json"] = dumps(v)
        entry["pretty"] = dumps(v, indent=2, ensure_ascii=False, sort_keys=True)
    except Exception:
        entry["error"] = True
    out.append(entry)
with open(os.path.join(here, "literals.json"), "w", encoding="utf-8") as f:
    json.dump(out, f, indent=1, ensure_ascii=True)
    f.write("\n")
