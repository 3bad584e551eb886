#!/usr/bin/env python3
"""Writes draws.json: what Python's random.Random gives for some seeds."""
import json
import os
import random

seeds = ["", "kiosk07", "개장", 0, 1, -7, 2**31, 2**64 + 5, 12345678901234567890123456789, "x" * 3000]
out = []
for seed in seeds:
    r = random.Random(seed)
    d = {"seed": str(seed), "text": isinstance(seed, str)}
    d["below"] = [[n, r.randrange(n)] for n in (1, 2, 3, 10, 59, 60, 1000, 2**31, 2**32, 2**33, 2**40 - 1, 2**62) for _ in range(3)]
    d["bits"] = [[k, str(r.getrandbits(k))] for k in (1, 7, 31, 32, 33, 40, 63, 64)]
    items = list(range(20))
    r.shuffle(items)
    d["shuffled"] = items
    for _ in range(1300):
        r.getrandbits(32)
    d["later"] = r.randrange(1000000)
    out.append(d)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "draws.json"), "w", encoding="utf-8") as f:
    json.dump(out, f, ensure_ascii=False)
    f.write("\n")
