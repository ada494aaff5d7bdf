"""What the stories of platform signatures share: a directory, the binary in it, and eyes on what it tells to others.

Every program that the binary starts is a wrapper that notes its arguments and its environment; /proc is looked at while
the binary runs. At the end none of the secrets may have been seen there, nor in anything that the binary printed. A
wrapper can also kill the binary before its program begins or after it has ended. Verifying is done without a network.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import uuid

MANUAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../commands/verify.md")
NAME = os.path.basename(sys.argv[0])
WRAPPED = ("gpg", "gpgconf", "debsigs", "rpmsign", "rpmkeys", "osslsigncode", "mktemp", "rm", "dd")
# In a network name space that has nothing in it.
OFFLINE = next((words for words in (("unshare", "-n"), ("unshare", "-rn"))
                if subprocess.run([*words, "true"], capture_output=True).returncode == 0), ())
WRAPPER = """#!/bin/sh
{{ printf '%s\\0' "$0" "$@"; env -0; }} >> '{log}'
if [ -e '{root}/kill-before-{program}' ]; then rm -f '{root}/kill-before-{program}'; kill -9 $PPID; exit 1; fi
if [ -e '{root}/kill-after-{program}' ]; then
  rm -f '{root}/kill-after-{program}'; '{real}' "$@"; code=$?; kill -9 $PPID; exit $code
