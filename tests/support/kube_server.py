#!/usr/bin/env python3
"""A loopback API server of Kubernetes, as far as Argo Rollouts' clients need one, with a small Rollout controller.

usage: kube_server.py TOKEN [TLS_DIRECTORY]
Stores objects by their path. Applies merge patches (RFC 7386) and JSON patches (RFC 6902) by their content type, refuses
others with 415; a PUT with another resourceVersion is a 409, a failed `test` a 422; a PATCH of the main resource leaves
`status` alone and one of /status the rest, as a resource with a status subresource does. TOKEN is wanted as bearer
(empty: none). With TLS_DIRECTORY it speaks TLS by certificates of its own making there (ca.pem, client.pem, client.key),
and a client certificate of that authority stands for the token. Prints its port, ends when stdin closes.
Commands on stdin, each answered by one line:
  put PATH JSON      store an object            get PATH           its JSON, or null
  log                all requests, as JSON, and forgets them
  subresource off    /status answers 404        conflict N         somebody changes the object before each of the next N PUTs
  answer N STATUS    the next N requests answer that status and do nothing
  controller on      Rollout objects come to rest at once, as the controller of Argo would have them
  break PATH         its new pods never become ready
"""
import copy
import hashlib
import http.server
import json
import os
import socketserver
import ssl
import subprocess
import sys
import threading

token = sys.argv[1]
tls = sys.argv[2] if len(sys.argv) > 2 else None
lock = threading.RLock()
objects, requests = {}, []
state = {"subresource": True, "conflict": 0, "answer": [0, 0], "controller": False, "version": 100, "broken": set()}


def merge(target, patch):
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge(out.get(key), value)
    return out


class Refused(Exception):
    pass


def pointer(path):
    if path == "":
        return []
    if not path.startswith("/"):
        raise Refused("a pointer begins with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def step(holder, part):
    if isinstance(holder, list):
        if not part.isdigit() or int(part) >= len(holder):
            raise Refused("no element " + part)
        return holder[int(part)]
    if not isinstance(holder, dict) or part not in holder:
        raise Refused("no member " + part)
    return holder[part]


def apply_json_patch(document, operations):
    document = copy.deepcopy(document)
    for operation in operations:
        parts = pointer(operation["path"])
        holder = document
        for part in parts[:-1]:
            holder = step(holder, part)
        last = parts[-1]
        kind = operation["op"]
        if kind == "test":
            if step(holder, last) != operation["value"]:
                raise Refused("test failed at " + operation["path"])
        elif kind == "replace":
            step(holder, last)
            holder[int(last) if isinstance(holder, list) else last] = copy.deepcopy(operation["value"])
        elif kind == "add":
            if isinstance(holder, list):
                holder.insert(len(holder) if last == "-" else int(last), copy.deepcopy(operation["value"]))
            elif isinstance(holder, dict):
                holder[last] = copy.deepcopy(operation["value"])
            else:
                raise Refused("cannot add to " + operation["path"])
        elif kind == "remove":
            step(holder, last)
            del holder[int(last) if isinstance(holder, list) else last]
        else:
            raise Refused("no operation " + kind)
    return document


def stamp(thing):
    state["version"] += 1
    thing.setdefault("metadata", {})["resourceVersion"] = str(state["version"])


def template_of(path, rollout):
    reference = rollout["spec"].get("workloadRef")
    if reference is None:
        return rollout["spec"].get("template", {})
    space = path.split("/namespaces/")[1].split("/")[0]
    deployment = objects.get(f"/apis/apps/v1/namespaces/{space}/deployments/{reference['name']}")
    return deployment["spec"]["template"] if deployment else {}


def reconcile():
    for path, rollout in list(objects.items()):
        if "/rollouts/" in path and rollout.get("kind") == "Rollout":
            reconcile_one(path, rollout)


def reconcile_one(path, rollout):
    before = copy.deepcopy(rollout)
    template = template_of(path, rollout)
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
    status = rollout.setdefault("status", {})
    canary = rollout["spec"].get("strategy", {}).get("canary", {})
    steps = canary.get("steps", [])
    space = path.split("/namespaces/")[1].split("/")[0]
    if status.get("currentPodHash") != digest:
        status.update(currentPodHash=digest, currentStepIndex=0, abort=False, promoteFull=False, controllerPause=False)
        status.pop("pauseConditions", None)
        number = int(rollout["metadata"].setdefault("annotations", {}).get("rollout.argoproj.io/revision", "0")) + 1
        rollout["metadata"]["annotations"]["rollout.argoproj.io/revision"] = str(number)
        labelled = copy.deepcopy(template)
        labelled.setdefault("metadata", {}).setdefault("labels", {})["rollouts-pod-template-hash"] = digest
        set_path = f"/apis/apps/v1/namespaces/{space}/replicasets/{rollout['metadata']['name']}-{digest}"
        objects[set_path] = {
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": f"{rollout['metadata']['name']}-{digest}", "namespace": space,
                         "labels": dict(labelled["metadata"]["labels"]),
                         "annotations": {"rollout.argoproj.io/revision": str(number)},
                         "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "controller": True,
                                              "name": rollout["metadata"]["name"], "uid": rollout["metadata"].get("uid", "")}]},
            "spec": {"template": labelled}}
        stamp(objects[set_path])
    if "stableRS" not in status or status["stableRS"] == digest:
        status.update(stableRS=digest, currentStepIndex=len(steps), phase="Healthy", message="")
    elif status.get("abort"):
        status.update(phase="Degraded", message="RolloutAborted: Rollout aborted update", currentStepIndex=0)
        status.pop("pauseConditions", None)
        status["controllerPause"] = False
    elif path in state["broken"]:
        status.update(phase="Progressing", message="waiting for the pods")
    elif rollout["spec"].get("paused"):
        status.update(phase="Paused", message="manually paused")
    elif status.get("promoteFull"):
        status.update(stableRS=digest, currentStepIndex=len(steps), phase="Healthy", message="", promoteFull=False)
        status.pop("pauseConditions", None)
        status["controllerPause"] = False
    else:
        walk_steps(status, steps, digest)
    if rollout != before:
        stamp(rollout)


