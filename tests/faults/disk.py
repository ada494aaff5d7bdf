"""The disk says no: full, full in the middle of a write, read-only, not ours, broken; all of it, or the channel's part.

The run that meets it must say so and what to do, with an exit code of the contract. When the disk is well again the same
line ends where it would have, and nobody cleaned up.
"""
import errno
import random

from kills import Undisturbed, named, run_again, tell_the_rest
from scene import ROLLBACK, STORY, check

FAULTS = [("full", {"errno": errno.ENOSPC}), ("full in the middle of a write", {"short": None}),
          ("read-only", {"errno": errno.EROFS}), ("not ours", {"errno": errno.EACCES}), ("broken", {"errno": errno.EIO})]
CODES = {1, 9}


def one_fault(scene, undisturbed, line, step, what, to_the_end):
    """Whether the run failed."""
    hours, words = STORY[line]
    scene.load(line)
    faults = {name: step if value is None or name == "under" else f"{step}:{value}" for name, value in what.items()}
    if "under" in what:
        faults["under"] = what["under"]
    first = scene.run(words, hours, **faults)
    failed = first.code != undisturbed.codes[line]
    check(first.code in CODES or not failed, f"it ends in another way: {first}")
    check(not failed or "\nhint: " in first.err, f"no hint: {first}")
    seen = scene.run(["feed", "check", "--quiet"], hours)
    check(seen.code == 0, f"then, feed check: {seen}")
    code = run_again(scene, undisturbed, line)
    cut_short = line == ROLLBACK
    # What only the channel's disk refused, the playbook has journalled as failed; the feed is published all the same.
    undisturbed.compare(scene, line, code, cut_short, may_fail="under" in what)
    if to_the_end and "under" not in what:
        tell_the_rest(scene, undisturbed, line, cut_short)
    return failed


def work(context, kind, share):
    rng = random.Random(f"{context.seed} {kind} disk")
    per_line = context.size(1, 12)
    counts = {}
    with context.scene(kind) as scene:
        undisturbed = Undisturbed(scene)
        channel = "/public/" if kind == "dir" else "/channel"
        cases = []
        for line, steps in enumerate(undisturbed.steps):
            if steps < 2:
                continue
            for name, what in FAULTS:
                chosen = sorted(rng.sample(range(1, steps + 1), min(per_line, steps)))
                cases += [(name, what, line, step) for step in ([1] if context.full else []) + chosen]
            if line > 0 and kind == "dir":
                cases.append(("full under the channel", {"errno": errno.ENOSPC, "under": channel}, line, 1))
        for i, (name, what, line, step) in enumerate(cases[share[0] :: share[1]]):
            counts[name] = counts.get(name, 0) + named(
                scene, f"line {line}, {name} from step {step} on",
                lambda: one_fault(scene, undisturbed, line, step, what, i % 4 == 0))
    return counts


def say(kind, counts):
    parts = ", ".join(f"{count:,} {how}" for how, count in sorted(counts.items()))
    print(f"{sum(counts.values()):,} runs on {kind} whose disk said no ({parts}): each said so, run again, the same end")
