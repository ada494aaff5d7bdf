"""The wall clock of a runner is wrong: it went back, it jumps in the middle of a run.

A clock behind makes nothing early, and the ticks after it, at the right time, end where they would have. A jump in the
middle of a run changes nothing of that run's end; one back before it looked makes it do less, and it is run again.
"""
import random

from kills import Undisturbed, named, run_again, tell_the_rest
from scene import ROLLBACK, STORY, check

HOUR_MS, DAY_MS = 3_600_000, 24 * 3_600_000


def behind(scene, undisturbed, line, hours_behind):
    """A tick of a runner whose clock is behind, before the right one."""
    scene.load(line)
    hours, words = STORY[line]
    wrong = scene.run(["rollout", "advance", "desktop"], hours - hours_behind)
    check(wrong.code in (8, undisturbed.codes[line - 1]), f"with a clock behind: {wrong}")
    early = scene.status(hours)["stage"]["index"]
    before = (undisturbed.endings[line - 1]["status"].get("stage") or {}).get("index", 0)
    check(early == before, f"a clock behind moved the rollout from stage {before} to {early}")
    code = run_again(scene, undisturbed, line)
    undisturbed.compare(scene, line, code, False)
    tell_the_rest(scene, undisturbed, line, False)


def jumps(scene, undisturbed, line, step, by):
    """The clock jumps between two steps of one run."""
    scene.load(line)
    hours, words = STORY[line]
    first = scene.run(words, hours, jump=f"{step}:{by}")
    code = first.code
    if by < 0:  # before the run looked at it: then it is a clock behind, and does less
        check(code in (8, undisturbed.codes[line]), f"with a clock that went back: {first}")
        code = run_again(scene, undisturbed, line)
    undisturbed.compare(scene, line, code, False)
    tell_the_rest(scene, undisturbed, line, False)


def work(context, share):
    rng = random.Random(f"{context.seed} clocks")
    counts = {"behind": 0, "jumps in a run": 0}
    with context.scene("dir") as scene:
        undisturbed = Undisturbed(scene)
        cases = [("behind", behind, (line, by)) for line in range(3, ROLLBACK + 1) for by in (1, 48, 24 * 365)
                 if by > STORY[line][0] - STORY[line - 1][0] or line == 3]
        steps = [(line, n) for line, count in enumerate(undisturbed.steps) for n in range(1, count + 1)]
        for line, n in rng.sample(steps, context.size(8, 200)):
            # Forward by less than the gate's next window takes to end, and than the ticks have to spare: whoever starts a
            # rollout with a clock that is ahead makes its bakes end later.
            cases.append(("jumps in a run", jumps, (line, n, rng.choice([-30 * DAY_MS, -HOUR_MS, HOUR_MS // 3]))))
        for what, run, arguments in cases[share[0] :: share[1]]:
            named(scene, f"{what} {arguments}", lambda: run(scene, undisturbed, *arguments))
            counts[what] += 1
    return counts


def say(counts):
    print("clocks: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()) + ": nothing early, the same end")