fi
exec '{real}' "$@"
"""


def fail(words):
    print(f"{NAME}:", words, file=sys.stderr)
    sys.exit(1)


def check(condition, words):
    if not condition:
        fail(words)


def skip(words):
    print("skipped:", words, file=sys.stderr)
    sys.exit(1 if os.environ.get("TRANCHE_REQUIRE_PEERS") == "1" else 77)


def need(*programs):
    """(program, Debian package) each. Without one the story is skipped (77), or fails with TRANCHE_REQUIRE_PEERS=1."""
    missing = [f"{program} is missing (apt-get install {package})" for program, package in programs if not shutil.which(program)]
    if missing:
        skip("; ".join(missing))


def write(path, content, mode=0o644):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as out:
        out.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(path, mode)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def flip(path, at, to):
    content = bytearray(read(path))
    content[at] ^= 1
    return write(to, bytes(content))


def copy(path, to):
    shutil.copyfile(path, to)
    return to


class Scene:
    def __init__(self, tranche):
        self.tranche = os.path.abspath(tranche)
        self.root = tempfile.mkdtemp(prefix="tranche-platform-")
        self.work, self.home, self.bin = (f"{self.root}/{name}" for name in ("work", "home", "bin"))
        for path in (self.work, self.home, self.bin):
            os.mkdir(path)
        self.log = f"{self.root}/started"
        with open(MANUAL, encoding="utf-8") as manual:
            self.documented = {code for codes in re.findall(r"^- ([a-z0-9, -]+): ", manual.read(), re.M) for code in codes.split(", ")}
        self.secrets, self.said, self.seen, self.homes = [], [], set(), []
        for program in WRAPPED:
            real = shutil.which(program)
            if real:
                write(f"{self.bin}/{program}", WRAPPER.format(log=self.log, root=self.root, program=program, real=real), 0o755)
        os.chdir(self.work)

    # Secrets: words and the lines of keys.
    def secret(self, text):
        lines = text.splitlines() if "\n" in text else [text]
        self.secrets += [line for line in lines if len(line) >= 20 and "-----" not in line and "untrusted comment" not in line]
        return text

    def word(self):
        return self.secret(f"horse-{uuid.uuid4().hex}")

    def key_file(self, name, text):
        self.secret(text)
        return "file:" + write(f"{self.home}/{name}", text, 0o600)

    def look(self, stop, before):
        """Notes what every process that was not there before was started with."""
        while not stop.is_set():
            for path in set(glob.glob("/proc/[0-9]*/cmdline")) - before:
                try:
                    self.seen.add(read(path))
                except OSError:
                    continue
            stop.wait(0.005)

    def start(self, words, environment, before=()):
        variables = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": self.home, "LANG": "C.UTF-8", **environment}
        stop = threading.Event()
        watcher = threading.Thread(target=self.look, args=(stop, set(glob.glob("/proc/[0-9]*/cmdline"))))
        watcher.start()
        self.running = subprocess.Popen([*before, self.tranche, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=variables, stdin=subprocess.DEVNULL)
        try:
            out, err = self.running.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            self.running.kill()
            fail(f"{' '.join(words)}: hangs")
        finally:
            stop.set()
            watcher.join()
        self.said.append(out + err)
        return subprocess.CompletedProcess(words, self.running.returncode, out, err)

    def run(self, *words, code=0, before=(), **environment):
        """Answers in JSON; an error's as it is said."""
        done = self.start([*words, "--json"], environment, before)
        check(done.returncode == code, f"{' '.join(words)}: exit {done.returncode}, wanted {code}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.startswith("{") else {"said": done.stderr}

    def refused(self, *words, code=1, hint="", **environment):
        """An error, not a verdict: it says what to do next."""
        done = self.start(list(words), environment)
        check(done.returncode == code, f"{' '.join(words)}: exit {done.returncode}, wanted {code}\n{done.stdout}{done.stderr}")
        check("hint: " in done.stderr and hint in done.stderr, f"{' '.join(words)}: no hint '{hint}'\n{done.stderr}")
        return done.stderr

    def verify(self, reason, *words, **environment):
        """`verify` answers with this reason, which the manual names, and the exit code that belongs to it."""
        check(reason == "verified" or reason in self.documented, f"verify.md does not name {reason}")
        verified = reason == "verified"
        answer = self.run("verify", *words, code=0 if verified else 6, before=OFFLINE, **environment)
        check(answer["schema"] == "tranche/verify/v1" and answer["verified"] == verified and answer["reason"] == reason,
              f"verify {' '.join(words)}: {answer}, wanted {reason}")
        checks = answer["checks"]
        check(checks and all(set(one) == {"name", "ok", "detail"} and one["detail"] for one in checks), f"checks: {checks}")
        check(all(one["ok"] for one in checks) == verified, f"checks: {checks}")
        return answer

    def killed(self, program, when, path, *words, **environment):
        """The binary is killed when it has started `program`: the file and its directory stay as they were."""
        before, around = read(path), sorted(os.listdir(os.path.dirname(path) or "."))
        write(f"{self.root}/kill-{when}-{program}", "")
        done = self.start(list(words), environment)
        check(done.returncode == -9, f"{' '.join(words)}: exit {done.returncode}, not killed {when} {program}\n{done.stderr}")
        check(read(path) == before, f"killed {when} {program}: {path} is not as it was")
        now = sorted(os.listdir(os.path.dirname(path) or "."))
        check(now == around, f"killed {when} {program}: left {set(now) ^ set(around)}")

    def without(self, program, package, *words, **environment):
        """The same where that program is not installed: what to install is said."""
        folder = f"{self.root}/without-{program}"
        os.mkdir(folder)
        for name in (*WRAPPED, "python3", "perl", "sh"):
            if name != program and shutil.which(name):
                os.symlink(shutil.which(name), f"{folder}/{name}")
        self.refused(*words, hint=f"apt-get install {package}", PATH=folder, **environment)

    def peer(self, *words, ok=True, text=None, environment=None):
        done = subprocess.run(words, capture_output=True, text=True, timeout=90, input=text,
                              env={**os.environ, "HOME": self.home, "LC_ALL": "C", **(environment or {})})
        check((done.returncode == 0) == ok, f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def gpg(self, name, *words, text=None, ok=True):
        """gpg itself, in the home of that name."""
        home = f"{self.root}/{name}"
        if not os.path.isdir(home):
            os.mkdir(home, 0o700)
            write(f"{home}/gpg-agent.conf", "s2k-count 65536\n")
            self.homes.append(home)
        done = subprocess.run(["gpg", "--homedir", home, "--batch", "--no-tty", "--quiet", "--yes", "--s2k-count", "65536", "--trust-model",
                               "always", "--pinentry-mode", "loopback", *words], capture_output=True, text=True, timeout=90, input=text)
        check((done.returncode == 0) == ok, f"gpg {' '.join(words)}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def make_pgp_key(self, name, word="", algorithm="ed25519", expires="never", *more):
        """NAME.asc, and the secret half."""
        self.gpg(name, *more, "--passphrase-fd", "0", "--quick-generate-key", f"{name}@example.invalid", algorithm, "sign", expires,
                 text=word + "\n")
        write(f"{name}.asc", self.gpg(name, "--armor", "--export"))
        return self.secret(self.gpg(name, "--passphrase-fd", "0", "--armor", "--export-secret-keys", text=word + "\n"))

    def end(self):
        """No secret was seen; the directory goes."""
        started = read(self.log) if os.path.exists(self.log) else b""
        for secret in self.secrets:
            word = secret.encode()
            check(word not in started, "a program was started with a secret among its arguments or variables")
            check(not any(word in line for line in self.seen), "a secret was seen in /proc/PID/cmdline")
            check(not any(secret in text for text in self.said), "a secret was printed")
        check(self.secrets and self.said, "nothing was watched")
        check(not self.homes or b"--passphrase-fd" in started and any(b"--passphrase-fd" in line for line in self.seen),
              "gpg's arguments were not watched")
        print(f"{len(self.secrets)} secrets, seen in none of {started.count(self.bin.encode() + b'/')} starts and {len(self.said)} answers")

    def clean(self):
        for home in self.homes:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=False)
        os.chdir("/")
        shutil.rmtree(self.root)


def play(story):
    scene = Scene(sys.argv[1])
    try:
        story(scene)
        scene.end()
    finally:
        scene.clean()
    print(f"{NAME}: ok")
