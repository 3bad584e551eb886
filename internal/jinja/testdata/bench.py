#!/usr/bin/python3
"""Times Python's jinja2 on testdata/haproxy.j2, to set beside
go test -bench Haproxy ./internal/jinja"""
import json
import os
import time
import timeit

import jinja2

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "haproxy.json")) as f:
    variables = json.load(f)
with open(os.path.join(here, "haproxy.j2")) as f:
    source = f.read()
env = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)
template = env.from_string(source)
text = template.render(variables)
n = 300
print(len(text), "bytes", round(min(timeit.repeat(lambda: template.render(variables), number=n, repeat=3, timer=time.process_time)) / n * 1e6, 1), "us a rendering")