def walk_steps(status, steps, digest):
    while status["currentStepIndex"] < len(steps):
        if "pause" in steps[status["currentStepIndex"]]:
            if not status.get("controllerPause"):
                status["controllerPause"] = True
                status["pauseConditions"] = [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"}]
            if status.get("pauseConditions"):
                status.update(phase="Paused", message="CanaryPauseStep")
                return
            status["controllerPause"] = False
        status["currentStepIndex"] += 1
    status.update(stableRS=digest, phase="Healthy", message="")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = lambda self: self.take()

    def log_message(self, *_):
        pass

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, reason, message):
        self.answer(status, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
                             "reason": reason, "code": status})

    def who(self):
        certificate = self.connection.getpeercert() if tls else None
        if certificate:
            return dict(pair for part in certificate["subject"] for pair in part).get("commonName")
        if token == "" or self.headers.get("Authorization") == "Bearer " + token:
            return "bearer"
        return None

    def take(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path, _, query = self.path.partition("?")
        with lock:
            requests.append({"method": self.command, "path": self.path, "type": self.headers.get("Content-Type", ""),
                             "body": body.decode(), "who": self.who() or ""})
            if state["answer"][0] > 0:
                state["answer"][0] -= 1
                return self.refuse(state["answer"][1], "InternalError", "told to")
            if self.who() is None:
                return self.refuse(401, "Unauthorized", "Unauthorized")
            if path == "/version":
                return self.answer(200, {"major": "1", "minor": "31", "who": self.who()})
            self.serve(path, query, body)
            if state["controller"] and self.command != "GET":
                reconcile()

    def serve(self, path, query, body):
        of_status = path.endswith("/status")
        main = path[: -len("/status")] if of_status else path
        if self.command == "GET" and path.endswith("/replicasets"):
            items = [value for key, value in sorted(objects.items()) if key.startswith(path + "/")]
            return self.answer(200, {"kind": "ReplicaSetList", "apiVersion": "apps/v1", "metadata": {}, "items": items})
        stored = objects.get(main)
        if stored is None or (of_status and not state["subresource"]):
            return self.refuse(404, "NotFound", f"{path} not found")
        if self.command == "GET":
            return self.answer(200, stored)
        if self.command == "PUT":
            return self.replace(main, stored, json.loads(body))
        if self.command == "PATCH":
            return self.patch(main, stored, of_status, body)
        self.refuse(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

    def replace(self, main, stored, given):
        if state["conflict"] > 0:
            state["conflict"] -= 1
            stamp(stored)
        if given.get("metadata", {}).get("resourceVersion") != stored["metadata"]["resourceVersion"]:
            return self.refuse(409, "Conflict", "the object has been modified; please apply your changes to the latest version")
        if state["subresource"] and "status" in stored:
            given["status"] = stored["status"]
        objects[main] = given
        stamp(given)
        self.answer(200, given)

    def patch(self, main, stored, of_status, body):
        kind = self.headers.get("Content-Type", "")
        if kind == "application/merge-patch+json":
            patch = json.loads(body)
            wanted = patch.get("metadata", {}).get("resourceVersion")
            if wanted is not None and wanted != stored["metadata"]["resourceVersion"]:
                return self.refuse(409, "Conflict", "the object has been modified")
            result = merge(stored, patch)
        elif kind == "application/json-patch+json":
            try:
                result = apply_json_patch(stored, json.loads(body))
            except Refused as refused:
                return self.refuse(422, "Invalid", "the server rejected our request due to an error in our request: "
                                   + str(refused))
        else:
            return self.refuse(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {kind}")
        if state["subresource"]:
            if of_status:
                result = {**stored, "status": result.get("status", {})}
            elif "status" in stored:
                result["status"] = stored["status"]
            else:
                result.pop("status", None)
        if result != stored:
            objects[main] = result
            stamp(result)
        self.answer(200, objects[main])


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that does not believe our certificate goes away


def make_certificates(directory):
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for name in ("ca", "other"):
        openssl("req", "-x509", *key, "-keyout", name + ".key", "-out", name + ".pem", "-days", "2", "-subj", "/CN=" + name,
                "-addext", "keyUsage=critical,keyCertSign")
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth"),
                            ("client", "extendedKeyUsage=clientAuth")):
        openssl("req", *key, "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
        with open(os.path.join(directory, name + ".ext"), "w", encoding="utf-8") as file:
            file.write(extension + "\n")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-out", name + ".pem", "-extfile", name + ".ext")


def command(line):
    word, _, rest = line.partition(" ")
    if word == "put":
        path, _, text = rest.partition(" ")
        objects[path] = json.loads(text)
        stamp(objects[path])
        if state["controller"]:
            reconcile()
    elif word == "get":
        return json.dumps(objects.get(rest))
    elif word == "log":
        out = json.dumps(requests)
        requests.clear()
        return out
    elif word == "subresource":
        state["subresource"] = rest == "on"
    elif word == "conflict":
        state["conflict"] = int(rest)
    elif word == "answer":
        count, _, status = rest.partition(" ")
        state["answer"] = [int(count), int(status)]
    elif word == "controller":
        state["controller"] = rest == "on"
        reconcile()
    elif word == "break":
        state["broken"].add(rest)
    else:
        return "no such command"
    return "ok"


server = Server(("127.0.0.1", 0), Handler)
if tls:
    make_certificates(tls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(tls, "server.pem"), os.path.join(tls, "server.key"))
    context.load_verify_locations(os.path.join(tls, "ca.pem"))
    context.verify_mode = ssl.CERT_OPTIONAL
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
for text in sys.stdin:
    with lock:
        reply = command(text.rstrip("\n"))
    print(reply, flush=True)
