"""The state lies elsewhere, and the way there fails: refused, dropped, forgotten, cut, slow, expired, overtaken.

A server fails from its n-th request on, for one request or for good. The run says so, or tries again by itself; and when
the server works again the same line ends where it would have. Before that, devices read whole feeds all the time.
"""
import random

from kills import Undisturbed, named, run_again, tell_the_rest
from scene import ROLLBACK, STORY, check

CODES = {1, 7, 9}  # failed; a token that is not accepted is denied; somebody else was first

S3 = [("500", "fail 500 InternalError {n} *"), ("503", "fail 503 SlowDown {n} *"), ("dropped", "drop {n} *"),
      ("performed, but not answered", "forget {n} *"), ("half an answer", "cut {n} *"), ("slow", "slow {n} * 300"),
      ("an expired token", "fail 403 ExpiredToken {n} *")]
GIT = [("a push dropped", "drop-push"), ("a push performed, but not answered", "forget-answer"),
       ("gone in a push, and after it", "vanish"), ("somebody else pushes first", "before-push {rival}"),
       ("a hook that refuses", None), ("an expired token", None)]


def requests_of(scene, line):
    """How many requests a line of the story takes."""
    scene.load(line)
    scene.peer.command("requests")
    scene.run(STORY[line][1], STORY[line][0])
    return int(scene.peer.command("requests"))


def goes_on(scene, undisturbed, line, first, to_the_end):
    hours, words = STORY[line]
    failed = first.code != undisturbed.codes[line]
    check(first.code in CODES or not failed, f"it ends in another way: {first}")
    check(not failed or "hint: " in first.err, f"no hint: {first}")
    seen = scene.run(["feed", "check", "--quiet"], hours)
    check(seen.code == 0, f"then, feed check: {seen}")
    code = run_again(scene, undisturbed, line)
    undisturbed.compare(scene, line, code, line == ROLLBACK, may_fail=True)
    if to_the_end:
        tell_the_rest(scene, undisturbed, line, line == ROLLBACK)
    return failed


def s3_fault(scene, undisturbed, line, name, command, skip, count, to_the_end):
    scene.load(line)
    scene.peer.command(f"skip {skip}")
    scene.peer.command(command.format(n=count))
    first = scene.run(STORY[line][1], STORY[line][0])
    scene.peer.command("work")
    return goes_on(scene, undisturbed, line, first, to_the_end)


def git_fault(scene, undisturbed, line, name, command, to_the_end):
    scene.load(line)
    origin = scene.world / "origin.git"
    hook, token = origin / "hooks/pre-receive", scene.environment["TRANCHE_GIT_TOKEN"]
    try:
        if name == "a hook that refuses":
            hook.parent.mkdir(exist_ok=True)
            hook.write_text("#!/bin/sh\necho not today\nexit 1\n")
            hook.chmod(0o755)
        elif name == "an expired token":
            scene.environment["TRANCHE_GIT_TOKEN"] = "expired"
        else:
            rival = scene.top / "rival"
            rival.write_text(f"#!/bin/sh\nexec 9>'{scene.top}/rival.lock'\nflock -n 9 || exit 0\n"
                             f"[ -e '{scene.top}/rival.once' ] && exit 0\ntouch '{scene.top}/rival.once'\n"
                             f"cd '{origin}' && tip=$(git rev-parse -q --verify tranche-state) && "
                             "commit=$(git -c user.name=r -c user.email=r@localhost commit-tree -p $tip -m rival $tip^{tree}) && "
                             "git update-ref refs/heads/tranche-state $commit $tip\nexit 0\n")
            rival.chmod(0o755)
            (scene.top / "rival.once").unlink(missing_ok=True)
            scene.peer.command(command.format(rival=rival))
        first = scene.run(STORY[line][1], STORY[line][0])
    finally:
        scene.peer.command("work")
        scene.environment["TRANCHE_GIT_TOKEN"] = token
        hook.unlink(missing_ok=True)
    return goes_on(scene, undisturbed, line, first, to_the_end)


def work(context, kind, share):
    rng = random.Random(f"{context.seed} {kind} remote")
    counts = {"failed and said so": 0, "managed by itself": 0}
    with context.scene(kind) as scene:
        undisturbed = Undisturbed(scene)
        cases = []
        for line in range(len(STORY)):
            if kind == "http":
                cases += [(f"line {line}: {name}", git_fault, (line, name, command)) for name, command in GIT]
                continue
            requests = requests_of(scene, line)
            for name, command in S3:
                for count in (1, 1000):
                    most = context.size(1, 8)
                    for skip in sorted(rng.sample(range(requests), min(most, requests))):
                        cases.append((f"line {line}: {name}, after {skip} requests, {count} times", s3_fault,
                                      (line, name, command, skip, count)))
        most = context.size(8, 1_000_000)
        cases = cases if len(cases) <= most else rng.sample(cases, most)
        for i, (what, fault, arguments) in enumerate(cases[share[0] :: share[1]]):
            failed = named(scene, what, lambda: fault(scene, undisturbed, *arguments, i % 4 == 0))
            counts["failed and said so" if failed else "managed by itself"] += 1
    return counts


def say(kind, counts):
    parts = ", ".join(f"{count:,} {how}" for how, count in counts.items())
    print(f"{sum(counts.values()):,} faults of the server on {kind} ({parts}): run again, the same end")
