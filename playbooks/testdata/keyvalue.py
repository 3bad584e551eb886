#!/usr/bin/python3
"""Writes keyvalue.json: what ansible-core makes of arguments on one line.

usage: keyvalue.py COUNT SEED > keyvalue.json
"""
import json
import random
import sys

from ansible.parsing.splitter import parse_kv

CHOSEN = [
    "", "a=b", "a=b c=d", "src='a b' dest=\"c d\"", "echo hello", "echo a=b creates=/x", "a\\=b c", "a = b", "=b", "a=",
    "msg={{ x }}", "msg={{ x ~ ' ' ~ y }}", "msg=\"{{ x | default('a b') }}\" v=1", "{% if a %} b=c {% endif %} d=e",
    "one\ntwo", "one\n  two\n\nthree", "a \\\n b", "a\\nb=c", "x=\"a\\\"b\"", "x='it''s'", "x=\"unclosed", "{{ open",
    " lead", "  lead", "\nlead", "trail ", "a  b", "x=\\x41", "x=\\u00e9", "x=\\q", "\\", "a \\", "{# note #} b=c",
    "cmd 'a\nb' c", "k=v=w", "chdir=/tmp ls -l", "stdin='a b' cat", "가=나 다", "x='가 나'", "a='b' 'c'd", "}} a=b", "x={{a}}{{b}} y",
]
PIECES = ["a", "b=c", "=", " ", "  ", "\n", "'", '"', "{{", "}}", "{%", "%}", "{#", "#}", "\\", "\\n", "\\=", "x", "creates=1", "\\\\", "가"]


def answer(text, free):
    try:
        return {"args": parse_kv(text, check_raw=free)}
    except Exception as e:  # what is wrong is said in words of our own
        return {"error": type(e).__name__}


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    texts = CHOSEN + ["".join(rng.choice(PIECES) for _ in range(rng.randint(1, 9))) for _ in range(count)]
    cases = [{"text": t, "free": f, **answer(t, f)} for t in texts for f in (False, True)]
    print("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]")


main()
