"""Bytes of the state change: a bit, the end torn off, emptied, removed, brought back from earlier.

Each is refused with exit 6, or made again by the run, or makes no difference: the file was of no use. After a refusal the
right bytes put the story back on its way. What devices read is theirs to check: where the tick does not mend it, `feed
check` must say it. Where the state lives on a git server, this machine's copy of it is broken instead: it is fetched anew,
whatever it was.
"""
import pathlib
import random

from kills import Undisturbed, named, run_again
from scene import ROLLBACK, STORY, Done, check

LINE = ROLLBACK  # the tick that reads and writes most


def files_of(scene):
    """Paths below the world whose bytes are state or channel, by what they are."""
    roots = {"state": scene.repo / "state", "channel": scene.repo / "public", "memory": scene.home / ".local"}
    if scene.kind == "http":
        roots = {"copy": scene.home / ".cache"}
    if scene.kind == "git":  # what the newest commits are made of; older objects nobody reads
        roots = {"memory": scene.home / ".local"}
        origin = scene.world / "origin.git"
        seen = set()
        for what, branch in (("channel", "channel"), ("state", "tranche-state")):  # some are of both
            objects = scene.git("rev-list", "--objects", "--no-walk", branch, cwd=origin).split("\n")
            for name in sorted({f"objects/{line[:2]}/{line[2:40]}" for line in objects if line} - seen):
                seen.add(name)
                if (origin / name).is_file():
                    yield what, f"origin.git/{name}"
            yield what, f"origin.git/refs/heads/{branch}"
    for what, root in roots.items():
        for path in sorted(root.rglob("*")):
            name = path.relative_to(scene.world).as_posix()
            noise = any(part in name for part in ("/hooks/", "/info/", "/description", "lock", "/logs/"))
            noise = noise or (what != "copy" and name.endswith(("/config", "/HEAD")))
            if path.is_file() and not noise and path.stat().st_size > 0:
                yield what, name


def bit(data, _, rng):
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


HARM = {"one bit": bit, "torn": lambda data, _, rng: data[: rng.randrange(len(data))], "emptied": lambda *_: b"",
        "removed": lambda *_: None, "from earlier": lambda data, earlier, rng: earlier}


def failed_steps(scene, hours):
    """A step of the playbook that could not do its part says so; the run goes on, as a rollback has to."""
    steps = (scene.status(hours).get("playbook") or {}).get("steps", [])
    return [step["step"] for step in steps if step["status"] == "failed"]


def one_flip(scene, undisturbed, what, name, how, rng):
    """"refused", "made again", "no difference", or "" when there is nothing to change."""
    scene.load(LINE)
    hours, words = STORY[LINE]
    path = scene.world / name
    good = path.read_bytes()
    before = scene.saves / "4" / name
    bad = HARM[how](good, before.read_bytes() if before.exists() else None, rng)
    if bad == good or (how == "from earlier" and bad is None):
        return ""
    path.chmod(0o644)
    if bad is None:
        path.unlink()
    else:
        path.write_bytes(bad)
    done = scene.run(words, hours)
    check(done.code != 70 and done.code >= 0, f"it breaks: {done}")
    if done.code == undisturbed.codes[LINE]:
        # No difference: then there is none, to the end; and the channel's files are whole, or feed check says which not.
        failed = failed_steps(scene, hours)
        checked = Done(0, "", "") if what != "channel" else scene.run(["feed", "check", "--quiet"], hours)
        if checked.code == 0 and not failed:
            undisturbed.compare(scene, LINE, done.code, False)
            left = path.read_bytes() if path.exists() else None
            return "no difference" if left == bad else "made again"
        check(checked.code == 6 or failed, f"feed check: {checked}")
    else:
        check((done.code == 6 and what != "copy") or what == "channel", f"neither refused nor without a difference: {done}")
        check("hint: " in done.err, f"no hint: {done}")
    if what == "channel" or not path.exists() or path.read_bytes() == (bad or b""):
        path.write_bytes(good)
    code = run_again(scene, undisturbed, LINE)
    undisturbed.compare(scene, LINE, code, False, may_fail=True)
    return "refused"


def some_of_each(cases, most, rng):
    """As many of the state as of the channel and of the memory, while there are."""
    rng.shuffle(cases)
    rank = {}
    for i, (what, _, _) in enumerate(cases):
        rank.setdefault(what, []).append(i)
    turns = sorted((turn, i) for places in rank.values() for turn, i in enumerate(places))
    return [cases[i] for _, i in turns[:most]]


def work(context, kind, share):
    rng = random.Random(f"{context.seed} {kind} flips")
    counts = {}
    with context.scene(kind) as scene:
        undisturbed = Undisturbed(scene)
        scene.load(LINE)
        cases = [(what, name, how) for what, name in files_of(scene) for how in HARM]
        most = context.size(12, 150) if kind == "http" else context.size(24, 600)
        cases = cases if len(cases) <= most else some_of_each(cases, most, rng)
        for what, name, how in cases[share[0] :: share[1]]:
            found = named(scene, f"{name}: {how}", lambda: one_flip(scene, undisturbed, what, name, how, rng))
            if found:
                counts[found] = counts.get(found, 0) + 1
    return counts


def say(kind, counts):
    print(f"{sum(counts.values()):,} changed files on {kind}: {counts.get('refused', 0):,} refused, "
          f"{counts.get('made again', 0):,} made again, {counts.get('no difference', 0):,} made no difference, none was believed")
