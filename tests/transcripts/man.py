#!/usr/bin/env python3
"""man.py BINARY MAN_DIR: man/ holds what the command records say, and mandoc finds nothing to warn of."""
import filecmp
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

binary, directory = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
if os.environ.get("TRANCHE_ACCEPT") == "1":
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    subprocess.run([binary, "help", "--man", str(directory)], check=True)
    print("skipped: man/ rewritten")
    sys.exit(77)
problems = []
with tempfile.TemporaryDirectory(prefix="tranche-man-") as fresh:
    subprocess.run([binary, "help", "--man", fresh], check=True)
    names = sorted(set(os.listdir(fresh)) | (set(os.listdir(directory)) if directory.is_dir() else set()))
    for name in names:
        made, kept = pathlib.Path(fresh, name), directory / name
        if not made.exists():
            problems.append(f"man/{name}: no command makes it")
        elif not kept.exists() or not filecmp.cmp(made, kept, shallow=False):
            problems.append(f"man/{name}: stale")
    if shutil.which("mandoc"):
        pages = sorted(str(p) for p in pathlib.Path(fresh).iterdir())
        lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning"] + pages, capture_output=True, text=True, check=False)
        # Pages refer to each other; they are not installed yet.
        problems += [line for line in lint.stdout.splitlines() if "referenced manual not found" not in line]
    else:
        print("mandoc is not here: not linted")
print("\n".join(problems) if problems else f"man: {len(names)} pages are fresh")
if problems:
    print("run `tranche help --man man` and commit")
sys.exit(1 if problems else 0)
