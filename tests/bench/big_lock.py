#!/usr/bin/env python3
"""big_lock.py DIRECTORY: package.json and package-lock.json of an application with 1,741 places in node_modules, of 1,502
different packages: what a web framework, a bundler, a linter and a desktop packager need together. All names are made up
and the same on each run; no package is fetched, and `resolved` names no host. npm takes the lockfile as it is."""
import base64
import hashlib
import json
import pathlib
import random
import sys

UNIQUE, PLACES, DIRECT = 1502, 1741, 60
random.seed(5)
words = "core util parse stream node path map set async buffer glob type plugin loader helper runtime config".split()


def name(i):
    plain = f"{words[i % 17]}-{words[(i * 7 + 3) % 17]}-{i}"
    return f"@{words[i % 5]}/{plain}" if i % 4 == 0 else plain


def entry(i, major):
    version = f"{major}.{i % 11}.{i % 23}"
    digest = base64.b64encode(hashlib.sha512(f"{i} {major}".encode()).digest()).decode()
    return {"version": version, "integrity": "sha512-" + digest, "license": ["MIT", "ISC", "Apache-2.0", "BSD-3-Clause"][i % 4],
            "engines": {"node": ">=14"}}


packages = {}
above = 1240  # packages at the top; the others are second versions of some of them, below those that need them
for i in range(above):
    packages[f"node_modules/{name(i)}"] = entry(i, 1)
    later = range(i + 1, min(above, i + 200))
    needs = random.sample(later, min(len(later), random.choice([0, 1, 2, 3, 5, 8])))
    if needs:
        packages[f"node_modules/{name(i)}"]["dependencies"] = {name(j): "^1.0.0" for j in sorted(needs)}
seconds = UNIQUE - above
nested = PLACES - above
for n in range(nested):
    # 262 packages have a second version; some of those stand in several places.
    who = n % seconds + 600
    place = random.randrange(0, 590)
    while f"node_modules/{name(place)}/node_modules/{name(who)}" in packages:
        place = (place + 1) % 590
    packages[f"node_modules/{name(place)}/node_modules/{name(who)}"] = entry(who, 2)
    packages[f"node_modules/{name(place)}"].setdefault("dependencies", {})[name(who)] = "^2.0.0"

direct = list(range(DIRECT))
reached, waiting = set(), [f"node_modules/{name(i)}" for i in direct[: DIRECT // 2]]
while waiting:
    place = waiting.pop()
    if place in reached:
        continue
    reached.add(place)
    for other in packages[place].get("dependencies", {}):
        inner = f"{place}/node_modules/{other}"
        waiting.append(inner if inner in packages else f"node_modules/{other}")
# What nobody loads would be a stray for npm: the root asks for it.
loaded = {place for place in packages if "/node_modules/" in place[1:]}
for place in packages:
    for other in packages[place].get("dependencies", {}):
        if f"{place}/node_modules/{other}" not in packages:
            loaded.add(f"node_modules/{other}")
left_over = [i for i in range(above) if i not in direct and f"node_modules/{name(i)}" not in loaded]
for place, value in packages.items():
    if place not in reached:
        value["dev"] = True
root = {"name": "big", "version": "1.0.0", "license": "UNLICENSED",
        "dependencies": {name(i): "^1.0.0" for i in direct[: DIRECT // 2]},
        "devDependencies": {name(i): "^1.0.0" for i in sorted(direct[DIRECT // 2:] + left_over)}}
directory = pathlib.Path(sys.argv[1])
directory.mkdir(parents=True, exist_ok=True)
(directory / "package.json").write_text(json.dumps(root, indent=2) + "\n")
(directory / "package-lock.json").write_text(json.dumps({"name": "big", "version": "1.0.0", "lockfileVersion": 3, "requires": True,
    "packages": {"": root, **dict(sorted(packages.items()))}}, indent=2) + "\n")
