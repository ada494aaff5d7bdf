#!/usr/bin/env python3
"""A real git server on loopback: bridges HTTP to `git http-backend` (CGI), behind basic auth.

usage: git_http_server.py ROOT TOKEN
Serves the repositories below ROOT. The password must be TOKEN (any user name). Prints its port on stdout, and ends when
its stdin closes. Commands on stdin, one a line, each answered by "ok" on stdout, let a test break it:
  hang           accept requests and never answer
  drop-push      take a push whole, do nothing with it, close the connection
  vanish         take a push, close the connection, and close every later one as well
  forget-answer  perform a push, close the connection instead of answering
  before-push PATH   run the program PATH before each push is handed to git (a rival writer)
  work           back to normal
"""
import base64
import http.server
import os
import subprocess
import sys
import threading

root, token = os.path.abspath(sys.argv[1]), sys.argv[2]
mode = {"name": "work", "argument": ""}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.bridge(b"")

    def do_POST(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.bridge(body)

    def authorized(self):
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        try:
            return kind.lower() == "basic" and base64.b64decode(value).decode().partition(":")[2] == token
        except ValueError:
            return False

    def drop(self):
        self.close_connection = True

    def bridge(self, body):
        path, _, query = self.path.partition("?")
        pushing = path.endswith("/git-receive-pack") and self.command == "POST"
        if mode["name"] == "vanished":
            return self.drop()
        if pushing and mode["name"] == "vanish":
            mode["name"] = "vanished"
            return self.drop()
        if mode["name"] == "hang":
            threading.Event().wait(60)
            return self.drop()
        if not self.authorized():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if pushing and mode["name"] == "drop-push":
            return self.drop()
        if pushing and mode["name"] == "before-push":
            subprocess.run([mode["argument"]], check=True, stdout=subprocess.DEVNULL)
        environment = {
            "PATH": os.environ["PATH"], "HOME": root, "GIT_CONFIG_NOSYSTEM": "1", "GIT_PROJECT_ROOT": root,
            "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": "tester", "REMOTE_ADDR": "127.0.0.1",
            "REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "SERVER_PROTOCOL": "HTTP/1.1",
        }
        answer = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True).stdout
        if pushing and mode["name"] == "forget-answer":
            return self.drop()
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = [line.partition(": ")[::2] for line in head.decode().split("\r\n") if line]
        status = next((value for name, value in headers if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
for line in sys.stdin:
    name, _, argument = line.strip().partition(" ")
    mode.update(name=name, argument=argument)
    print("ok", flush=True)
os._exit(0)
