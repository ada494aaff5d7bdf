"""Killed from outside: before and after each of its steps, at any instruction, again and again; and run again.

After each kill: what devices read is whole; the same line of the story, run again, ends with the same exit code in the
same place; the rest of the story too; the outside heard of the rollback once. A request that cannot be asked about and
was cut short may be shown as unknown instead, and is never sent again.
"""
import random
import time

from scene import GATE, HANDS, Wrong, check, digest


class Undisturbed:
    """The story told once: for each line its exit code, steps, seconds and ending."""

    def __init__(self, scene):
        scene.prepare()
        self.codes, self.steps, self.seconds, self.endings = [], [], [], []
        for line, (hours, words) in enumerate(scene.story.lines):
            scene.save(line)
            counted = scene.top / "count"
            begun = time.monotonic()
            done = scene.run(words, hours, count=counted)
            self.seconds.append(time.monotonic() - begun)
            check(done.code in (0, 5, 8, 10), f"{words}: {done}")
            self.codes.append(done.code)
            self.steps.append(int(counted.read_text()))
            self.endings.append(scene.ending(hours))
        final = self.endings[-1]["status"]
        check(final["phase"] == scene.story.phase, f"the story ends {final['phase']}")
        check([s["status"] for s in final["playbook"]["steps"]] == ["done"] * 5, "the playbook")
        self.taken = sorted(len(all_of) for all_of in scene.hook.taken.values())
        check(self.taken == [1] * scene.story.requests, f"the hook heard {self.taken}")

    def compare(self, scene, line, code, cut_short, may_fail=False):
        """The ending of a line against the undisturbed one. cut_short: a request may have been. may_fail: steps of the
        playbook that publish may be journalled as failed; what they wanted is there all the same."""
        hours = scene.story.lines[line][0]
        got, wanted = scene.ending(hours), self.endings[line]
        unknown = got.pop("unknown")
        check(set(unknown) <= ({"post"} if cut_short else set()), f"unknown outcome of {unknown}")
        for step in (got["status"].get("playbook") or {}).get("steps", []):
            if step["step"] in unknown or (may_fail and step["status"] == "failed"):
                step["status"] = "done"
        wanted = {k: v for k, v in wanted.items() if k != "unknown"}
        if digest(got) != digest(wanted):
            check(False, "another ending: " + first_difference(wanted, got))
        check(code == self.codes[line], f"exit {code}, undisturbed {self.codes[line]}")
        for key, all_of in scene.hook.taken.items():
            check(len(set(all_of)) == 1, f"{key} was told two things: {all_of}")
            check(len(all_of) == 1 or key.endswith("/put"), f"{key} was sent {len(all_of)} times")
        heard = {key.rsplit("/", 1)[1] for key in scene.hook.taken}
        for since, what in scene.story.heard.items():
            check(line < since or what - set(unknown) <= heard, f"the outside heard only of {heard}")


