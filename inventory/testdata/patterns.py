#!/usr/bin/python3
"""Writes patterns.json: the hosts that Ansible's own inventory selects for each pattern and limit."""
import json
import os

os.environ["HOME"] = "/nonexistent"
from ansible.inventory.manager import InventoryManager  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
os.chdir(HERE)
PATTERNS = """all * web db zones ungrouped lone nobody web01 web01,web02 web01:web02 web:db web:&seoul web:!seoul web,&seoul web,!seoul !web &web !web:&seoul
seoul:busan:!web zones:&web:!db web* *1 web0? web0[1-3] web0[!1] ~web0[12] ~w.*3$ ~^gw ~(web|db)0?1 gw.* gw.seoul.example.com *.example.com web[0] web[1] web[-1] web[-5] web[0:2] web[1:] web[1:1] web[0:0] web[3:99] web[1-2] db[0]
web[0]:db[1] web[0],db[1] all[0] all[-1] all:!web[0] ~web[0] 10.0.0.1 fe80::1 10.* localhost 127.0.0.1 ::1 localhost,web01 all:!localhost nobody:web web:nobody nobody:!web web01:!web01 all:!all east-side east_side
east* web01:&web02 web01,web01,web01 db:web db,web db2,web02,db1 seoul,web01 [ab]* [!w]* ??? ~ ~( ~[ web[9] web[-9] web[9:] a::b web01:22 web:22 , : web, ,web web:: :web WEB Web01 ~(?i)WEB01 ~(?!web).* ~(\\w)\\w*\\1 ungr* *ungrouped* al* seoul[1:2]:busan[0] web:&seoul[0] zones[0:3] zones:!10.0.0.1 web*[7] *[15] all*[0:20]
""".split()
PATTERNS += ["web01 db1", "web db", " web01 , db ", "web01 & db", "a b[1"]
LIMITS = [None, "seoul", "web01,db1", "!seoul", "web:&busan", "nobody", "@patterns.limit", "web[0:1]", "~web0[45]", "all", "localhost", "db:web"]


def select(pattern, limit):
    inv = InventoryManager(DataLoader(), ["patterns.hosts"])
    try:
        if limit is not None:
            inv.subset(limit)
        return [h.name for h in inv.get_hosts(pattern)]
    except Exception:
        return None


rows = [{"Pattern": p, "Limit": "", "Hosts": select(p, None)} for p in PATTERNS]
rows += [{"Pattern": p, "Limit": l, "Hosts": select(p, l)} for l in LIMITS[1:] for p in ["all", "web", "db,web", "seoul:!web01", "localhost", "lone"]]
LISTS = [["web:&seoul", "db1"], ["web", "!web01"], ["db:web", "&seoul"], ["web01:web02"], ["a,b", "web:!seoul"], []]
rows += [{"List": p, "Limit": "", "Hosts": select(p, None)} for p in LISTS]
with open("patterns.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
