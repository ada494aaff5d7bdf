"""stop.py TRANCHE FILLER: how fast the red button, status and an idle tick are. One line each: what, measured, limit (ms).

The button: from the start of the process to the moment that another process sees the new feed (a loop that reads the
file), on a directory store, the median of 30. Status: the process from start to end over a journal of 100,000
entries, the median of 30, its files dropped from the page cache before each where the system lets us. A tick with nothing
to do: state on a git remote on this machine, the median of 30.
"""
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

tranche, filler = (os.path.abspath(path) for path in sys.argv[1:3])
top = pathlib.Path(tempfile.mkdtemp(prefix="tranche-bench-stop.", dir=os.environ.get("TMPDIR")))
RUNS = 30


class App:
    def __init__(self, name, state):
        self.root = top / name / "app"
        (self.root / "dist").mkdir(parents=True)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(top / name), "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", "init", "-q", "."], cwd=self.root, check=True)
        for key, value in (("user.name", "Ana"), ("user.email", "ana@example.invalid")):
            subprocess.run(["git", "config", key, value], cwd=self.root, check=True)
        for role in ("release", "feed", "journal"):
            self.run("key", "generate", role, "--secret", str(top / name / f"{role}.pem"), "--public", f"keys/{role}.pub")
        secret = {role: f'"file:{top / name / role}.pem"' for role in ("release", "feed", "journal")}
        (self.root / "tranche.yaml").write_text(f"""version: 1
app: bench
artifacts: ["dist/app-{{version}}.bin"]
sbom: {{ file: sbom.json }}
trust: {{ release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }}
signing: {{ release: {secret["release"]}, feed: {secret["feed"]}, journal: {secret["journal"]} }}
state: {state}
channels: {{ stable: {{ store: "dir:public" }} }}
sources: {{ fleet: {{ serve: "http://127.0.0.1:1" }} }}
rollouts: {{ stable: {{ channel: stable, stages: [ {{ percent: 50, bake: 1h, gates: [] }}, {{ percent: 100, bake: 1h, gates: [] }} ] }} }}
""")
        (self.root / "sbom.json").write_text('{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]}')
        self.release("1.0.0")
        self.run("rollout", "promote", "stable", "--reason", "first", codes=(0, 8))
        self.run("rollout", "promote", "stable", "--reason", "all", codes=(0, 8))

    def run(self, *words, codes=(0,)):
        done = subprocess.run([tranche, *words, "--quiet"], capture_output=True, text=True, cwd=self.root, env=self.environment)
        if done.returncode not in codes:
            sys.exit(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")

    def release(self, version):
        (self.root / f"dist/app-{version}.bin").write_bytes(version.encode())
        self.run("release", "create", version)
        self.run("rollout", "start", "stable", "--release", version, "--accept-no-way-back", codes=(0, 8))

    def timed(self, *words):
        begun = time.monotonic()
        done = subprocess.run([tranche, *words, "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              cwd=self.root, env=self.environment)
        took = time.monotonic() - begun
        if done.returncode not in (0, 8):
            sys.exit(f"{' '.join(words)}: {done.returncode}\n{done.stderr}")
        return took


def drop(directory):
    for path in directory.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def button():
    app = App("button", '"dir:state"')
    feed = app.root / "public/tranche/v1/feed.json"
    seen = []
    for n in range(1, RUNS + 1):
        app.release(f"1.{n}.0")
        before = feed.read_bytes()
        begun = time.monotonic()
        process = subprocess.Popen([tranche, "stop", "stable", "--reason", "bench", "--quiet"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, cwd=app.root, env=app.environment)
        while feed.read_bytes() == before and process.poll() is None:
            time.sleep(0.0002)
        seen.append(time.monotonic() - begun)
        if process.wait() not in (0, 5, 10) or feed.read_bytes() == before:
            sys.exit(f"stop: exit {process.returncode}, or no new feed")
    print(f"stop|{statistics.median(seen) * 1000:.1f}|100")


def status():
    app = App("status", '"dir:state"')
    app.release("1.1.0")
    subprocess.run([filler, str(app.root / "state"), "100000", "tranche/bench", str(top / "status/journal.pem")], check=True)
    app.timed("rollout", "status", "stable")
    seen = []
    for _ in range(RUNS):
        drop(app.root / "state")
        seen.append(app.timed("rollout", "status", "stable"))
    print(f"status|{statistics.median(seen) * 1000:.1f}|50")


def tick():
    remote = top / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    app = App("tick", f'{{ git: {{ remote: "{remote}" }} }}')
    app.release("1.1.0")
    app.timed("rollout", "advance", "stable")
    print(f"tick|{statistics.median(app.timed('rollout', 'advance', 'stable') for _ in range(RUNS)) * 1000:.1f}|100")


try:
    button()
    status()
    tick()
finally:
    shutil.rmtree(top, ignore_errors=True)
