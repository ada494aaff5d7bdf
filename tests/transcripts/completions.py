#!/usr/bin/env python3
"""completions.py BINARY: the completion scripts, asked through real bash, zsh and fish. Absent shells are counted."""
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

binary = os.path.abspath(sys.argv[1])
# line typed so far → words that must be offered, words that must not
CASES = [
    ("tranche ", ["init", "check", "rollout", "key", "help"], ["start", "--secret"]),
    ("tranche che", ["check"], ["init"]),
    ("tranche rollout ", ["start", "status", "plan"], ["check", "generate"]),
    ("tranche key ge", ["generate"], ["show"]),
    ("tranche check --", ["--strict", "--json", "--file"], ["--dry-run", "--man"]),
    ("tranche key generate --", ["--secret", "--dry-run", "--reason"], ["--strict"]),
    ("tranche completion ", ["bash", "zsh", "fish"], ["check"]),
    ("tranche sbom ", ["diff", "here.yaml"], ["check"]),
    ("tranche sbom here.yaml --", ["--format", "--output"], ["--exit-code"]),
    ("tranche sbom diff --", ["--exit-code"], ["--format"]),
    ("tranche check --file ", ["here.yaml"], ["--strict", "init"]),
]
failures, skipped = [], []


def script(shell, directory, name):
    text = subprocess.run([binary, "completion", shell], capture_output=True, text=True, check=True).stdout
    path = pathlib.Path(directory, name)
    path.write_text(text)
    return path


def judge(shell, line, offered, wanted, unwanted):
    for word in wanted:
        if word not in offered:
            failures.append(f"{shell}: '{line}' does not offer {word} (offers {' '.join(sorted(offered)[:20])})")
    for word in unwanted:
        if word in offered:
            failures.append(f"{shell}: '{line}' offers {word}")


def ask_bash(directory):
    path = script("bash", directory, "tranche.bash")
    for line, wanted, unwanted in CASES:
        words = line.split(" ")
        quoted = " ".join(f"'{w}'" for w in words)
        code = (f"source '{path}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _tranche; "
                'printf "%s\\n" "${COMPREPLY[@]}"')
        out = subprocess.run(["bash", "--norc", "-c", code], capture_output=True, text=True, cwd=directory, check=False)
        if out.stderr:
            failures.append(f"bash: {out.stderr.strip()}")
        judge("bash", line, set(out.stdout.split()), wanted, unwanted)


def ask_fish(directory):
    path = script("fish", directory, "tranche.fish")
    env = {**os.environ, "HOME": directory, "XDG_CONFIG_HOME": directory, "XDG_DATA_HOME": directory}
    for line, wanted, unwanted in CASES:
        code = f"complete -e -c tranche; source '{path}'; complete -C '{line}'"
        out = subprocess.run(["fish", "--no-config", "-c", code], capture_output=True, text=True, cwd=directory, env=env,
                             check=False)
        if out.stderr:
            failures.append(f"fish: {out.stderr.strip()}")
        judge("fish", line, {row.split("\t")[0] for row in out.stdout.splitlines()}, wanted, unwanted)


def ask_zsh(directory):
    """An interactive zsh on a terminal of ours: type, press Tab twice, read the list."""
    functions = pathlib.Path(directory, "zfunc")
    functions.mkdir()
    script("zsh", functions, "_tranche")
    rc = f"fpath=('{functions}' $fpath); autoload -Uz compinit; compinit -u -d '{directory}/dump'\n" \
         "PS1='READY> '; setopt nobeep list_packed; unsetopt zle_bracketed_paste; LISTMAX=0\n" \
         "zstyle ':completion:*' list-colors ''; zstyle ':completion:*' verbose no\nzle_highlight=(none)\n"
    pathlib.Path(directory, ".zshrc").write_text(rc)
    for line, wanted, unwanted in CASES:
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(directory)
            os.execvpe("zsh", ["zsh", "-i", "-d"], {"HOME": directory, "ZDOTDIR": directory, "TERM": "xterm", "PATH": os.environ["PATH"],
                                              "LANG": "C.UTF-8", "COLUMNS": "200", "LINES": "60"})
        def read_until(text, limit):
            seen, end = "", time.monotonic() + limit
            while time.monotonic() < end:
                if select.select([fd], [], [], 0.1)[0]:
                    try:
                        seen += os.read(fd, 65536).decode("utf-8", "replace")
                    except OSError:
                        break
                elif text is None and seen:
                    break
                if text is not None and text in seen:
                    break
            return seen
        # The prompt may be redrawn; what counts is the text after the Tab.
        read_until("READY> ", 20)
        os.write(fd, (line + "\t").encode())
        out = ""
        end = time.monotonic() + 10
        while time.monotonic() < end and not any(word in out for word in wanted):
            out += read_until(None, 2)
        out += read_until(None, 2)
        os.write(b"\x03\x04" and fd, b"\x03")
        os.write(fd, b"exit\n")
        read_until("exit", 2)
        os.close(fd)
        os.waitpid(pid, 0)
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r|\x07", " ", out)
        # A single answer is typed into the line; several are listed.
        offered = set(plain.replace(line.strip() + " ", " ", 1).split())
        typed = line.split(" ")[-1]
        if len(wanted) == 1:
            completed = wanted[0] in offered or wanted[0] in plain or (typed and wanted[0][len(typed):] in plain)
            if not completed:
                failures.append(f"zsh: '{line}' does not complete to {wanted[0]}: {plain!r}")
        else:
            judge("zsh", line, offered, wanted, unwanted)


for shell, ask in (("bash", ask_bash), ("fish", ask_fish), ("zsh", ask_zsh)):
    if not shutil.which(shell):
        skipped.append(shell)
        continue
    with tempfile.TemporaryDirectory(prefix="tranche-completions-") as directory:
        pathlib.Path(directory, "here.yaml").touch()
        ask(directory)
print("\n".join(failures) if failures else f"completions: {len(CASES)} lines a shell are right")
for shell in skipped:  # tests/run counts such lines, and CI fails of them
    print(f"skipped: {shell} is missing (apt-get install {shell})")
sys.exit(1 if failures else 0)
