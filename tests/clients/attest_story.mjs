// attest_story.mjs TRANCHE: statements that the built binary signed, held against the verifier of the npm client and
// node's own crypto; bound to a release; and what a rollout that requires provenance makes of who signed it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');

const tranche = path.resolve(process.argv[2]);
const here = path.dirname(fileURLToPath(import.meta.url));
const top = fs.mkdtempSync(path.join(os.tmpdir(), 'tranche-attest-'));
const scratch = path.join(top, 'repository'), home = path.join(top, 'home');
const at = (name) => path.join(scratch, name);
const read = (name) => fs.readFileSync(at(name), 'utf8');
const subject = 'https://example.org/workflow@refs/heads/main';
const issuer = 'https://idp.example';
const deb = 'dist/notes_1.1.0_amd64.deb';

function run(words, environment = {}) {
  const done = spawnSync(tranche, words, {
    cwd: scratch, encoding: 'utf8', timeout: 60_000,
    env: { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8', ...environment },
  });
  return { code: done.status, out: done.stdout, err: done.stderr };
}
function must(words, environment) {
  const done = run(words, environment);
  assert.equal(done.code, 0, `tranche ${words.join(' ')}: ${done.out}${done.err}`);
  return done;
}
// Throws when the npm client refuses.
const npmVerify = (name, material, options, policy) =>
  new Verifier(material, options).verify(toSignedEntity(bundleFromJSON(JSON.parse(read(name)))), policy);
const keyed = (pem) => toTrustMaterial(TrustedRoot.fromJSON({ tlogs: [], ctlogs: [], certificateAuthorities: [],
  timestampAuthorities: [] }), () => ({ publicKey: crypto.createPublicKey(pem), validFor: () => true }));
const unlogged = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 };
const statementOf = (name) => JSON.parse(Buffer.from(JSON.parse(read(name)).dsseEnvelope.payload, 'base64'));
const digest = (name) => crypto.createHash('sha256').update(fs.readFileSync(at(name))).digest('hex');
const newPem = () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'pem', type: 'spki' });

const config = (more) => `version: 1
app: notes
artifacts: ["dist/notes_{version}_*.deb"]
channels: { stable: { store: "dir:public" } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub]${more} }
signing:
  release: "file:${home}/.config/tranche/keys/notes-release.pem"
  feed: "file:${home}/.config/tranche/keys/notes-feed.pem"
  journal: "file:${home}/.config/tranche/keys/notes-journal.pem"
state: "dir:state"
rollouts:
  desktop:
    channel: stable
    release: { require: provenance }
    accept-no-way-back: true
    stages: [{ percent: 100, bake: 1s }]
`;

const types = {
  'slsa-provenance': [[], 'https://slsa.dev/provenance/v1'],
  sbom: [['--predicate', 'bom.json'], 'https://cyclonedx.org/bom'],
  'test-result': [['--passed', 'unit', '--url', 'https://ci.example/7'], 'https://in-toto.io/attestation/test-result/v0.1'],
  release: [['--release', '1.1.0'], 'https://in-toto.io/attestation/release/v0.1'],
  vsa: [['--verifier', 'https://v.example', '--resource', 'pkg:generic/notes@1.1.0', '--policy', 'https://p.example',
    '--result', 'passed', '--level', 'SLSA_BUILD_LEVEL_1'], 'https://slsa.dev/verification_summary/v1'],
};

