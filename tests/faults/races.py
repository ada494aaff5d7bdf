"""Several runners: five at once, and one that sleeps between what it decided and what it publishes.

Of five runners of one line one wins, the others exit 9 or find it done; the line run once more is where it would have
been. A runner that is stopped somewhere, overtaken by a person who stops the rollout, and woken up, changes nothing: the
feed stays the newer one and the release stays withdrawn.
"""
import os
import random
import signal
import time

from kills import Undisturbed, named, run_again, tell_the_rest
from scene import ROLLBACK, STORY, Wrong, check

RUNNERS = 5
STOP = ["stop", "desktop", "--reason", "red button"]


def five_at_once(scene, undisturbed, line, to_the_end):
    """How many of them won, lost."""
    scene.load(line)
    hours, words = STORY[line]
    homes = [scene.home] * RUNNERS if scene.kind == "dir" else [scene.world / f"home{n}" for n in range(RUNNERS)]
    children = [scene.begin(words, hours, home=home) for home in homes]
    codes = []
    for child in children:
        done = scene.finish(child)
        codes.append(done.code)
        check(done.code in (undisturbed.codes[line], 8, 9), f"one of five: {done}")
    check(undisturbed.codes[line] in codes, f"nobody won: {codes}")
    code = run_again(scene, undisturbed, line)
    undisturbed.compare(scene, line, code, line == ROLLBACK)
    if to_the_end:
        tell_the_rest(scene, undisturbed, line, line == ROLLBACK)
    return {"of five runners did it": sum(code != 9 for code in codes), "of five runners lost": codes.count(9)}


def wait_until_asleep(child):
    """False: it ended instead."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if child.poll() is not None:
            return False
        with open(f"/proc/{child.pid}/stat") as stat:
            if stat.read().rsplit(")", 1)[1].split()[0] == "T":
                return True
        time.sleep(0.002)
    raise Wrong("the sleeper neither sleeps nor ends")


def sequence_of(scene):
    feed = scene.payload("tranche/v1/feed.json")
    return 0 if feed is None else feed["sequence"]


def one_sleeper(scene, line, step):
    """Whether it slept."""
    scene.load(line)
    hours, words = STORY[line]
    sleeper = scene.begin(words, hours, stop=step)
    if not wait_until_asleep(sleeper):
        scene.finish(sleeper)
        return False
    try:
        other = scene.run(STOP, hours)
        check(other.code in (0, 5, 10), f"the stop beside a sleeper: {other}")
        newest = sequence_of(scene)
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)
        woken = scene.finish(sleeper)
    check(woken.code in (0, 1, 5, 8, 9), f"the sleeper, awake: {woken}")
    check(sequence_of(scene) >= newest, f"the sleeper put feed {sequence_of(scene)} over {newest}: {woken}")
    scene.run(["rollout", "advance", "desktop"], hours)
    ending = scene.ending(hours)
    check(ending["status"]["phase"] == "rolled-back", f"it is {ending['status']['phase']}: {woken}")
    check("offer" not in ending["feed"], f"the sleeper offers the release again: {woken}")
    check([w["version"] for w in ending["feed"]["withdrawn"]] == ["1.1.0"], "the release is not withdrawn")
    for key, all_of in scene.hook.taken.items():
        check(len(all_of) == 1 or key.endswith("/put"), f"{key} was sent {len(all_of)} times")
    return True


def work(context, kind, share):
    rng = random.Random(f"{context.seed} {kind} races")
    counts = {}

    def add(more):
        for name, count in more.items():
            counts[name] = counts.get(name, 0) + count

    with context.scene(kind) as scene:
        undisturbed = Undisturbed(scene)
        for round_ in range(context.size(1, 8)):
            for line in range(share[0], len(STORY), share[1]):
                add(named(scene, f"line {line}: five at once", lambda: five_at_once(scene, undisturbed, line, round_ % 4 == 0)))
        # A rollout is there to be stopped from line 2 on.
        every = [(line, n) for line in range(2, len(STORY)) for n in range(1, undisturbed.steps[line] + 1)]
        chosen = rng.sample(every, min(context.size(10, 300), len(every)))
        for line, step in chosen[share[0] :: share[1]]:
            slept = named(scene, f"line {line}: asleep at step {step}",
                          lambda: one_sleeper(scene, line, step))
            add({"sleepers overtaken": int(slept)})
    return counts


def say(kind, counts):
    print(f"races on {kind}: " + ", ".join(f"{count:,} {how}" for how, count in counts.items()) + ": one story, told once")
