// sigstore_services.mjs [--trusted-root FILE] [--signing-config FILE VERSION]: Fulcio, Rekor v1 and v2 and a timestamp
// authority on one loopback port, until stdin ends. Prints its url.
//
// Certificates, their transparency timestamps and RFC 3161 tokens are @sigstore/mock's. The log is our own: a real
// Merkle tree with signed checkpoints, entries canonicalized as Rekor does it, 409 for an entry that is there already.
// GET /entries says how many there are; POST /fail?after=log|before=log makes the next log request end without an answer;
// with &stay all that follow, until POST /fail?none.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const mock = require('@sigstore/mock');
const fromMock = createRequire(require.resolve('@sigstore/mock'));
const pkijs = fromMock('pkijs');
const asn1js = fromMock('asn1js');

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), crypto.createHash('sha256')).digest();
const leafHash = (body) => sha256(Buffer.from([0]), body);
const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);
const canonical = (value) =>
  Array.isArray(value) ? `[${value.map(canonical).join(',')}]`
  : value && typeof value === 'object'
    ? `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`
    : JSON.stringify(value);

const keyPair = () => crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const started = new Date(Date.now() - 3600_000).toISOString();

// RFC 6962 over a list of bodies; the log's key signs entries' promises and checkpoints.
class Log {
  constructor(ed25519) {
    this.keys = ed25519 ? crypto.generateKeyPairSync('ed25519') : keyPair();
    this.ed25519 = ed25519;
    this.spki = this.keys.publicKey.export({ format: 'der', type: 'spki' });
    this.id = sha256(this.spki);
    this.bodies = [];
    this.origin = 'localhost';
  }
  sign(bytes) {
    return crypto.sign(this.ed25519 ? null : 'sha256', bytes, this.keys.privateKey);
  }
  static split(n) {
    let k = 1;
    while (k * 2 < n) k *= 2;
    return k;
  }
  static root(leaves) {
    if (leaves.length === 1) return leaves[0];
    const k = Log.split(leaves.length);
    return nodeHash(Log.root(leaves.slice(0, k)), Log.root(leaves.slice(k)));
  }
  static path(m, leaves) {
    if (leaves.length === 1) return [];
    const k = Log.split(leaves.length);
    return m < k ? [...Log.path(m, leaves.slice(0, k)), Log.root(leaves.slice(k))]
                 : [...Log.path(m - k, leaves.slice(k)), Log.root(leaves.slice(0, k))];
  }
  prove(index) {
    const leaves = this.bodies.map(leafHash);
    const root = Log.root(leaves);
    const text = `${this.origin}\n${leaves.length}\n${root.toString('base64')}\n`;
    const hint = this.ed25519
      ? sha256(Buffer.from(`${this.origin}\n`), Buffer.from([1]), this.spki.subarray(-32)).subarray(0, 4)
      : this.id.subarray(0, 4);
    const signature = Buffer.concat([hint, this.sign(Buffer.from(text))]).toString('base64');
    return { root, size: leaves.length, hashes: Log.path(index, leaves), checkpoint: `${text}\n\u2014 ${this.origin} ${signature}\n` };
  }
  // [index, whether it is new]
  add(body) {
    const found = this.bodies.findIndex((one) => one.equals(body));
    if (found >= 0) return [found, false];
    return [this.bodies.push(body) - 1, true];
  }
}

const v1 = new Log(false);
const v2 = new Log(true);
const v1Times = [];

function v1Entry(index) {
  const proof = v1.prove(index);
  const body = v1.bodies[index].toString('base64');
  const promised = { body, integratedTime: v1Times[index], logID: v1.id.toString('hex'), logIndex: index };
  return {
    [leafHash(v1.bodies[index]).toString('hex')]: {
      ...promised,
      verification: {
        inclusionProof: {
          checkpoint: proof.checkpoint, hashes: proof.hashes.map((hash) => hash.toString('hex')),
          logIndex: index, rootHash: proof.root.toString('hex'), treeSize: proof.size,
        },
        signedEntryTimestamp: v1.sign(Buffer.from(canonical(promised))).toString('base64'),
      },
    },
  };
}

