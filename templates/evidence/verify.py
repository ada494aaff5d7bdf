#!/usr/bin/env python3
"""verify.py [KEY.pem...]: checks this evidence with Python's standard library and openssl, without tranche.

Every entry is hashed again and led by its proof to the root that the checkpoint names; the checkpoint's signature is
checked with a journal key, the manifest's with a release key, and every document against the manifest's digest.
The keys in keys/ came with the evidence: compare them with keys that you got in another way, or name yours here.
"""
import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
problems = []


def sha256(data):
    return hashlib.sha256(data).digest()


def public_bytes(pem):  # the last 32 bytes of an Ed25519 key's DER
    lines = [line for line in pem.read_text().splitlines() if line and not line.startswith("-")]
    return base64.b64decode("".join(lines))[-32:]


def signed_by(pem, message, signature):
    with tempfile.TemporaryDirectory() as scratch:
        data, sig = pathlib.Path(scratch, "message"), pathlib.Path(scratch, "signature")
        data.write_bytes(message)
        sig.write_bytes(signature)
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(pem), "-rawin", "-in", str(data),
                               "-sigfile", str(sig)], capture_output=True).returncode == 0


def root_of(leaf, index, size, proof):  # RFC 9162, section 2.1.3.2
    if index >= size:
        raise ValueError("the index is beyond the log")
    fn, sn, node = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            raise ValueError("the proof is too long")
        if fn & 1 or fn == sn:
            node = sha256(b"\x01" + sibling + node)
            while fn & 1 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = sha256(b"\x01" + node + sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ValueError("the proof is too short")
    return node


def check(holds, words):
    if not holds:
        problems.append(words)
    return holds


def own_or_given(role):
    return [pathlib.Path(path) for path in sys.argv[1:]] or sorted(here.glob(f"keys/{role}-*.pem"))


# The checkpoint: origin, size, root; then lines "— NAME base64(4 bytes of key hash, signature)".
note = (here / "checkpoint").read_bytes()
text, _, lines = note.rpartition(b"\n\n")
text += b"\n"
origin, size, root = text.decode().split("\n")[:3]
size, root = int(size), base64.b64decode(root)
signers = 0
for pem in own_or_given("journal"):
    key = public_bytes(pem)
    key_hash = sha256(origin.encode() + b"\n\x01" + key)[:4]
    for line in lines.decode().splitlines():
        name, blob = line.removeprefix("\u2014 ").split(" ")
        blob = base64.b64decode(blob)
        if name == origin and blob[:4] == key_hash:
            signers += signed_by(pem, text, blob[4:])
check(signers > 0, "the checkpoint is signed by no journal key")

entries = 0
manifest_digests = set()
for path in sorted(here.glob("entries/*.json")):
    data = path.read_bytes()
    proof = (here / "proofs" / (path.stem + ".tlog-proof")).read_bytes()
    head, _, its_checkpoint = proof.partition(b"\n\n")
    first, *lines = head.decode().split("\n")
    if lines[0].startswith("extra "):
        check(base64.b64decode(lines.pop(0)[6:]) == data, f"{path.name}: its proof holds another entry")
    index, *hashes = lines
    index = int(index.removeprefix("index "))
    try:
        led = root_of(sha256(b"\x00" + data), index, size, [base64.b64decode(one) for one in hashes])
    except ValueError as error:
        check(False, f"{path.name}: {error}")
        continue
    check(first == "c2sp.org/tlog-proof@v1" and its_checkpoint == note, f"{path.name}: its proof has another checkpoint")
    check(led == root, f"{path.name}: it is not in the log that was signed")
    entry = json.loads(data)
    check(entry["index"] == index == int(path.stem), f"{path.name}: it calls itself {entry['index']}")
    if entry["kind"] == "release.created":
        manifest_digests.add(entry["data"]["manifest-sha256"])
    if entry["kind"] == "approval.given":
        approval = here / "approvals" / path.name
        check(approval.read_text() == entry["data"]["document"], f"approvals/{path.name}: not the one in the entry")
    for summary in entry.get("data", {}).get("gates-passed", []):
        digest = sha256((here / summary["name"]).read_bytes()).hex()
        check(digest == summary["sha256"], f"{summary['name']}: not the one that the journal names")
    entries += 1
check(entries > 0, "there are no entries")

# The manifest: a DSSE envelope, signed over "DSSEv1 LEN TYPE LEN PAYLOAD".
manifest = (here / "release" / "manifest.json").read_bytes()
check(sha256(manifest).hex() in manifest_digests, "no entry of the journal names this manifest")
envelope = json.loads(manifest)
payload = base64.b64decode(envelope["payload"])
kind = envelope["payloadType"].encode()
message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
check(any(signed_by(pem, message, base64.b64decode(one["sig"]))
          for pem in own_or_given("release") for one in envelope["signatures"]),
      "the manifest is signed by no release key")
release = json.loads(payload)
documents = 0
for group in ("sboms", "attestations", "signatures", "feeds"):
    for document in release.get(group, []):
        digest = sha256((here / "release" / document["name"]).read_bytes()).hex()
        check(digest == document["sha256"], f"release/{document['name']}: not the one that the manifest names")
        documents += 1

print("\n".join(problems) if problems else f"{release['app']} {release['version']}: {entries} entries of a log of {size} and "
      f"{documents} documents hold")
sys.exit(1 if problems else 0)
