#!/usr/bin/env python3
"""vuln.py DIRECTORY: 100,000 OSV records as a directory (osv/) and as a zip (osv.zip), and a bill of 1,500 components (bom.json).

The records are of the size that the public databases have in the middle, 1.7 kB; every tenth is about a component."""
import hashlib
import json
import os
import pathlib
import random
import sys
import zipfile

root = pathlib.Path(sys.argv[1])
(root / "osv").mkdir(parents=True)
chance = random.Random(20261121)
words = "a remote attacker may read or write files of another user by way of a crafted request before version".split()


def version():
    return f"{chance.randrange(9)}.{chance.randrange(20)}.{chance.randrange(20)}"


def record(i):
    name = f"package-{chance.randrange(1500) if i % 10 == 0 else 1500 + chance.randrange(60000)}"
    digest = hashlib.sha256(str(i).encode()).hexdigest()
    return {
        "schema_version": "1.6.0", "id": f"BENCH-2026-{i:06}", "modified": "2026-01-01T00:00:00Z", "published": "2025-01-01T00:00:00Z",
        "aliases": [f"CVE-2026-{i}"], "summary": " ".join(chance.choices(words, k=8)), "details": "\n\n".join(" ".join(chance.choices(words, k=60)) for _ in range(3)),
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:" + chance.choice("HLN")}],
        "affected": [{"package": {"ecosystem": "npm", "name": name, "purl": f"pkg:npm/{name}"},
                      "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": version()}]}]}],
        "references": [{"type": "WEB", "url": f"https://advisories.example/{i}/{digest}"}],
        "database_specific": {"severity": "HIGH", "cwe_ids": ["CWE-79"]},
    }


with zipfile.ZipFile(root / "osv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for i in range(100_000):
        text = json.dumps(record(i))
        name = f"BENCH-2026-{i:06}.json"
        archive.writestr(name, text)
        with open(os.path.join(root, "osv", name), "w") as file:
            file.write(text)
components = []
for i in range(1500):
    at = version()
    components.append({"type": "library", "name": f"package-{i}", "version": at, "purl": f"pkg:npm/package-{i}@{at}", "bom-ref": f"c{i}"})
(root / "bom.json").write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}))