// What Rekor v1 keeps of a request.
function v1Body(request) {
  if (request.kind === 'intoto') {
    const { payload, ...envelope } = request.spec.content.envelope;
    return Buffer.from(canonical({ ...request, spec: { content: { ...request.spec.content, envelope } } }));
  }
  if (request.kind !== 'dsse') return Buffer.from(canonical(request));
  const { envelope, verifiers } = request.spec.proposedContent;
  const parsed = JSON.parse(envelope);
  const hash = (bytes) => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });
  return Buffer.from(canonical({
    apiVersion: '0.0.1', kind: 'dsse',
    spec: {
      envelopeHash: hash(Buffer.from(envelope)), payloadHash: hash(Buffer.from(parsed.payload, 'base64')),
      signatures: parsed.signatures.map((one, i) => ({ signature: one.sig, verifier: verifiers[i] })),
    },
  }));
}

function checkV1(request) {
  if (request.kind !== 'hashedrekord') return;
  const { data, signature } = request.spec;
  const pem = Buffer.from(signature.publicKey.content, 'base64').toString();
  const key = pem.includes('CERTIFICATE') ? new crypto.X509Certificate(pem).publicKey : crypto.createPublicKey(pem);
  if (!key || !/^(sha256|sha384|sha512)$/.test(data.hash.algorithm)) throw new Error('unknown hash');
}

function v2Entry(request) {
  const wanted = request.hashedRekordRequestV002;
  if (!wanted) throw new Error('only hashedRekordRequestV002 is taken');
  const body = Buffer.from(canonical({
    apiVersion: '0.0.2', kind: 'hashedrekord',
    spec: { hashedRekordV002: { data: { algorithm: 'SHA2_256', digest: wanted.digest }, signature: wanted.signature } },
  }));
  const [index] = v2.add(body);
  const proof = v2.prove(index);
  return {
    logIndex: String(index), logId: { keyId: v2.id.toString('base64') },
    kindVersion: { kind: 'hashedrekord', version: '0.0.2' }, integratedTime: '0',
    inclusionProof: {
      logIndex: String(index), rootHash: proof.root.toString('base64'), treeSize: String(proof.size),
      hashes: proof.hashes.map((hash) => hash.toString('base64')), checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: body.toString('base64'),
  };
}

const ctlog = await mock.initializeCTLog(keyPair());
const ca = await mock.initializeCA(keyPair(), ctlog);
const fulcio = mock.fulcioHandler(ca, {});
const tsa = await mock.initializeTSA(keyPair());
// Whole seconds (fractions trip some readers), and the nonce as it came: eight bytes do not fit a number.
tsa.getCurrentTime = () => new Date(Math.floor(Date.now() / 1000) * 1000);
const plainInfo = tsa.tstInfo.bind(tsa);
tsa.tstInfo = (request) => {
  const info = plainInfo(request);
  if (request.nonceInteger) info.nonce = request.nonceInteger;
  return info;
};
const stampJson = mock.tsaHandler(tsa);  // as the npm client asks
async function stamp(der) {
  if (der[0] === '{'.charCodeAt(0)) return (await stampJson.fn(der.toString())).response;
  const request = pkijs.TimeStampReq.fromBER(der);
  return tsa.timestamp({
    artifactHash: Buffer.from(request.messageImprint.hashedMessage.valueBlock.valueHexView),
    hashAlgorithmOID: request.messageImprint.hashAlgorithm.algorithmId, policyOID: '1.3.6.1.4.1.57264.2',
    nonce: 0, nonceInteger: request.nonce, certReq: request.certReq,
  });
}

let fault = '';
async function answer(method, url, body) {
  const json = () => JSON.parse(body.toString());
  if (url === '/entries') return [200, JSON.stringify({ v1: v1.bodies.length, v2: v2.bodies.length })];
  if (url.startsWith('/fail?')) {
    fault = url.slice('/fail?'.length).replace('none', '');
    return [200, '{}'];
  }
  if (url === '/api/v2/signingCert') {
    const made = await fulcio.fn(body.toString());
    return [made.statusCode, made.response];
  }
  if (url === '/api/v1/timestamp') return [201, await stamp(body), 'application/timestamp-reply'];
  if (url === '/api/v2/log/entries' || url === '/api/v1/log/entries') {
    const now = fault.replace('&stay', '');
    if (now === fault) fault = '';
    if (now === 'before=log') return null;
    if (url === '/api/v2/log/entries') {
      const entry = v2Entry(json());
      return now ? null : [201, JSON.stringify(entry)];
    }
    checkV1(json());
    const [index, fresh] = v1.add(v1Body(json()));
    if (fresh) v1Times[index] = Math.floor(Date.now() / 1000);
    if (now) return null;
    const [uuid] = Object.keys(v1Entry(index));
    if (!fresh) return [409, '{"code":409}', 'application/json', { location: `/api/v1/log/entries/${uuid}` }];
    return [201, JSON.stringify(v1Entry(index))];
  }
  if (url === '/api/v1/log/entries/retrieve') {
    const body1 = v1Body(json().entries[0]);
    const index = v1.bodies.findIndex((one) => one.equals(body1));
    return [200, JSON.stringify(index < 0 ? [] : [v1Entry(index)])];
  }
  if (url.startsWith('/api/v1/log/entries/')) {
    const index = v1.bodies.findIndex((one) => url.endsWith(leafHash(one).toString('hex')));
    return index < 0 ? [404, '{}'] : [200, JSON.stringify(v1Entry(index))];
  }
  return [404, '{}'];
}

const server = http.createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', async () => {
    try {
      const made = await answer(request.method, request.url, Buffer.concat(pieces));
      if (made === null) return request.socket.destroy();
      const [status, bytes, type = 'application/json', headers = {}] = made;
      response.writeHead(status, { 'content-type': type, ...headers });
      response.end(bytes);
    } catch (error) {
      response.writeHead(400);
      response.end(String(error.message ?? error));
    }
  });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;

