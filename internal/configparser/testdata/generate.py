#!/usr/bin/env python3
"""Writes files.json again: what Python's configparser makes of each "src" in it."""
import configparser
import json
import os

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files.json")
with open(path, encoding="utf-8") as f:
    cases = json.load(f)
for case in cases:
    for old in ("want", "error"):
        case.pop(old, None)
    parser = configparser.ConfigParser(
        allow_no_value=case.get("novalue", False), inline_comment_prefixes=case.get("inline"))
    if case.get("case"):
        parser.optionxform = str
    try:
        parser.read_string(case["src"])
    except configparser.Error as e:
        case["error"] = type(e).__name__
        continue
    case["want"] = {}
    for name in parser.sections():
        try:
            case["want"][name] = parser.items(name)
        except configparser.Error as e:
            case["want"][name] = type(e).__name__
with open(path, "w", encoding="utf-8") as f:
    json.dump(cases, f, indent=1, ensure_ascii=False)
    f.write("\n")
