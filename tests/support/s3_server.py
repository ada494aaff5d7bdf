#!/usr/bin/env python3
"""A loopback S3 of ours, in memory: not Amazon's, and cross-checked with the real aws client (tests/clients/s3_story).

usage: s3_server.py ACCESS_KEY SECRET_KEY REGION
Really enforced: SigV4 in the Authorization header (the request is put together again from its decoded parts and signed
by botocore), the payload's digest, the clock within 15 minutes, If-Match and If-None-Match on PUT, checksums and sizes
of parts. Buckets by path, or as BUCKET.localhost. Prints its port, ends when its stdin closes. Commands on stdin, one a
line, each answered by a line:
  bucket NAME                     make it
  fail STATUS CODE COUNT METHOD   the next COUNT requests of METHOD (* any) are answered so, and not performed
  drop COUNT METHOD               ... get no answer and are not performed
  forget COUNT METHOD             ... are performed and get no answer
  cut COUNT METHOD                ... are answered with half of their body
  slow COUNT METHOD MS            ... are answered after so many milliseconds
  skip N                          the fault that is named next begins after N more requests
  rival KEY CONTENT               before the next PUT of KEY somebody else writes CONTENT there
  vanish COUNT                    after COUNT more requests that carry content every connection is closed
  conditions yes|no               whether conditions on writes are honoured
  clock SECONDS                   this server's clock is so much ahead
  uploads                         the number of unfinished uploads
  age SECONDS                     all unfinished uploads were begun so much earlier
  received                        bytes of content received since the last question
  requests                        requests since the last question
  header KEY NAME                 a header of an object of any bucket
  sha256 KEY                      the digest of an object of any bucket
  content KEY                     an object of any bucket in base64, or absent
  save NAME, load NAME            all that is stored now is kept under NAME; is brought back
  work                            no faults any more
"""
import base64
import datetime
import email.utils
import hashlib
import http.server
import os
import sys
import threading
import time
import urllib.parse
import uuid
from xml.sax.saxutils import escape

import botocore.auth
import botocore.awsrequest
import botocore.credentials

access_key, secret_key, region = sys.argv[1:4]
lock = threading.RLock()
buckets, uploads = {}, {}
counts = {"received": 0, "requests": 0}
state = {"faults": [], "rivals": {}, "vanish": None, "conditions": True, "clock": 0, "skip": 0}
saved = {}
signer = botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(access_key, secret_key), "s3", region)


def now():
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=state["clock"])


def quote(text):
    return urllib.parse.quote(text, safe="-_.~")


class Refused(Exception):
    def __init__(self, status, code, message="", headers=None):
        super().__init__(code)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


class Object:
    def __init__(self, content, headers, etag=None):
        self.content, self.headers = content, headers
        self.etag = etag or '"' + hashlib.md5(content).hexdigest() + '"'
        self.time = now()


