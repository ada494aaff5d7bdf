"""One world for the fault tests: a repository, a home, a channel, a state, and somebody who hears of a rollback.

The story: 1.0.0 is everybody's. 1.1.0 is made and started, ramps for three days through cron's ticks, crashes from the
36th hour on, and is rolled back by its gate: a flag, the channel, two requests to the outside. Wall time is the shim's
(shim.c), so that three days take a second; metrics come from a file. What a run of the binary leaves can be saved and
brought back, so that each fault begins where an undisturbed run stood.
"""
import base64
import datetime
import hashlib
import http.server
import importlib.util
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

HOUR = 3_600_000
START = int(datetime.datetime(2026, 3, 2, 9, 0, tzinfo=datetime.timezone.utc).timestamp() * 1000)

YAML = """version: 1
app: notes
artifacts: [ { path: "dist/notes-{version}.tar.gz", platform: linux/amd64 } ]
sbom: { file: sbom.json }
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing: { release: "file:@HOME@/release.pem", feed: "file:@HOME@/feed.pem", journal: "file:@HOME@/journal.pem" }
state: @STATE@
channels: { stable: { store: @STORE@, expires: 720h } }
cohorts: { pilot: { match: { ring: pilot } } }
sources: { counts: { file: { path: counts.ndjson, start: "2026-03-02T09:00:00Z" } } }
gates: { crashes: { kind: compare, source: counts, margin: 2x, every: 30m } }
rollouts:
  desktop:
    channel: stable
    stages:
      - { cohort: pilot, bake: 12h..48h, gates: [] }
      - { percent: 5, bake: 6h..24h, gates: [crashes] }
      - { percent: 20, bake: 12h..48h, gates: [crashes] }
      - { percent: 100, bake: 24h }
    on-failure: rollback
playbooks:
  rollback:
    steps:
      - { id: switch, uses: flag.set, with: { flag: agent-enabled, value: false } }
      - { id: withdraw, uses: channel.withdraw }
      - { id: fallback, uses: channel.fallback }
      - { id: put, uses: http.request, with: { method: PUT, url: "http://127.0.0.1:@PORT@/put", body: { text: "$release: $reason" } }, retry: { attempts: 4, backoff: 1ms } }
      - { id: post, uses: http.request, with: { method: POST, url: "http://127.0.0.1:@PORT@/post", body: { text: "$release: $reason" } }, retry: { attempts: 4, backoff: 1ms } }
flags: { agent-enabled: { type: bool, default: true, kill-switch: true } }
"""

# What cron and people run, and when (hours after START). Each is a process of its own.
STORY = [
    (0.0, ["release", "create", "1.1.0"]),
    (0.1, ["rollout", "start", "desktop", "--release", "1.1.0"]),
    (7.0, ["rollout", "advance", "desktop"]),
    (13.0, ["rollout", "advance", "desktop"]),
    (22.0, ["rollout", "advance", "desktop"]),
    (31.0, ["rollout", "advance", "desktop"]),
    (45.0, ["rollout", "advance", "desktop"]),
    (72.0, ["rollout", "advance", "desktop"]),
]
ROLLBACK = 6  # the line of STORY at which the gate fails


class Story:
    """`yaml`: what is declared. `cut`: lines in which a request of a playbook may be cut short. `phase`: how it ends.
    `heard`: by line, what the outside has heard of from there on, as the last part of the requests' keys."""

    def __init__(self, name, yaml, lines, cut, phase, heard, requests):
        self.name, self.yaml, self.lines, self.cut, self.phase = name, yaml, lines, cut, phase
        self.heard, self.requests = heard, requests


GATE = Story("gate", YAML, STORY, {ROLLBACK}, "rolled-back", {ROLLBACK: {"put", "post"}}, 2)

