#!/usr/bin/env python3
"""Golden CLI sessions: run.py BINARY FILE.transcript [--accept]

A transcript is a session in a fresh directory with an empty home and a clean environment:

    # a comment
    <<< tranche.yaml        a file of that name, up to the line >>>
    version: 1
    >>>
    $ tranche check         a command: words as a shell splits them, VAR=value before it; no shell runs
    tranche.yaml: ...       what it prints, stdout and stderr in order
    ? 3                     its exit code, when not 0

@HOME@ in files and words is that home; VAR=@NAME is what the file NAME holds. What differs from run to run is written as DIR, HOME, VERSION, GIT, UUID, SIZE, TIME, SHA256, NUMBER, BASE64 and ID. With --accept (or TRANCHE_ACCEPT=1)
the file is rewritten from what was seen; that is reported as skipped (77), never as passed: read the diff.
"""
import difflib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

PROGRAMS = {"git", "cat", "ls", "chmod", "rm", "mkdir", "cp", "ln", "touch", "stat"}


def parse(text):
    """Yields ("keep", lines), ("file", name, body, lines) and ("run", command, expected, code)."""
    lines = text.splitlines()
    i = 0
    while i < len(lines):
        line = lines[i]
        if line.startswith("<<< "):
            end = lines.index(">>>", i)
            yield "file", line[4:].strip(), "\n".join(lines[i + 1 : end]) + "\n", lines[i : end + 1]
            i = end + 1
        elif line.startswith("$ "):
            expected, code = [], 0
            i += 1
            while i < len(lines) and not lines[i].startswith(("$ ", "<<< ", "# ")):
                if lines[i].startswith("? "):
                    code = int(lines[i][2:])
                else:
                    expected.append(lines[i])
                i += 1
            while expected and expected[-1] == "":
                expected.pop()
            yield "run", line[2:], expected, code
        else:
            yield "keep", line
            i += 1


def normalise(text, root, version):
    text = text.replace(str(root / "home"), "HOME").replace(str(root / "work"), "DIR")
    text = text.replace(version, "VERSION")
    text = re.sub(r"urn:uuid:[0-9a-f-]{36}", "urn:uuid:UUID", text)
    text = re.sub(r"(spdx\.org/spdxdocs/[^\"]*-)[0-9a-f-]{36}\"", r'\1UUID"', text)
    text = re.sub(r"((?:cyclonedx-1\.[56]|spdx-2\.3) +)[0-9.]+ K?i?B", r"\1SIZE", text)  # it holds the version
    text = re.sub(r'("format":"cyclonedx-1\.6","size":)\d+', r"\1SIZE", text)
    text = re.sub(r"(wrote \S+\.html) \([0-9.]+ K?i?B\)", r"\1 (SIZE)", text)
    text = re.sub(r"git version [0-9][^\s\"]*", "git version GIT", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "SHA256", text)
    text = re.sub(r"\b[0-9a-f]{12}\b", "ID", text)
    text = re.sub(r'((?:\bkey |"key-id":"|^minisign  ))[0-9A-F]{16}\b', r"\1NUMBER", text, flags=re.M)
    text = re.sub(r'("(?:tauri-)?pubkey": ?")[A-Za-z0-9+/=]+', r"\1BASE64", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME", text)
    text = re.sub(r"TIME {2,}", "TIME  ", re.sub(r"\bwhen {2,}", "when  ", text))  # milliseconds come and go
    text = re.sub(r"(— \S+) [A-Za-z0-9+/]{60,}=*", r"\1 SIGNATURE", text)
    text = re.sub(r"[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])", "BASE64", text)
    text = re.sub(r"bake \d+s of", "bake Ns of", text)
    text = re.sub(r" +\d+\.\d ms\b", " N ms", text)  # how long a drill took
    text = re.sub(r'("[a-z-]*took-ms":)\d+(\.\d+)?', r"\1N", text)
    # A line that would read as the transcript's own gets a backslash.
    return [re.sub(r"^(#|\$|\?|<<<|\\) ", r"\\\g<0>", line.rstrip()) for line in text.splitlines()]


def run(command, binary, root):
    words = shlex.split(command)
    env = {"HOME": str(root / "home"), "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "dumb",
           "GIT_CONFIG_NOSYSTEM": "1", "SOURCE_DATE_EPOCH": "1767225600"}
    while words and re.fullmatch(r"[A-Z_][A-Z0-9_]*=.*", words[0], re.S):
        name, value = words.pop(0).split("=", 1)
        env[name] = value.replace("@HOME@", str(root / "home"))
        if env[name].startswith("@"):
            env[name] = (root / "work" / env[name][1:]).read_text()
    if words[0] == "tranche":
        words[0] = binary
    elif words[0] not in PROGRAMS:
        sys.exit(f"a transcript may not run {words[0]}")
    words = [w.replace("@HOME@", str(root / "home")) for w in words]
    done = subprocess.run(words, cwd=root / "work", env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120, check=False)
    return done.stdout.decode("utf-8", "backslashreplace"), done.returncode


def main():
    binary, path = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    accept = "--accept" in sys.argv or os.environ.get("TRANCHE_ACCEPT") == "1"
    version = subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout.split()[1]
    old = path.read_text()
    seen = []
    with tempfile.TemporaryDirectory(prefix="tranche-transcript-") as temporary:
        root = pathlib.Path(temporary).resolve()
        (root / "home").mkdir()
        (root / "work").mkdir()
        for step in parse(old):
            if step[0] == "keep":
                seen.append(step[1])
            elif step[0] == "file":
                target = root / "work" / step[1]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(step[2].replace("@HOME@", str(root / "home")))
                seen += step[3]
            else:
                out, code = run(step[1], binary, root)
                body = normalise(out, root, version)
                while body and body[-1] == "":
                    body.pop()
                seen += ["$ " + step[1]] + body + ([f"? {code}"] if code else []) + [""]
    while seen and seen[-1] == "":
        seen.pop()
    new = "\n".join(seen) + "\n"
    squeezed = [[line for line in text.splitlines() if line] for text in (old, new)]
    if squeezed[0] == squeezed[1] and not accept:
        return 0
    if accept:
        changed = old != new
        path.write_text(new)
        print(f"skipped: {path.name} {'rewritten' if changed else 'was right already'}")
        return 77
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "expected", "seen"))
    print("\nIf this is right: TRANCHE_ACCEPT=1 and read the diff before committing.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
