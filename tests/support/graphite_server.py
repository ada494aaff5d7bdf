#!/usr/bin/python3
"""graphite-web itself over wsgiref, on whisper files in a private directory: no carbon, no service, no database file.

Usage: graphite_server.py DIRECTORY PORT FILE     a point a line: METRIC VALUE TIMESTAMP
All points of a metric go into a whisper file with one archive of 60 s a point; what is absent stays null.
"""
import os
import pathlib
import sys
import time
from wsgiref.simple_server import WSGIRequestHandler, make_server

root, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
try:
    import graphite  # noqa: F401
    import whisper
except ImportError:
    sys.exit("graphite-web is missing")
if sys.argv[3] == "--probe":
    sys.exit(0)
series = {}
for line in pathlib.Path(sys.argv[3]).read_text().splitlines():
    name, value, at = line.split()
    series.setdefault(name, []).append((int(at), float(value)))
for name, points in series.items():
    path = root / "whisper" / (name.replace(".", "/") + ".wsp")
    path.parent.mkdir(parents=True, exist_ok=True)
    # What is kept has to reach from now back to the oldest point.
    reach = int((time.time() - min(at for at, _ in points)) // 60) + 100
    whisper.create(str(path), [(60, reach)], xFilesFactor=0, aggregationMethod="sum")
    whisper.update_many(str(path), sorted(points, reverse=True))
(root / "log").mkdir(exist_ok=True)
(root / "tranche_graphite_settings.py").write_text(f"""
SECRET_KEY = "loopback"
LOG_DIR = {str(root / "log")!r}
STORAGE_DIR = CONF_DIR = {str(root)!r}
WHISPER_DIR = {str(root / "whisper")!r}
INDEX_FILE = {str(root / "index")!r}
STANDARD_DIRS = [WHISPER_DIR]
TIME_ZONE = "UTC"
LOG_ROTATION = False
DATABASES = {{"default": {{"NAME": ":memory:", "ENGINE": "django.db.backends.sqlite3"}}}}
FUNCTION_PLUGINS = []
""")
sys.path.insert(0, str(root))
os.environ["DJANGO_SETTINGS_MODULE"] = "graphite.settings"
os.environ["GRAPHITE_SETTINGS_MODULE"] = "tranche_graphite_settings"
from django.core.wsgi import get_wsgi_application  # noqa: E402


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


make_server("127.0.0.1", port, get_wsgi_application(), handler_class=Quiet).serve_forever()
