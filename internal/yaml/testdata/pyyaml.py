#!/usr/bin/python3
"""Writes pyyaml.json: what PyYAML, with Ansible's own resolver, makes of each text."""
import datetime
import json
import os
import sys

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))

SCALARS = """yes no on off true false y n Y N Yes YES yEs True TRUE tRUE On ON Off OFF No NO null Null NULL nULL ~ ~~ none None
0 1 -1 +1 00 01 0777 -0777 08 09 0o17 0O17 0x1F 0X1F -0x1f 0xg 0b101 -0b11 0b2 0_7 1_000 _1 1_ 0x_f 12345678901234567890 9223372036854775807 9223372036854775808
1:30 1:60 01:30 1:30:00 -1:30 190:20:30 1:5 0:30 1:30.5 20:30.15 12:30:45.6 22:22 1:2:3:4
1.0 1. .5 -.5 +.5 0.1 -0.1 1e3 1E3 1.0e3 1.0e+3 1.0e-3 1.5E+10 .5e+3 1_0.5 1._5 ._5 . .. ... -. +. 1.2.3 1.0e 1.e+3
.inf -.inf +.inf .Inf .INF .iNF inf .nan .NaN .NAN .Nan nan -.nan
2001-12-14 2001-1-1 2001-12-14t21:59:43.10-05:00 2001-12-14T21:59:43Z 2001-12-14T21:59:43 2002-12-14T1:02:03.123456789+9 2001-12-14T21:59 12-14-2001
- -- -a -1a 1a +a /path a=b a,b 1,000 100% 10.0.0.1 10.0.0.0/8 ::1 fe80::1 a::b 12:34:56:78:9a:bc 00:11:22:33:44:55 1.2.3-4 v1.0 1.10 3.10 007 0.0 -0 -0.0 +0
한글 é 😀 <<x x<< <= => == 0755 0644 644 u+x !! a#b""".split()

TEXTS = [
    "a: 1\nb: [x, 'y', \"z\\n\"]\n", "- a\n- - b\n  - c\n-\n", "a:\nb: ~\nc: ''\n", "a: |\n  x\n   y\n\n  z\n", "a: |-\n  x\n", "a: |+\n  x\n\n",
    "a: >\n  x\n  y\n\n  z\n   w\n", "a: >-\n  x\n  y\n", "a: 'it''s'\n", "a: \"\\x41\\u00e9\\t\\\"\\\\\"\n", "a: 'x\n  y\n\n  z'\n", "a: x\n  y\n   z\n",
    "b: &b {x: 1, y: 2}\nc:\n  <<: *b\n  y: 3\n", "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], z: 3}\n", "c: {z: 1, <<: {z: 2, y: 3}}\n", "c: {<<: 1}\n",
    "a: &x 5\nb: *x\n", "a: *nope\n", "a: 1\na: 2\nb: 3\n", "1: a\n'1': b\ntrue: c\n1.5: d\n~: e\n", "a: !!str 5\nb: !!int '7'\nc: !!float 3\nd: !!bool 'yes'\n",
    "[a, b]: c\n", "{a: b}: c\n", "? a\n: b\n", "? a\n", "{a, b: c}\n", "[a: b, c]\n", "a: {{ x }}\n", "a: b: c\n", "a:b\n", "{a:b}\n", "{\"a\":b}\n", "[a,b]\n", "a: [1,2\n", "a: 'x\n",
    "%YAML 1.1\n---\na: yes\n", "--- a\n", "--- |\n  a\n", "a: !foo x\n", "a: @x\n", "a: `x`\n", "a: %x\n", "a: !!omap [x: 1, y: 2]\n", "a: !!binary aGVsbG8=\n",
    "a: x # c\nb: x#c\nc: 'x # c'\n", "a: \tx\n", "\ta: x\n", "a:\n\t- x\n", "a: \"x\\\n  y\"\n", "a: - b\n", "- a\nb: c\n", "a: b\n- c\n", "a:\n- b\n- c\n", "a:\n   b: 1\n  c: 2\n",
    "key with spaces: v\n", "\"q: k\": v\n", "a: http://x:80/y\n", "a: x: \n", "- \n- x\n", "a: [\n  b,\n  c,\n]\n", "a: {\n  b: 1,\n}\n", "a: \"\\d\"\n", "a: 1 # x\n---\nb: 2\n",
    "a: -\n", "a: - - b\n", "a: ? b\n", "a: ,\n", "[a, , b]\n", "{a: }\n", "{a: , b: }\n", "a: ''''\n", "x: |2\n    a\n", "x: |9\n a\n", "x: >\n\n\n  a\n", "a: ! 5\n", "a: !!null ''\n",
    "09: a\n", "0x10: a\n", "no: a\nNo: b\n", "a: 1\n\n\n\nb: 2", "a: \u00a0x\n", "=: 1\n", "a: !!set {x, y}\n", "a: &x\nb: *x\n", "? |\n  block\n: v\n", "a: |\n\tx\n", "a: 'x' 'y'\n",
]


class Loader(yaml.CSafeLoader):
    pass


Loader.add_constructor("tag:yaml.org,2002:binary", lambda l, n: yaml.SafeLoader.construct_yaml_binary(l, n).decode("latin-1"))


def tagged(v):
    if v is None:
        return "null"
    if isinstance(v, bool):
        return "bool " + str(v).lower()
    if isinstance(v, int):
        return "int %d" % v
    if isinstance(v, float):
        if v != v:
            return "float nan"
        if v in (float("inf"), float("-inf")):
            return "float +inf" if v > 0 else "float -inf"
        return "float %.6g" % v
    if isinstance(v, (datetime.date, datetime.datetime)):
        return "str " + str(v)
    if isinstance(v, str):
        return "str " + v
    if isinstance(v, set):
        return [tagged(e) for e in sorted(v)]
    if isinstance(v, (list, tuple)):
        return [tagged(e) for e in v]
    return ["dict"] + [[tagged(k), tagged(e)] for k, e in v.items()]


def case(text):
    try:
        return {"YAML": text, "Value": tagged(yaml.load(text, Loader))}
    except Exception:
        return {"YAML": text, "Error": True}


cases = [case("v: %s\n" % s) for s in SCALARS] + [case(t) for t in TEXTS]
with open(os.path.join(HERE, "pyyaml.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]\n")
sys.stderr.write("%d cases\n" % len(cases))
