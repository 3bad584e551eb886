#!/usr/bin/python3
"""Writes dump.json: what PyYAML's dump makes of each value, with several parameters."""
import json
import os

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
LONG = "the quick brown fox jumps over the lazy dog and then goes on and on until the line is very long indeed, longer than eighty"
VALUES = [
    None, True, 0, -5, 12345678901234567890, 1.0, 1e300, 1e-7, 1.5, float("inf"), "", "x", "yes", "no", "null", "~", "1", "1.0", "0o17", "1e3", "1:30", "2001-12-14", "=", "<<", "-", "?", ":",
    "a: b", "a:b", "a #b", "a#b", "#a", "- a", "-a", "[a", "a]", "{a", "a, b", "it's", "say \"x\"", "'q'", "a\nb", "a\n", "\na", "a\n\nb\n", "a \nb", "a\n b", " a", "a ", "\t", "a\tb", "한글", "é",
    "😀", "\x00", "\x7f", "\u2028", "a\u0085b", "\ufeffx", "%a", "@a", "`a`", "!a", "&a", "*a", "|a", ">a", "---", "--- a", "...", "a\\b", "C:\\x", "{{ x }}", "{% x %}", LONG, LONG + "\n", LONG + ": x", "'" + LONG,
    LONG.replace(" ", "  "), "한" * 50 + " " + "글" * 50, "\t" + LONG, LONG + "\n" + LONG, "x" * 200, "a?b", "a,b", "0", "007", "08", "+1", "._", ".5", "1_000", "on", "Off", "y", "n",
    [], {}, [[]], [{}], {"a": []}, {"a": {}}, [1, 2], ["a", "b c"], {"a": 1, "b": "x"}, {"b": 1, "a": 2}, {"a": {"b": {"c": 1}}}, {"a": [1, [2, [3]]]}, [{"a": 1, "b": 2}, {"c": [1, 2]}],
    [[1, 2], [3, [4, 5]]], {"l": ["x" * 30] * 5}, {"d": {"k%02d" % i: "value %d" % i for i in range(9)}}, {"a": "x\ny\n", "b": "x\ny"}, {"k" * 130: 1}, {"k" * 122: 1, "k" * 123: 2}, {"a b": 1, "a: b": 2, "": 3, "x\ny": 4},
    {"t": LONG}, {"a": {"b": LONG}}, [LONG, [LONG]], {"yes": "no", "1": "2"}, {"a": None, "b": True, "c": 1.5}, {"한글": "값"}, [None, [None]], {"a": "  lead", "b": "trail  "}, {"a": "x\n\n\ny"}, {"a": ["b", {"c": ["d"]}]},
    ["a\nb", "c"], {"a": ["x\n"]}, "a\n\n", {"a": "\n"}, " \n", "\n\n",
]
PARAMS = [
    {"sort_keys": True}, {"default_flow_style": False, "allow_unicode": True, "indent": 4, "sort_keys": True}, {"default_flow_style": None, "allow_unicode": True}, {"default_flow_style": True, "allow_unicode": True, "width": 40},
    {"default_flow_style": False, "sort_keys": False, "width": 20, "allow_unicode": True}, {"default_style": "|", "allow_unicode": True}, {"default_style": "'"}, {"default_style": '"', "width": 1000}, {"explicit_start": True, "explicit_end": True}, {"indent": 8, "width": 60},
]
shared = [1, 2]
with open(os.path.join(HERE, "dump.json"), "w") as f:
    rows = []
    for v in VALUES:
        outs = []
        for p in PARAMS:
            q = dict({"default_flow_style": False, "sort_keys": True}, **p)
            outs.append(yaml.dump(v, Dumper=yaml.CSafeDumper, **q))
        rows.append(json.dumps({"Value": v, "Out": outs}))
    f.write("[\n" + ",\n".join(rows) + "\n]\n")