function byKey() {
  for (const name of [home, at('dist')]) fs.mkdirSync(name, { recursive: true });
  fs.writeFileSync(at('tranche.yaml'), config(''));
  fs.writeFileSync(at(deb), 'the bytes of a package');
  fs.writeFileSync(at('other'), 'other bytes');
  fs.writeFileSync(at('bom.json'), '{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]}');
  must(['key', 'generate', 'release', 'feed', 'journal']);
  const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });  // the npm client reads envelopes of this curve only
  fs.writeFileSync(at('ec.pub'), ec.publicKey.export({ format: 'pem', type: 'spki' }));
  const secret = ec.privateKey.export({ format: 'pem', type: 'pkcs8' });
  for (const [type, [flags, predicateType]] of Object.entries(types)) {
    for (const [words, environment, pub] of [[[], {}, 'keys/release.pub'],
      [['--key', 'env:TRANCHE_EC'], { TRANCHE_EC: secret }, 'ec.pub']]) {
      must(['attest', '--type', type, ...flags, ...words, '--output', 'b.json', deb], environment);
      const statement = statementOf('b.json');
      assert.equal(statement._type, 'https://in-toto.io/Statement/v1');
      assert.equal(statement.predicateType, predicateType);
      assert.deepEqual(statement.subject, [{ name: path.basename(deb), digest: { sha256: digest(deb) } }]);
      npmVerify('b.json', keyed(read(pub)), unlogged);
      assert.throws(() => npmVerify('b.json', keyed(newPem()), unlogged));
      must(['verify', '--bundle', 'b.json', '--key', pub, deb]);
      must(['verify', '--bundle', 'b.json', '--key', pub, `sha256:${digest(deb)}`]);
      const refused = run(['verify', '--bundle', 'b.json', '--key', pub, '--json', 'other']);
      assert.equal(refused.code, 6);
      assert.equal(JSON.parse(refused.out).reason, 'wrong-artifact');
      must(['attest', '--type', type, ...flags, ...words, '--format', 'dsse', '--output', 'e.json', deb], environment);
      const envelope = JSON.parse(read('e.json'));
      const payload = Buffer.from(envelope.payload, 'base64');
      const message = Buffer.concat([Buffer.from(`DSSEv1 28 application/vnd.in-toto+json ${payload.length} `), payload]);
      assert.ok(crypto.verify(words.length ? 'sha256' : null, message, read(pub), Buffer.from(envelope.signatures[0].sig, 'base64')));
    }
  }
}

async function keyless() {
  const server = spawn(process.execPath, [path.join(here, 'sigstore_services.mjs'), '--trusted-root', at('root.json'),
    '--signing-config', at('one.json'), '1', '--signing-config', at('two.json'), '2'], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await new Promise((resolve) => server.stdout.once('data', resolve));
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { aud: 'sigstore', iss: issuer, sub: subject, exp: Math.floor(Date.now() / 1000) + 600 };
    const environment = { TRANCHE_TOKEN: `${part({ alg: 'none' })}.${part(claims)}.c2ln` };
    const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(read('root.json'))));
    const who = ['--certificate-identity', subject, '--certificate-oidc-issuer', issuer, '--trusted-root', 'root.json'];
    for (const version of [1, 2]) {
      const proof = `proof-${version}.json`;
      must(['attest', '--type', 'slsa-provenance', '--keyless', '--identity-token', 'env:TRANCHE_TOKEN', '--signing-config',
        version === 1 ? 'one.json' : 'two.json', '--trusted-root', 'root.json', '--output', proof, deb], environment);
      assert.ok(!fs.existsSync(at(`${proof}.pending`)));
      // Version 2 logs a statement as a digest of its encoding, which the npm client does not know yet.
      if (version === 1) npmVerify(proof, material, {}, { subjectAlternativeName: subject, extensions: { issuer } });
      must(['verify', '--bundle', proof, ...who, deb]);
      assert.equal(run(['verify', '--bundle', proof, ...who, 'other']).code, 6);
    }
  } finally {
    server.stdin.end();
  }
}

// Whom tranche.yaml names decides whether the rollout starts.
function required() {
  must(['release', 'create', '1.1.0', '--attestation', 'proof-1.json', '--attestation', 'proof-2.json']);
  const start = (more) => {
    fs.writeFileSync(at('tranche.yaml'), config(more));
    return run(['rollout', 'start', 'desktop', '--release', '1.1.0']);
  };
  const identities = (name, from = issuer) => `, identities: [{ identity: "${name}", issuer: "${from}" }]`;
  for (const [more, reason] of [[', trusted-root: root.json', 'key-for-certificate'], [identities(subject), 'no-trusted-root'],
    [`${identities(`${subject}x`)}, trusted-root: root.json`, 'wrong-identity'],
    [`${identities(subject, 'https://other.example')}, trusted-root: root.json`, 'wrong-issuer']]) {
    const refused = start(more);
    assert.equal(refused.code, 7, refused.err);
    assert.ok(refused.err.includes(`(${reason})`), refused.err);
  }
  const started = start(`${identities(subject)}, trusted-root: root.json`);
  assert.equal(started.code, 0, started.err);
}

try {
  byKey();
  await keyless();
  required();
  console.log('attest_story: ok');
} finally {
  fs.rmSync(top, { recursive: true, force: true });
}
