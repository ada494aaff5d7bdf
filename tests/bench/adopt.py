#!/usr/bin/env python3
"""adopt.py TRANCHE: seconds that `channel adopt` takes for a channel of 500 releases in a directory, the median of 5.

The channel is Velopack's: one file that names all of them. Every repository is fresh; the disk's syncs are part of it.
"""
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

YAML = """version: 1
app: bench
artifacts: ["dist/*.nupkg"]
state: "dir:state"
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing: { release: "file:~/release.pem", feed: "file:~/feed.pem", journal: "file:~/journal.pem" }
channels: { stable: { store: "dir:public", feeds: [tranche, velopack] } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
"""


def publish(directory):
    directory.mkdir(parents=True)
    assets = []
    for number in range(500):
        version = f"1.{number}.0"
        data = os.urandom(20_000)
        name = f"bench-{version}-full.nupkg"
        (directory / name).write_bytes(data)
        assets.append({"PackageId": "bench", "Version": version, "Type": "Full", "FileName": name, "Size": len(data),
                       "SHA1": hashlib.sha1(data).hexdigest().upper(), "SHA256": hashlib.sha256(data).hexdigest().upper()})
    (directory / "releases.win.json").write_text(json.dumps({"Assets": assets}))


def main():
    binary = os.path.abspath(sys.argv[1])
    seconds = []
    for _ in range(5):
        with tempfile.TemporaryDirectory(prefix="tranche-bench-adopt-") as temporary:
            root = pathlib.Path(temporary)
            env = {"HOME": str(root), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
            repo = root / "repo"
            publish(repo / "public")
            (repo / "tranche.yaml").write_text(YAML)
            for role in ("release", "feed", "journal"):
                subprocess.run([binary, "key", "generate", role, "--secret", str(root / f"{role}.pem"), "--public", f"keys/{role}.pub",
                                "--quiet"], cwd=repo, env=env, check=True, stdout=subprocess.DEVNULL)
            start = time.monotonic()
            done = subprocess.run([binary, "channel", "adopt", "stable", "--json"], cwd=repo, env=env, check=True, stdout=subprocess.PIPE)
            seconds.append(time.monotonic() - start)
            answer = json.loads(done.stdout)
            if answer["baseline"] != "1.499.0" or not answer["changed"]:
                sys.exit(f"adopt.py: not adopted: {answer}")
    print(f"{statistics.median(seconds):.2f}")


if __name__ == "__main__":
    main()
