# Reports this app's sessions and crashes to `tranche serve`. Counters are cumulative since the start, so a report that
# is lost or repeated changes nothing. The server computes the arm itself: an app need not know about rollouts.
import json, os, threading, urllib.request, uuid


class Telemetry:
    """device: an id that stays the same on this machine, 1 to 128 printable ASCII characters. version: what runs."""

    def __init__(self, device, version, labels=None, url="@URL@", channel="stable"):
        self._url = url + "/v1/checkin"
        self._body = {"device": device, "app": "@APP@", "channel": channel, "version": version,
                      "labels": labels or {}, "boot": uuid.uuid4().hex}
        self._lock = threading.Lock()
        self._seq = self._sessions = self._crashes = 0
        self._signals = {}

    def session(self):  # the app was started, or a document opened: what a crash is counted against
        with self._lock:
            self._sessions += 1

    def crash(self):  # found at the next start, or from a handler of uncaught exceptions
        with self._lock:
            self._crashes += 1

    def signal(self, name):  # anything else that a gate asks for, as signal:NAME
        with self._lock:
            self._signals[name] = self._signals.get(name, 0) + 1

    def report(self):  # at the start, every ten minutes, and at the end; never raises
        with self._lock:
            self._seq += 1
            body = dict(self._body, seq=self._seq, sessions=self._sessions, crashes=self._crashes,
                        signals=dict(self._signals))
        request = urllib.request.Request(self._url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10):
                return True
        except OSError:
            return False  # the next report makes up for it