# The other one: a person approves the second stage; support runs a playbook by hand; somebody without the journal presses the
# red button beside the feed, and the next tick takes that in and runs the rollback.
HANDS_YAML = YAML.replace(
    "{ percent: 5, bake: 6h..24h, gates: [crashes] }", "{ percent: 5, approval: release-managers, bake: 6h..24h, gates: [crashes] }"
).replace("flags: {", """  support:
    steps:
      - { id: note, uses: flag.set, with: { flag: support-told, value: true } }
      - { id: put, uses: http.request, with: { method: PUT, url: "http://127.0.0.1:@PORT@/put", body: { text: "$release" } }, retry: { attempts: 4, backoff: 1ms } }
people: { release-managers: { keys: [keys/approver.pub], quorum: 1 } }
flags: { support-told: { type: bool, default: false }, """)
HANDS = Story("hands", HANDS_YAML, [
    (0.0, ["release", "create", "1.1.0"]),
    (0.1, ["rollout", "start", "desktop", "--release", "1.1.0"]),
    (13.0, ["rollout", "advance", "desktop"]),
    (14.0, ["approve", "@APPROVAL@", "--key", "file:@HOME@/approver.pem"]),
    (15.0, ["rollout", "advance", "desktop"]),
    (16.0, ["playbook", "run", "support", "--rollout", "desktop", "--reason", "support asked for it"]),
    (17.0, ["stop", "desktop", "--reason", "red button", "--store", "@STORE@", "--feed-key", "file:@HOME@/feed.pem"]),
    (18.0, ["rollout", "advance", "desktop"]),
], {7}, "rolled-back", {5: {"put"}, 7: {"put", "post"}}, 3)


class Wrong(Exception):
    """What a fault test found, in words."""


class Skip(Exception):
    """A peer is missing: which package has it."""


def check(condition, words):
    if not condition:
        raise Wrong(words)