def first_difference(a, b, path=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            if a.get(key) != b.get(key):
                return first_difference(a.get(key), b.get(key), f"{path}/{key}")
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            if x != y:
                return first_difference(x, y, f"{path}/{i}")
    return f"{path}: {a!r} undisturbed, now {b!r}"


def tell_the_rest(scene, undisturbed, line, cut_short):
    code = undisturbed.codes[line]
    lines = scene.story.lines
    for later in range(line + 1, len(lines)):
        code = scene.run(lines[later][1], lines[later][0]).code
    undisturbed.compare(scene, len(lines) - 1, code, cut_short)


def run_again(scene, undisturbed, line, words=None):
    """The line again, as cron does: at once, and while it says that something is on its way, a little later. The exit
    code of the last."""
    hours, told = scene.story.lines[line]
    for minutes in (0, 2, 10, 30, 60):
        done = scene.run(words or told, hours + minutes / 60)
        if done.code == 8 and undisturbed.codes[line] != 8:
            continue
        if not scene.is_held_up(hours + minutes / 60):
            break
    return done.code


def look_around(scene, hours):
    """What devices see while the killed process is gone."""
    seen = scene.run(["feed", "check", "--quiet"], hours)
    check(seen.code == 0, f"after the kill, feed check: {seen}")


def one_kill(scene, undisturbed, line, faults, to_the_end=True):
    """Whether it was killed."""
    hours, words = scene.story.lines[line]
    scene.load(line)
    first = scene.run(words, hours, **faults)
    if first.killed:
        look_around(scene, hours)
    code = run_again(scene, undisturbed, line) if first.killed else first.code
    cut_short = first.killed and line in scene.story.cut
    undisturbed.compare(scene, line, code, cut_short)
    if to_the_end:
        tell_the_rest(scene, undisturbed, line, cut_short)
    return first.killed


def points(undisturbed, most, rng):
    """Kill points of the whole story, evenly spread when there are more than `most`."""
    every = [(line, {how: n}) for line, steps in enumerate(undisturbed.steps) for n in range(1, steps + 1)
             for how in ("before", "after")]
    if most >= len(every):
        return every
    return [every[int((i + rng.random()) * len(every) / most)] for i in range(most)]


def kill_at_steps(scene, undisturbed, most, share, rng):
    """share: (mine, of): this worker's part. Returns the number of kills."""
    mine, of = share
    killed = 0
    for i, (line, faults) in enumerate(points(undisturbed, most, rng)[mine::of]):
        killed += named(scene, f"line {line} {faults}", lambda: one_kill(scene, undisturbed, line, faults, i % 4 == 0))
    return killed


def kill_at_any_instruction(scene, undisturbed, count, rng):
    killed = 0
    weights = undisturbed.seconds
    for _ in range(count):
        line = rng.choices(range(len(weights)), weights)[0]
        faults = {"timer": rng.randrange(1, int(undisturbed.seconds[line] * 1e9))}
        killed += named(scene, f"line {line} {faults}", lambda: one_kill(scene, undisturbed, line, faults))
    return killed


def kill_again_and_again(scene, undisturbed, stories, rng):
    """Whole stories in which nearly every process is killed a few times."""
    killed = 0
    for _ in range(stories):
        seed = rng.random()

        def story():
            inner = random.Random(seed)
            count, cut_short, code = 0, False, 0
            scene.load(0)
            for line, (hours, words) in enumerate(scene.story.lines):
                for _ in range(12):
                    how = inner.choice(["before", "after"])
                    # Steps early in the rest of the run are as likely as late ones, so that runs advance in small pieces.
                    limit = max(2, undisturbed.steps[line] // inner.choice([1, 2, 4, 8]))
                    done = scene.run(words, hours, **{how: inner.randrange(1, limit)})
                    if not done.killed:
                        break
                    count += 1
                    cut_short = cut_short or line in scene.story.cut
                code = run_again(scene, undisturbed, line)
            undisturbed.compare(scene, len(scene.story.lines) - 1, code, cut_short)
            return count

        killed += named(scene, f"story of seed {seed}", story)
    return killed


def named(scene, what, run):
    """Says at which point something was wrong, and keeps that world for a look."""
    try:
        return run()
    except Exception as wrong:
        kept = scene.keep()
        raise Wrong(f"{scene.kind}: {what}: {wrong}\nthe world as it was then: {kept}") from wrong


# Kills before and after steps, kills at any instruction, stories with many: the quick size and the full one. "hands" is the
# other story, in a directory.
SIZES = {"hands": ((16, 4, 1), (1_000_000, 60, 4)), "dir": ((30, 12, 1), (1_000_000, 240, 16)), "git": ((30, 12, 1), (900, 240, 16)),
         "http": ((4, 2, 0), (300, 60, 4)), "s3": ((4, 2, 0), (300, 60, 4))}


def work(context, kind, share):
    """One worker's part of it all: the counts."""
    quick, full = SIZES[kind]
    most, any_instruction, stories = context.size(quick, full)
    rng = random.Random(f"{context.seed} {kind}")  # all workers draw the same points, and take turns
    own = random.Random(f"{context.seed} {kind} {share}")
    story = HANDS if kind == "hands" else GATE
    with context.scene("dir" if kind == "hands" else kind, story=story) as scene:
        undisturbed = Undisturbed(scene)
        return {"at steps": kill_at_steps(scene, undisturbed, most, share, rng),
                "at any instruction": kill_at_any_instruction(scene, undisturbed, any_instruction // share[1], own),
                "again and again": kill_again_and_again(scene, undisturbed, -(-stories // share[1]), own)}


def say(kind, counts):
    total = sum(counts.values())
    parts = ", ".join(f"{count:,} {how}" for how, count in counts.items())
    print(f"{total:,} kills on {kind} ({parts}): each run again, the same end, nothing done twice")
    return total
