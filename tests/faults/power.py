"""The power is cut: what was not flushed is lost, torn, or there without its name.

The shim logs every step of a run that is killed at one of them. From the log and the world before it a disk is made as a
file system may leave it (POSIX promises no more than this): of each directory only a beginning of what was not flushed
survives, and of each file that was not flushed nothing, a part, zeros, or all. Then the story goes on from that disk.
"""
import os
import pathlib
import random
import shutil
import struct

from kills import Undisturbed, named, points, run_again, tell_the_rest
from scene import ROLLBACK, STORY, check

DIRECTORY = object()


class File:
    def __init__(self, data, flushed, mode=0o644):
        self.data, self.flushed, self.mode = data, flushed, mode  # flushed: bytes, or None

    def after_the_cut(self, how, rng):
        if self.flushed == self.data:
            return self.data
        if how == "strict":
            return self.flushed or b""
        if self.flushed is not None and len(self.flushed) == len(self.data):
            return self.sectors(rng)
        if how == "names":
            return bytes(len(self.data)) if rng.random() < 0.5 else b""
        torn = self.data[: rng.randrange(len(self.data) + 1)]
        return rng.choice([self.flushed or b"", self.data, torn, torn + bytes(len(self.data) - len(torn))])

    def sectors(self, rng):
        """Written in place: each sector is its old self or its new one; no other place changes."""
        size = 512
        return b"".join(rng.choice((self.flushed, self.data))[at : at + size] for at in range(0, len(self.data), size))


class Disk:
    """A file tree with what of it is durable."""

    def __init__(self, root):
        self.root = str(root)
        self.now, self.pending = {}, {}  # path → File or DIRECTORY; directory → [{path: File, DIRECTORY or None}]
        self.durable = {}
        for directory, names, files in os.walk(root):
            self.now[directory] = DIRECTORY
            for name in files:
                path = f"{directory}/{name}"
                data = pathlib.Path(path).read_bytes()
                self.now[path] = File(data, data, os.stat(path).st_mode & 0o777)
        self.durable = dict(self.now)

    def change(self, changes):
        """One change of a directory: all of it survives, or nothing."""
        for path, value in changes.items():
            if value is None:
                self.now.pop(path, None)
            else:
                self.now[path] = value
        self.pending.setdefault(os.path.dirname(next(iter(changes))), []).append(changes)

    def apply(self, directory, count=None):
        waiting = self.pending.get(directory, [])
        count = len(waiting) if count is None else count
        for changes in waiting[:count]:
            for path, value in changes.items():
                if value is None:
                    self.durable.pop(path, None)
                else:
                    self.durable[path] = value
        self.pending[directory] = waiting[count:]

    def replay(self, log):
        at, steps = 0, 0
        while at < len(log):
            end = log.index(b"\n", at)
            kind, length, more = log[at:end].split()
            kind, length, more = kind.decode(), int(length), int(more)
            path = os.path.normpath(log[end + 1 : end + 1 + length].decode())
            rest = log[end + 1 + length : end + 1 + length + more]
            at = end + 1 + length + more
            steps += 1
            if not path.startswith(self.root + "/"):
                continue
            self.step(kind, path, rest)
        return steps

    def step(self, kind, path, rest):
        if kind == "c":
            if path in self.now:
                self.now[path].data = b""
            else:
                self.change({path: File(b"", None)})
        elif kind == "w":
            offset = struct.unpack("<q", rest[:8])[0]
            file, bytes_ = self.now[path], rest[8:]
            file.data = file.data[:offset].ljust(offset, b"\0") + bytes_ + file.data[offset + len(bytes_) :]
        elif kind == "f":
            self.now[path].data = self.now[path].flushed = rest
        elif kind == "d":
            self.apply(path)
        elif kind == "m":
            self.change({path: DIRECTORY})
        elif kind == "u":
            self.change({path: None})
        elif kind in "rl":
            to, file = os.path.normpath(rest.decode()), self.now[path]
            if kind == "l" or os.path.dirname(to) == os.path.dirname(path):
                self.change({to: file} | ({path: None} if kind == "r" else {}))
            else:
                self.change({to: file})
                self.change({path: None})

    def cut(self, how, rng):
        for directory in sorted(self.pending):
            waiting = len(self.pending[directory])
            self.apply(directory, {"strict": 0, "names": waiting}.get(how, rng.randrange(waiting + 1)))

    def write(self, how, rng):
        """Makes the tree below root what is durable."""
        shutil.rmtree(self.root)
        os.mkdir(self.root)
        for path in sorted(self.durable):
            value = self.durable[path]
            if path == self.root or not os.path.isdir(os.path.dirname(path)):
                continue  # its directory's own name was lost
            if value is DIRECTORY:
                os.mkdir(path)
            else:
                with open(path, "wb") as out:
                    out.write(value.after_the_cut(how, rng))
                os.chmod(path, value.mode)


def one_cut(scene, undisturbed, line, step, how, rng, to_the_end):
    """Whether the run was cut off."""
    hours, words = STORY[line]
    scene.load(line)
    disk = Disk(scene.world)
    log = scene.top / "log"
    log.unlink(missing_ok=True)
    first = scene.run(words, hours, before=step, log=log)
    if not first.killed:
        return False
    disk.replay(log.read_bytes() if log.exists() else b"")
    disk.cut(how, rng)
    disk.write(how, rng)
    for look in (["feed", "check", "--quiet"], ["journal", "verify", "--quiet"]):
        seen = scene.run(look, hours)
        check(seen.code == 0, f"after the cut, {' '.join(look)}: {seen}")
    code = run_again(scene, undisturbed, line)
    cut_short = line == ROLLBACK
    undisturbed.compare(scene, line, code, cut_short)
    if to_the_end:
        tell_the_rest(scene, undisturbed, line, cut_short)
    return True


def check_the_model(scene, undisturbed):
    """The log tells the whole truth: replayed to its end, and nothing lost, the disk is the one that is there."""
    for line, (hours, words) in enumerate(STORY):
        scene.load(line)
        disk = Disk(scene.world)
        log = scene.top / "log"
        log.unlink(missing_ok=True)
        scene.run(words, hours, log=log)
        disk.replay(log.read_bytes() if log.exists() else b"")
        there = {p: v.data for p, v in Disk(scene.world).now.items() if v is not DIRECTORY}
        told = {p: v.data for p, v in disk.now.items() if v is not DIRECTORY}
        differ = [p for p in there.keys() | told.keys() if there.get(p) != told.get(p)]
        check(not differ, f"line {line}: the shim's log does not know of {differ[:3]}")


def work(context, kind, share):
    most = context.size(20, 1_000_000 if kind == "dir" else 600)
    rng = random.Random(f"{context.seed} {kind} power")
    own = random.Random(f"{context.seed} {kind} power {share}")
    counts = {"strict": 0, "names": 0, "random": 0}
    with context.scene(kind) as scene:
        undisturbed = Undisturbed(scene)
        check_the_model(scene, undisturbed)
        chosen = [(line, faults["before"]) for line, faults in points(undisturbed, 2 * most, rng) if "before" in faults]
        for i, (line, step) in enumerate(chosen[share[0] :: share[1]]):
            how = ["strict", "random", "names", "random"][i % 4]
            counts[how] += named(scene, f"line {line}, power cut before step {step} ({how})",
                                 lambda: one_cut(scene, undisturbed, line, step, how, own, i % 4 == 0))
    return counts


def say(kind, counts):
    parts = ", ".join(f"{count:,} {how}" for how, count in counts.items())
    print(f"{sum(counts.values()):,} power cuts on {kind} ({parts}): whole for readers, run again, the same end")