class Hook:
    """Somebody who is told of a rollback. Busy at every first try of a key; counts what it took in, by key."""

    def __init__(self):
        self.lock = threading.Lock()
        self.reset({})
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                with outer.lock:
                    key = self.headers.get("Idempotency-Key", "")
                    seen = outer.tries.setdefault(key, 0)
                    outer.tries[key] = seen + 1
                    if seen > 0:
                        outer.taken.setdefault(key, []).append(f"{self.command} {self.path} {body.decode()}")
                self.send_response(204 if seen > 0 else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_PUT = answer

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # whoever was killed closes in the middle
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def saved(self):
        with self.lock:
            return {"tries": dict(self.tries), "taken": {k: list(v) for k, v in self.taken.items()}}

    def reset(self, saved):
        with self.lock:
            self.tries = dict(saved.get("tries", {}))
            self.taken = {k: list(v) for k, v in saved.get("taken", {}).items()}


class Done:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.killed = code == -signal.SIGKILL

    def __str__(self):
        return f"exit {self.code}\n{self.out}{self.err}"


class Peer:
    """A loopback server of tests/support: prints its port, takes commands on stdin, ends with it."""

    def __init__(self, program, *arguments):
        script = pathlib.Path(__file__).resolve().parent.parent / "support" / program
        self.process = subprocess.Popen(["python3", str(script), *arguments], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def command(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Scene:
    """`kind`: where state and channel live. dir; git: branches of a bare repository beside it; http: the state on a git
    server, the channel in a directory; s3: both in a bucket."""

    def __init__(self, tranche, shim, kind, story=GATE):
        self.story = story
        self.tranche, self.shim, self.kind = str(tranche), str(shim), kind
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # nothing here is about the speed of a disk
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="tranche-faults-", dir=base)).resolve()
        self.world, self.saves = self.top / "world", self.top / "saves"
        self.repo, self.home = self.world / "repo", self.world / "home"
        self.environment, self.peer, self.approval = {}, None, ""
        self.hook = Hook()
        self.build()

    def close(self):
        if self.peer is not None:
            self.peer.close()
        self.hook.server.shutdown()
        self.hook.server.server_close()
        shutil.rmtree(self.top, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- running the binary
    def run(self, words, hours=0.0, cwd=None, **faults):
        """One process of the binary. Faults: the shim's variables in lower case, without FAULT_."""
        return self.finish(self.begin(words, hours, cwd, **faults))

    def begin(self, words, hours=0.0, cwd=None, home=None, **faults):
        if self.kind == "s3":  # its clock is ours
            self.peer.command(f"clock {int(START / 1000 + hours * 3600 - time.time())}")
        environment = {"PATH": os.environ["PATH"], "HOME": str(home or self.home), "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
                       "SOURCE_DATE_EPOCH": "1772442000", "LD_PRELOAD": self.shim, "no_proxy": "127.0.0.1",
                       "FAULT_NOW": str(int(START + hours * HOUR)), **self.environment}
        environment |= {f"FAULT_{name.upper()}": str(value) for name, value in faults.items()}
        words = [self.fill_in(word, hours) for word in words]
        if "--store" in words:  # from anywhere, without a checkout
            cwd = cwd or self.home
        return subprocess.Popen([self.tranche, *words], cwd=cwd or self.repo, env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def fill_in(self, word, hours):
        word = word.replace("@HOME@", str(self.home))
        if "@STORE@" in word:
            word = word.replace("@STORE@", self.store)
        if word == "@APPROVAL@":  # its id holds the entry of the plan; once given it is not asked for any more
            waiting = json.loads(self.must(["approve", "list", "--json", "--quiet"], hours).out)["requests"]
            self.approval = waiting[0]["id"] if waiting else self.approval
            word = self.approval
        return word

    def finish(self, child):
        try:
            out, err = child.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            raise Wrong(f"it hangs: {' '.join(child.args)}\n{out}{err}") from None
        return Done(child.returncode, out, err)

    def must(self, words, hours=0.0, code=0):
        done = self.run(words, hours)
        check(done.code == code, f"tranche {' '.join(words)}: wanted exit {code}, got {done}")
        return done

    # ---- the world
    def git(self, *words, cwd=None):
        done = subprocess.run(["git", *words], cwd=cwd or self.repo, capture_output=True, text=True,
                              env={**os.environ, "HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1"})
        check(done.returncode == 0, f"git {' '.join(words)}: {done.stderr}")
        return done.stdout

    def build(self):
        for path in (self.repo / "dist", self.repo / "keys", self.home, self.saves):
            path.mkdir(parents=True)
        self.git("init", "-q", ".")
        self.git("config", "user.name", "Ana")
        self.git("config", "user.email", "ana@example.invalid")
        state, store = '"dir:state"', '"dir:public"'
        if self.kind == "git":
            self.git("init", "-q", "--bare", str(self.world / "origin.git"))
            state = f'{{ git: {{ remote: "{self.world}/origin.git", branch: tranche-state }} }}'
            store = f'"git:{self.world}/origin.git#channel"'
        elif self.kind == "http":
            self.git("init", "-q", "--bare", str(self.world / "origin.git"))
            self.git("config", "http.receivepack", "true", cwd=self.world / "origin.git")
            self.peer = Peer("git_http_server.py", str(self.world), "s3cret")
            self.environment["TRANCHE_GIT_TOKEN"] = "s3cret"
            state = (f'{{ git: {{ remote: "http://127.0.0.1:{self.peer.port}/origin.git", branch: tranche-state, '
                     'token: "env:TRANCHE_GIT_TOKEN" } }')
        elif self.kind == "s3":
            if importlib.util.find_spec("botocore") is None:
                raise Skip("botocore is missing (apt-get install python3-botocore)")
            self.peer = Peer("s3_server.py", "STORYKEY", "story/secret", "eu-central-1")
            self.peer.command("bucket acme")
            self.environment |= {"TRANCHE_S3_ACCESS_KEY": "STORYKEY", "TRANCHE_S3_SECRET_KEY": "story/secret"}
            state, store = (f'{{ s3: {{ bucket: acme, prefix: {name}, region: eu-central-1, '
                            f'endpoint: "http://127.0.0.1:{self.peer.port}", path-style: true }} }}'
                            for name in ("state", "public"))
        self.store = f"dir:{self.repo}/public" if store == '"dir:public"' else store.strip('"')
        text = self.story.yaml.replace("@STATE@", state).replace("@STORE@", store)
        text = text.replace("@HOME@", str(self.home)).replace("@PORT@", str(self.hook.port))
        (self.repo / "tranche.yaml").write_text(text)
        (self.repo / "sbom.json").write_text('{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]}\n')
        for version in ("1.0.0", "1.1.0"):
            (self.repo / f"dist/notes-{version}.tar.gz").write_text(f"the bytes of {version}\n")
        # Every half hour, 1,000 sessions an arm; the new release crashes three times as often from the 36th hour on.
        with open(self.repo / "counts.ndjson", "w") as out:
            for half in range(1, 2 * 80):
                bad = 90 if half > 72 else 30
                out.write(f'{{"t":{1800 * half},"canary":{{"events":{bad},"exposure":1000}},'
                          f'"control":{{"events":30,"exposure":1000}}}}\n')

    def prepare(self):
        """1.0.0 is everybody's."""
        for role in ("release", "feed", "journal", "approver"):
            self.must(["key", "generate", role, "--secret", str(self.home / f"{role}.pem"), "--public",
                       f"keys/{role}.pub", "--quiet"], -100)
        self.must(["release", "create", "1.0.0"], -100)
        self.must(["rollout", "start", "desktop", "--release", "1.0.0", "--accept-no-way-back"], -100)
        for n in range(4):
            done = self.run(["rollout", "promote", "desktop", "--reason", "the first one"], -99 + n)
            if done.code == 7:  # it wants to be approved
                self.must(["approve", "@APPROVAL@", "--key", "file:@HOME@/approver.pem"], -99 + n)
                self.must(["rollout", "promote", "desktop", "--reason", "the first one"], -99 + n)
        check(self.status(-90)["phase"] == "done", "1.0.0 is not done")

    # ---- saved worlds
    def save(self, name):
        shutil.copytree(self.world, self.saves / str(name), symlinks=True)
        (self.saves / f"{name}.hook").write_text(json.dumps(self.hook.saved()))
        if self.kind == "s3":
            self.peer.command(f"save {name}")

    def load(self, name):
        shutil.rmtree(self.world)
        shutil.copytree(self.saves / str(name), self.world, symlinks=True)
        self.hook.reset(json.loads((self.saves / f"{name}.hook").read_text()))
        if self.peer is not None:
            self.peer.command("work")
        if self.kind == "s3":
            self.peer.command(f"load {name}")

    def keep(self):
        """A copy of the world for a look, where close() does not remove it."""
        kept = self.top.parent / f"{self.top.name}-wrong"
        if not kept.exists():
            shutil.copytree(self.world, kept, symlinks=True)
        return kept

    # ---- what is left
    def status(self, hours):
        done = self.run(["rollout", "status", "desktop", "--json", "--quiet"], hours)
        check(done.code == 0, f"rollout status: {done}")
        return json.loads(done.out)

    def is_held_up(self, hours):
        """Whether a publishing failed, and a later tick tries it again."""
        done = self.run(["rollout", "status", "desktop", "--json", "--quiet"], hours)
        return done.code == 0 and "trouble" in json.loads(done.out)

    def published(self, name):
        """The bytes of a file of the channel, or None."""
        if self.kind == "s3":
            content = self.peer.command(f"content public/{name}")
            return None if content == "absent" else base64.b64decode(content)
        if self.kind != "git":
            path = self.repo / "public" / name
            return path.read_bytes() if path.exists() else None
        done = subprocess.run(["git", "-C", str(self.world / "origin.git"), "cat-file", "blob", f"channel:{name}"],
                              capture_output=True)
        return done.stdout if done.returncode == 0 else None

    def payload(self, name):
        envelope = self.published(name)
        return None if envelope is None else json.loads(base64.b64decode(json.loads(envelope)["payload"]))

    def ending(self, hours):
        """What counts when a line of the story is over: no times, no entry numbers."""
        verified = self.run(["journal", "verify", "--quiet"], hours)
        check(verified.code == 0, f"journal verify: {verified}")
        checked = self.run(["feed", "check", "--quiet"], hours)
        check(checked.code == 0, f"feed check: {checked}")
        left = {"feed": self.payload("tranche/v1/feed.json"), "flags": self.payload("tranche/v1/flags.json")}
        for document in left.values():
            for member in ("sequence", "issued", "expires", "plan"):
                if document is not None:
                    document.pop(member, None)
        left["status"] = forget_numbers(self.status(hours))
        left["unknown"] = [step["step"] for step in (left["status"].get("playbook") or {}).get("steps", [])
                           if step["status"] == "unknown"]
        return left


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ID = re.compile(r"\bdesktop/([0-9.]+)/\d+")
HEX = re.compile(r"\b[0-9a-f]{64}\b")


def forget_numbers(value):
    """Without times, digests and journal indexes, which differ between two runs of the same story."""
    if isinstance(value, dict):
        return {k: forget_numbers(v) for k, v in value.items() if k not in ("attempts", "attempt", "detail", "decisions")}
    if isinstance(value, list):
        return [forget_numbers(item) for item in value]
    if isinstance(value, str):
        return HEX.sub("DIGEST", ID.sub(r"desktop/\1/N", TIME.sub("TIME", value)))
    return value


def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
