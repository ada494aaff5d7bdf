#!/usr/bin/env python3
"""Arrows go down only: every #include "room/..." is read against the table of rooms in CMakeLists.txt.

The table is tranche_room(NAME rooms-it-may-see...). A room of the same floor or above is an error, as is a third-party
library outside the files that ARCHITECTURE.md names for it.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
FLOOR = {"base": 0, "ports": 1, "doc": 1, "crypto": 1, "spec": 2, "cohort": 2, "gate": 2, "store": 3, "signing": 3,
         "metrics": 3, "artifact": 4, "sbom": 4, "flags": 4, "sigstore": 4, "attest": 3,
         "platform": 4, "oci": 4, "vuln": 5, "channel": 5, "journal": 5, "rollout": 6, "playbook": 6,
         "actions": 7, "engine": 8, "server": 9, "fleet": 9, "scaffold": 9, "report": 9, "os": 9}
PURE = {"cohort", "gate", "rollout", "playbook"}  # see no port
ONLY_IN = {  # library header prefix -> the only files that may include it
    "nlohmann/": ["lib/doc/json.cpp"],
    "yaml-cpp/": ["lib/doc/yaml.cpp"],
    "CLI/": ["cli/parser.cpp"],
    "openssl/": ["lib/crypto/"],
    "sodium": ["lib/crypto/"],
    "p11-kit/": ["lib/crypto/pkcs11.cpp"],
    "git2": ["lib/store/"],
    "curl/": ["lib/os/"],
    "boost/": ["lib/server/http.cpp", "lib/fleet/http_load.cpp"],
    "toml++/": ["lib/doc/toml.cpp"],
    "expat": ["lib/channel/xml.cpp"],
    "archive": ["lib/sbom/", "lib/artifact/unpack.cpp"],
}
errors = []
allowed = {}
for name, rest in re.findall(r"^tranche_room\((\w+)([^)]*)\)", (root / "CMakeLists.txt").read_text(), re.M):
    allowed[name] = set(rest.split("LIBS")[0].split())
for name, below in allowed.items():
    if name not in FLOOR:
        errors.append(f"CMakeLists.txt: room '{name}' has no floor in tests/layering.py")
    for other in below:
        if FLOOR[other] >= FLOOR[name] and not (name == "os" and other == "ports"):
            errors.append(f"CMakeLists.txt: {name} (floor {FLOOR[name]}) may not see {other} (floor {FLOOR[other]})")
        if name in PURE and other == "ports":
            errors.append(f"CMakeLists.txt: {name} is pure and may not see ports")
files = [p for d in ("lib", "commands", "cli") for p in sorted((root / d).rglob("*.[ch]pp"))]
for path in files:
    rel = path.relative_to(root).as_posix()
    room = rel.split("/")[1] if rel.startswith("lib/") else rel.split("/")[0]
    test = rel.endswith("_test.cpp")
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^">]+)[">]', line)
        if not match:
            continue
        target = match.group(1)
        first = target.split("/")[0]
        if first in FLOOR and rel.startswith("lib/") and first != room and first not in allowed[room]:
            if not (test and first in ("os", "ports", "doc")):
                errors.append(f"{rel}:{number}: room '{room}' may not include {target}")
        if first == "os" and room == "commands":
            errors.append(f"{rel}:{number}: only cli builds lib/os")
        if room == "commands" and first == "cli":
            errors.append(f"{rel}:{number}: commands may not include cli")
        if first in ("commands", "cli") and rel.startswith("lib/"):
            errors.append(f"{rel}:{number}: lib may not include {target}")
        for prefix, places in ONLY_IN.items():
            if target.startswith(prefix) and not any(rel.startswith(p) for p in places):
                errors.append(f"{rel}:{number}: {target} belongs in {', '.join(places)} only")

def braced_tries(text):
    """Lines of braced lists where TRY( stands behind another element: GCC 12 leaks that element on return."""
    stack = []
    for i, c in enumerate(text):
        if c == "{":
            stack.append(i)
        elif c == "}" and stack:
            start = stack.pop()
            body = text[start + 1 : i]
            if ";" not in body and "TRY" in body and ("," in body[: body.find("TRY")] or body.count("TRY") > 1):
                yield text.count("\n", 0, start) + 1


for path in files:
    if path.suffix == ".cpp":
        for number in braced_tries(path.read_text()):
            errors.append(f"{path.relative_to(root).as_posix()}:{number}: TRY behind another element of a braced list leaks it")
print("\n".join(errors) if errors else f"layering: {len(files)} files, no arrow goes up")
sys.exit(1 if errors else 0)