const base64 = (bytes) => Buffer.from(bytes).toString('base64');
const validFor = { start: started };
const trustedLog = (log, keyDetails) => ({
  baseUrl: 'http://localhost', hashAlgorithm: 'SHA2_256',
  publicKey: { rawBytes: base64(log.spki), keyDetails, validFor },
  logId: { keyId: base64(log.ed25519
    ? sha256(Buffer.from('localhost\n'), Buffer.from([1]), log.spki.subarray(-32)) : log.id) },
});
const trustedRoot = {
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [trustedLog(v1, 'PKIX_ECDSA_P256_SHA_256'), trustedLog(v2, 'PKIX_ED25519')],
  certificateAuthorities: [{
    subject: { organization: 'sigstore.mock', commonName: 'sigstore' }, uri: url,
    certChain: { certificates: [{ rawBytes: base64(ca.rootCertificate) }] }, validFor,
  }],
  ctlogs: [{
    baseUrl: url, hashAlgorithm: 'SHA2_256', logId: { keyId: base64(ctlog.logID) },
    publicKey: { rawBytes: base64(ctlog.publicKey), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
  }],
  timestampAuthorities: [{
    subject: { organization: 'sigstore.mock', commonName: 'tsa' }, uri: url,
    certChain: { certificates: [{ rawBytes: base64(tsa.intCertificate) }, { rawBytes: base64(tsa.rootCertificate) }] },
    validFor,
  }],
};
// Entries of version 2 name their log as the trusted root does.
v2.id = Buffer.from(trustedRoot.tlogs[1].logId.keyId, 'base64');
const service = (path, version) => ({ url: url + path, majorApiVersion: version, validFor, operator: 'tests' });
const config = (version) => ({
  mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
  caUrls: [service('', 1)], oidcUrls: [], rekorTlogUrls: [service('', version)],
  tsaUrls: [service('/api/v1/timestamp', 1)],
  rekorTlogConfig: { selector: 'ANY' }, tsaConfig: { selector: 'ANY' },
});
const words = process.argv.slice(2);
for (let i = 0; i < words.length; ++i) {
  if (words[i] === '--trusted-root') fs.writeFileSync(words[++i], JSON.stringify(trustedRoot));
  if (words[i] === '--signing-config') fs.writeFileSync(words[i + 1], JSON.stringify(config(Number(words[i + 2]))));
}
console.log(url);
process.stdin.on('end', () => process.exit(0)).resume();