def kept_headers(headers):
    kept = {k.lower(): v for k, v in headers.items()
            if k.lower() in ("cache-control", "content-type") or k.lower().startswith("x-amz-meta-")}
    kept.setdefault("content-type", "binary/octet-stream")
    return kept


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return email.utils.format_datetime(now(), usegmt=True)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        raw_path, _, raw_query = self.path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(raw_query, keep_blank_values=True)) if "+" not in raw_query else {}
        fault = None
        with lock:
            counts["requests"] += 1
            if state["vanish"] is not None and body:
                state["vanish"] -= 1
            if state["vanish"] is not None and state["vanish"] < 0:
                return self.drop()
            for candidate in state["faults"]:
                if candidate["skip"] > 0:
                    candidate["skip"] -= 1
                elif candidate["count"] > 0 and candidate["method"] in ("*", self.command):
                    candidate["count"] -= 1
                    fault = candidate
                    break
            if fault and fault["kind"] == "drop":
                return self.drop()
            try:
                if fault and fault["kind"] == "fail":
                    raise Refused(fault["status"], fault["code"], "asked for by the test")
                self.find_target(raw_path)
                self.authorize(body)
                status, headers, content = self.perform(body)
            except Refused as refused:
                status, headers = refused.status, {"Content-Type": "application/xml", **refused.headers}
                content = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{refused.code}</Code><Message>'
                           f'{escape(refused.message)}</Message><Region>{region}</Region></Error>').encode()
        if fault and fault["kind"] == "forget":
            return self.drop()
        if fault and fault["kind"] == "slow":
            time.sleep(fault["milliseconds"] / 1000)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers and status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if fault and fault["kind"] == "cut":
            self.wfile.write(content[: len(content) // 2])
            return self.drop()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

    def drop(self):
        self.close_connection = True

    def find_target(self, raw_path):
        host = self.headers.get("Host", "").partition(":")[0]
        path = urllib.parse.unquote(raw_path)
        self.decoded_path = path
        if host.endswith(".localhost"):
            self.bucket, self.key = host[: -len(".localhost")], path[1:]
        else:
            self.bucket, _, self.key = path[1:].partition("/")

    def authorize(self, body):
        header = self.headers.get("Authorization", "")
        if not header.startswith("AWS4-HMAC-SHA256 "):
            raise Refused(403, "AccessDenied", "no signature")
        parts = dict(part.strip().split("=", 1) for part in header[17:].split(","))
        key, day, scope_region, service, last = parts["Credential"].split("/")
        if key != access_key:
            raise Refused(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist")
        if (service, last) != ("s3", "aws4_request"):
            raise Refused(400, "AuthorizationHeaderMalformed", "the scope is wrong")
        if scope_region != region:
            raise Refused(400, "AuthorizationHeaderMalformed", f"the region '{scope_region}' is wrong; expecting '{region}'",
                          {"x-amz-bucket-region": region})
        date = self.headers.get("X-Amz-Date", "")
        sent = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        if abs((now() - sent).total_seconds()) > 900 or not date.startswith(day):
            raise Refused(403, "RequestTimeTooSkewed", "the difference between the times is too large")
        claimed = self.headers.get("X-Amz-Content-SHA256")
        if claimed is None:
            raise Refused(400, "MissingSecurityHeader", "x-amz-content-sha256 is missing")
        if claimed != hashlib.sha256(body).hexdigest():
            raise Refused(400, "XAmzContentSHA256Mismatch", "the payload has another digest")
        signed = parts["SignedHeaders"].split(";")
        must = {"host"} | {n.lower() for n in self.headers if n.lower().startswith("x-amz-")}
        if not must <= set(signed) or signed != sorted(signed):
            raise Refused(403, "AccessDenied", "there were headers present which were not signed")
        path = "/".join(quote(segment) for segment in self.decoded_path.split("/"))
        query = "&".join(f"{quote(k)}={quote(v)}" for k, v in sorted(self.query.items()))
        url = f"http://{self.headers['Host']}{path}" + ("?" + query if query else "")
        request = botocore.awsrequest.AWSRequest(self.command, url, {n: self.headers[n] for n in signed})
        request.context["timestamp"] = date
        text = signer.string_to_sign(request, signer.canonical_request(request))
        if signer.signature(text, request) != parts["Signature"]:
            raise Refused(403, "SignatureDoesNotMatch", "the signature does not match")

    def perform(self, body):
        if not self.key:
            return self.perform_bucket(body)
        if self.bucket not in buckets:
            raise Refused(404, "NoSuchBucket", "The specified bucket does not exist")
        objects = buckets[self.bucket]
        if "uploads" in self.query or "uploadId" in self.query:
            return self.perform_upload(objects, body)
        if self.command == "PUT":
            rival = state["rivals"].pop(self.key, None)
            if rival is not None:
                objects[self.key] = Object(rival.encode(), kept_headers({}))
            self.check_conditions(objects.get(self.key))
            if "x-amz-copy-source" in self.headers:
                return self.copy(objects)
            counts["received"] += len(body)
            objects[self.key] = Object(body, kept_headers(self.headers))
            return 200, {"ETag": objects[self.key].etag}, b""
        if self.command == "DELETE":
            objects.pop(self.key, None)
            return 204, {}, b""
        found = objects.get(self.key)
        if found is None:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        if self.headers.get("If-Match", found.etag) != found.etag:
            raise Refused(412, "PreconditionFailed", "at least one of the pre-conditions did not hold")
        headers = {**found.headers, "ETag": found.etag, "Accept-Ranges": "bytes",
                   "Last-Modified": email.utils.format_datetime(found.time, usegmt=True)}
        content, status = found.content, 200
        if "Range" in self.headers:
            first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
            first, last = int(first), min(int(last or len(content)), len(content) - 1)
            if first >= len(content):
                raise Refused(416, "InvalidRange", "the range is not satisfiable")
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            content, status = content[first : last + 1], 206
        return status, {**headers, "Content-Length": str(len(content))}, content

    def check_conditions(self, held):
        if not state["conditions"]:
            return
        if self.headers.get("If-None-Match") == "*" and held is not None:
            raise Refused(412, "PreconditionFailed", "at least one of the pre-conditions did not hold")
        wanted = self.headers.get("If-Match")
        if wanted is not None and held is None:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        if wanted is not None and wanted != held.etag:
            raise Refused(412, "PreconditionFailed", "at least one of the pre-conditions did not hold")

    def copy(self, objects):
        bucket, _, key = urllib.parse.unquote(self.headers["x-amz-copy-source"]).lstrip("/").partition("/")
        source = buckets.get(bucket, {}).get(key)
        if source is None:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        replace = self.headers.get("x-amz-metadata-directive") == "REPLACE"
        objects[self.key] = Object(source.content, kept_headers(self.headers) if replace else source.headers)
        return 200, {"Content-Type": "application/xml"}, (
            f"<CopyObjectResult><ETag>{escape(objects[self.key].etag)}</ETag></CopyObjectResult>".encode())

    def perform_bucket(self, body):
        if self.command == "PUT":
            buckets.setdefault(self.bucket, {})
            return 200, {}, b""
        if self.bucket not in buckets:
            raise Refused(404, "NoSuchBucket", "The specified bucket does not exist")
        if "uploads" in self.query:
            listed = "".join(
                f"<Upload><Key>{escape(u['key'])}</Key><UploadId>{i}</UploadId><Initiated>"
                f"{u['begun'].strftime('%Y-%m-%dT%H:%M:%S.000Z')}</Initiated></Upload>"
                for i, u in uploads.items() if u["bucket"] == self.bucket and u["key"].startswith(self.query.get("prefix", "")))
            return 200, {}, (f"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{listed}"
                             "</ListMultipartUploadsResult>").encode()
        return self.list_objects() if self.command == "GET" else (200, {}, b"")

    def list_objects(self):
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter", "")
        most = int(self.query.get("max-keys", "1000"))
        encode = (lambda t: urllib.parse.quote(t, safe="/-_.~*")) if self.query.get("encoding-type") == "url" else escape
        after = base64.b64decode(self.query.get("continuation-token", "")).decode()
        names = sorted(k for k in buckets[self.bucket] if k.startswith(prefix) and k > after)
        folders = sorted({prefix + n[len(prefix):].partition(delimiter)[0] + delimiter for n in names
                          if delimiter and delimiter in n[len(prefix):]})
        names = [n for n in names if not (delimiter and delimiter in n[len(prefix):])]
        page = names[:most]
        out = f"<Name>{self.bucket}</Name><Prefix>{encode(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"
        if self.query.get("encoding-type"):
            out += "<EncodingType>url</EncodingType>"
        out += f"<IsTruncated>{'true' if len(names) > most else 'false'}</IsTruncated>"
        if len(names) > most:
            out += f"<NextContinuationToken>{base64.b64encode(page[-1].encode()).decode()}</NextContinuationToken>"
        for name in page:
            found = buckets[self.bucket][name]
            out += (f"<Contents><Key>{encode(name)}</Key><LastModified>{found.time.strftime('%Y-%m-%dT%H:%M:%S.000Z')}"
                    f"</LastModified><ETag>{escape(found.etag)}</ETag><Size>{len(found.content)}</Size></Contents>")
        out += "".join(f"<CommonPrefixes><Prefix>{encode(f)}</Prefix></CommonPrefixes>" for f in folders)
        return 200, {"Content-Type": "application/xml"}, (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"{out}</ListBucketResult>").encode()

    def perform_upload(self, objects, body):
        if self.command == "POST" and "uploads" in self.query:
            name = uuid.uuid4().hex
            uploads[name] = {"bucket": self.bucket, "key": self.key, "headers": kept_headers(self.headers), "parts": {},
                             "begun": now(), "checksums": self.headers.get("x-amz-checksum-algorithm") == "SHA256"}
            return 200, {}, (f"<InitiateMultipartUploadResult><Bucket>{self.bucket}</Bucket><Key>{escape(self.key)}</Key>"
                             f"<UploadId>{name}</UploadId></InitiateMultipartUploadResult>").encode()
        name = self.query.get("uploadId", "")
        upload = uploads.get(name)
        if upload is None or (upload["bucket"], upload["key"]) != (self.bucket, self.key):
            raise Refused(404, "NoSuchUpload", "The specified upload does not exist.")
        if self.command == "PUT":
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            if self.headers.get("x-amz-checksum-sha256", digest) != digest:
                raise Refused(400, "BadDigest", "the checksum did not match")
            if upload["checksums"] and "x-amz-checksum-sha256" not in self.headers:
                raise Refused(400, "InvalidRequest", "the part needs a checksum")
            counts["received"] += len(body)
            upload["parts"][int(self.query["partNumber"])] = (body, hashlib.md5(body).hexdigest(), digest)
            return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""
        if self.command == "DELETE":
            del uploads[name]
            return 204, {}, b""
        if self.command == "GET":
            checksum = (lambda d: f"<ChecksumSHA256>{d}</ChecksumSHA256>") if upload["checksums"] else (lambda d: "")
            listed = "".join(f'<Part><PartNumber>{n}</PartNumber><ETag>&quot;{md5}&quot;</ETag><Size>{len(b)}</Size>{checksum(d)}</Part>'
                             for n, (b, md5, d) in sorted(upload["parts"].items()))
            return 200, {}, f"<ListPartsResult><IsTruncated>false</IsTruncated>{listed}</ListPartsResult>".encode()
        return self.complete(objects, name, upload, body)

    def complete(self, objects, name, upload, body):
        import xml.etree.ElementTree as tree
        numbers = []
        for part in tree.fromstring(body):
            fields = {child.tag.rpartition("}")[2]: child.text for child in part}
            number = int(fields["PartNumber"])
            held = upload["parts"].get(number)
            if held is None or fields["ETag"].strip('"') != held[1]:
                raise Refused(400, "InvalidPart", f"part {number} is not as sent")
            if upload["checksums"] and fields.get("ChecksumSHA256") != held[2]:
                raise Refused(400, "InvalidPart", f"part {number} has another checksum")
            numbers.append(number)
        if numbers != sorted(set(numbers)) or not numbers:
            raise Refused(400, "InvalidPartOrder", "parts are out of order")
        parts = [upload["parts"][n] for n in numbers]
        if any(len(p[0]) < 5 << 20 for p in parts[:-1]):
            raise Refused(400, "EntityTooSmall", "a part is smaller than 5 MiB")
        self.check_conditions(objects.get(self.key))
        etag = hashlib.md5(b"".join(bytes.fromhex(p[1]) for p in parts)).hexdigest()
        objects[self.key] = Object(b"".join(p[0] for p in parts), upload["headers"], f'"{etag}-{len(parts)}"')
        del uploads[name]
        return 200, {}, (f"<CompleteMultipartUploadResult><Key>{escape(self.key)}</Key><ETag>"
                         f"{escape(objects[self.key].etag)}</ETag></CompleteMultipartUploadResult>").encode()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def add_fault(**fault):
    state["faults"].append({**fault, "skip": state["skip"]})
    state["skip"] = 0


def command(words):
    name = words[0]
    if name == "bucket":
        buckets.setdefault(words[1], {})
    elif name == "fail":
        add_fault(kind=name, status=int(words[1]), code=words[2], count=int(words[3]), method=words[4])
    elif name in ("drop", "forget", "cut"):
        add_fault(kind=name, count=int(words[1]), method=words[2])
    elif name == "slow":
        add_fault(kind=name, count=int(words[1]), method=words[2], milliseconds=int(words[3]))
    elif name == "skip":
        state["skip"] = int(words[1])
    elif name == "save":
        saved[words[1]] = {bucket: dict(objects) for bucket, objects in buckets.items()}
    elif name == "load":
        buckets.clear()
        buckets.update({bucket: dict(objects) for bucket, objects in saved[words[1]].items()})
        uploads.clear()
    elif name == "content":
        return next((base64.b64encode(o[words[1]].content).decode() for o in buckets.values() if words[1] in o), "absent")
    elif name == "rival":
        state["rivals"][words[1]] = words[2]
    elif name == "vanish":
        state["vanish"] = int(words[1])
    elif name == "conditions":
        state["conditions"] = words[1] == "yes"
    elif name == "clock":
        state["clock"] = int(words[1])
    elif name == "uploads":
        return str(len(uploads))
    elif name == "age":
        for upload in uploads.values():
            upload["begun"] -= datetime.timedelta(seconds=int(words[1]))
    elif name in counts:
        value, counts[name] = counts[name], 0
        return str(value)
    elif name == "header":
        return next((o[words[1]].headers.get(words[2], "") for o in buckets.values() if words[1] in o), "absent")
    elif name == "sha256":
        return next((hashlib.sha256(o[words[1]].content).hexdigest() for o in buckets.values() if words[1] in o), "absent")
    elif name == "work":
        state.update(faults=[], rivals={}, vanish=None, conditions=True, clock=0, skip=0)
    else:
        return "no such command"
    return "ok"


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
for line in sys.stdin:
    with lock:
        answer = command(line.split())
    print(answer, flush=True)
os._exit(0)
