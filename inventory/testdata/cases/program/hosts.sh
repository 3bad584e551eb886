#!/bin/sh
cat <<'J'
{"web": {"hosts": ["w1", "w2"], "vars": {"a": true, "b": [1, 2]}, "children": ["sub"]},
 "db": ["d1", "w2"], "short": {"x": 1, "y": "z"}, "sub": {"hosts": []},
 "_meta": {"hostvars": {"w1": {"ansible_host": "192.0.2.1", "한글": "값"}, "unknown": {"x": 1}}}}
J
