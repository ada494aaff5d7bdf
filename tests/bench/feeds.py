#!/usr/bin/env python3
"""feeds.py TRANCHE DIR: a repository in DIR whose channel offers 1.1.0 to 50% on every feed that has dice, and a million
ids for each feed's client in ids-FEED."""
import os
import pathlib
import random
import subprocess
import sys
import uuid

tranche, work = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
(work / "dist").mkdir(parents=True)
home = work / "home"
home.mkdir()
subprocess.run(["git", "init", "-q", str(work)], check=True)


def run(*words):
    subprocess.run([tranche, *words, "--quiet"], cwd=work, check=True, stdout=subprocess.DEVNULL)


for role in ("release", "feed", "journal"):
    secret = work.parent / f"feeds-{role}.pem"
    run("key", "generate", role, "--secret", str(secret), "--public", f"keys/{role}.pub")
sparkle = work.parent / "sparkle.pem"
subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(sparkle)], check=True)
sparkle.chmod(0o600)
gpg = {"GNUPGHOME": str(home / "gnupg"), "PATH": os.environ["PATH"], "HOME": str(home)}
(home / "gnupg").mkdir(mode=0o700)
subprocess.run(["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "bench@example.org", "ed25519", "sign"],
               check=True, env=gpg, stderr=subprocess.DEVNULL)
key = work.parent / "apt.asc"
key.write_bytes(subprocess.run(["gpg", "--batch", "--armor", "--export-secret-keys"], check=True, env=gpg,
                               capture_output=True).stdout)
key.chmod(0o600)
subprocess.run(["gpgconf", "--kill", "all"], env=gpg, check=False)
feeds = "electron, apt, sparkle, squirrel, velopack"
(work / "tranche.yaml").write_text(f"""version: 1
app: bench
artifacts:
  - {{ path: "dist/bench-{{version}}.AppImage", platform: linux/amd64 }}
  - {{ path: "dist/bench_{{version}}_amd64.deb", platform: linux/amd64 }}
  - {{ path: "dist/bench-{{version}}.zip", platform: darwin/arm64 }}
  - {{ path: "dist/bench-{{version}}-full.nupkg", platform: windows/amd64 }}
sbom: {{ file: sbom.json }}
state: "dir:state"
trust: {{ release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }}
signing:
  release: "file:{work.parent}/feeds-release.pem"
  feed: "file:{work.parent}/feeds-feed.pem"
  journal: "file:{work.parent}/feeds-journal.pem"
channels:
  stable:
    store: "dir:public"
    url: "https://updates.example/stable"
    feeds: [tranche, {feeds}]
    on-unsupported: nearest
    clients: {{ apt: {{ key: "file:{key}" }}, sparkle: {{ key: "file:{sparkle}" }} }}
sources: {{ fleet: {{ serve: "http://127.0.0.1:1" }} }}
rollouts: {{ desktop: {{ accept-no-way-back: true, stages: [ {{ percent: 50 }}, {{ percent: 100 }} ] }} }}
""")
(work / "sbom.json").write_text('{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]}')
for version in ("1.0.0", "1.1.0"):
    for name in (f"bench-{version}.AppImage", f"bench-{version}.zip", f"bench-{version}-full.nupkg"):
        (work / "dist" / name).write_text(name)
    tree = work / "deb" / "DEBIAN"
    tree.mkdir(parents=True, exist_ok=True)
    (tree / "control").write_text(f"Package: bench\nVersion: {version}\nArchitecture: amd64\nMaintainer: A <a@example.org>\n"
                                  "Description: bench\n")
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", str(work / "deb"), str(work / "dist" / f"bench_{version}_amd64.deb")],
                   check=True, stdout=subprocess.DEVNULL)
run("release", "create", "1.0.0")
run("rollout", "start", "desktop", "--release", "1.0.0", "--accept-no-way-back")
for _ in range(2):
    run("rollout", "promote", "desktop", "--reason", "bench")
run("release", "create", "1.1.0")
run("rollout", "start", "desktop", "--release", "1.1.0")
dice = random.Random(7)
ids = {feed: open(work / f"ids-{feed}", "w", encoding="ascii") for feed in ("tranche", "electron", "apt", "sparkle", "squirrel", "velopack")}
for _ in range(1_000_000):
    one = dice.getrandbits(128)
    text = str(uuid.UUID(int=one, version=4))
    for feed, file in ids.items():
        file.write((f"{one:032x}" if feed == "apt" else str(one % 2**32) if feed == "sparkle" else text) + "\n")
