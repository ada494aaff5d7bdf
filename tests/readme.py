#!/usr/bin/env python3
"""README.md is true: readme.py ROOT

- every ```sh block is one command of the repository, which is there and can be run (stories and CI run them);
- every ```console block stands, command by command and line by line, in tests/transcripts/tour.transcript, which is run;
- there are no other fenced blocks, and every file that a link or `path/` names exists.
"""
import importlib.util
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
spec = importlib.util.spec_from_file_location("transcripts", root / "tests/transcripts/run.py")
transcripts = importlib.util.module_from_spec(spec)
spec.loader.exec_module(transcripts)
text = (root / "README.md").read_text()
tour = {}
for item in transcripts.parse((root / "tests/transcripts/tour.transcript").read_text()):
    if item[0] == "run":
        tour[item[1]] = item[2]
errors = []
blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
for kind, body in blocks:
    if kind == "sh":
        for line in body.split("\n"):
            program = root / line.split()[0] if line.strip() else None
            if program and not (program.is_file() and program.stat().st_mode & 0o111):
                errors.append(f"`{line}`: {program} cannot be run")
    elif kind == "console":
        for item in transcripts.parse(body):
            if item[0] != "run":
                if item[1].strip():
                    errors.append(f"console block: '{item[1]}' belongs to no command")
                continue
            want = tour.get(item[1])
            if want is None:
                errors.append(f"`{item[1]}` is not in tour.transcript")
            elif item[2] != want:
                errors.append(f"`{item[1]}` prints something else in tour.transcript:\n  README {item[2]}\n  tour   {want}")
    elif kind != "":
        errors.append(f"a block of kind '{kind}' is run by nothing")
for path in re.findall(r"`((?:lib|man|tests|examples|commands|cli)/[\w./-]*)`", text):
    if not (root / path).exists():
        errors.append(f"`{path}` is not there")
print("\n".join(errors) if errors else f"README.md: {len(blocks)} blocks hold")
sys.exit(1 if errors else 0)
