// keyless_story.mjs TRANCHE: files signed by the built binary, held against the verifier of the npm client.
//
// Keys of every kind without any service; keyless with Fulcio, Rekor v1 and v2 and a timestamp authority on loopback; a
// run that ends after the log has its entry is carried on, and the log has it once; a service that is wrong gets nothing
// written.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
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
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'tranche-keyless-'));
const at = (name) => path.join(scratch, name);
const subject = 'https://example.org/workflow@refs/heads/main';
const issuer = 'https://idp.example';

function run(words, environment = {}) {
  const done = spawnSync(tranche, words, {
    cwd: scratch, encoding: 'utf8', timeout: 60_000,
    env: { PATH: process.env.PATH, HOME: scratch, LANG: 'C.UTF-8', ...environment },
  });
  return { code: done.status, out: done.stdout, err: done.stderr };
}
function must(words, environment) {
  const done = run(words, environment);
  assert.equal(done.code, 0, `tranche ${words.join(' ')}: ${done.out}${done.err}`);
  return done;
}
// Throws when the npm client refuses.
function npmVerify(bundleFile, artifact, material, options, policy) {
  const bundle = bundleFromJSON(JSON.parse(fs.readFileSync(bundleFile, 'utf8')));
  return new Verifier(material, options).verify(toSignedEntity(bundle, artifact), policy);
}
const keyed = (pem) => toTrustMaterial(TrustedRoot.fromJSON({ tlogs: [], ctlogs: [], certificateAuthorities: [],
  timestampAuthorities: [] }), () => ({ publicKey: crypto.createPublicKey(pem), validFor: () => true }));

function keys() {
  const kinds = {
    p256: ['ec', { namedCurve: 'prime256v1' }], p384: ['ec', { namedCurve: 'secp384r1' }],
    p521: ['ec', { namedCurve: 'secp521r1' }], ed25519: ['ed25519', {}], rsa2048: ['rsa', { modulusLength: 2048 }],
    rsa3072: ['rsa', { modulusLength: 3072 }], rsa4096: ['rsa', { modulusLength: 4096 }],
  };
  for (const [name, [type, options]] of Object.entries(kinds)) {
    const pair = crypto.generateKeyPairSync(type, options);
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' });
    const secret = pair.privateKey.export({ format: 'pem', type: 'pkcs8' });
    const locked = pair.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'word' });
    const files = [1, 2, 3].map((i) => at(`${name}-${i}.bin`));
    for (const file of files) fs.writeFileSync(file, crypto.randomBytes(70_000));
    must(['sign', '--key', 'env:TRANCHE_KEY', ...files], { TRANCHE_KEY: secret });
    for (const file of files) {
      const none = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 };
      npmVerify(`${file}.sigstore.json`, fs.readFileSync(file), keyed(pem), none);
      const bundle = JSON.parse(fs.readFileSync(`${file}.sigstore.json`, 'utf8'));
      assert.equal(Boolean(bundle.dsseEnvelope), name === 'ed25519');
      if (!bundle.dsseEnvelope)  // the npm client leaves the subjects of statements to its caller
        assert.throws(() => npmVerify(`${file}.sigstore.json`, Buffer.from('other'), keyed(pem), none));
      else
        assert.equal(JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64')).subject[0].digest.sha256,
          crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex'));
      const other = crypto.generateKeyPairSync(type, options).publicKey.export({ format: 'pem', type: 'spki' });
      assert.throws(() => npmVerify(`${file}.sigstore.json`, fs.readFileSync(file), keyed(other), none));
    }
    const file = files[0];
    // Signed already: left alone, unless the bytes, the key or the wish is another.
    const again = (...more) => JSON.parse(must(['sign', '--key', 'env:TRANCHE_KEY', '--json', ...more, file],
      { TRANCHE_KEY: secret }).out).files[0].kept;
    const bundle = fs.readFileSync(`${file}.sigstore.json`, 'utf8');
    assert.equal(again(), true);
    assert.equal(fs.readFileSync(`${file}.sigstore.json`, 'utf8'), bundle);
    assert.equal(again('--again'), false);
    fs.appendFileSync(file, 'x');
    assert.equal(again(), false);
    assert.equal(run(['sign', '--key', 'env:TRANCHE_KEY', file], { TRANCHE_KEY: locked }).code, 3);
    const words = ['sign', '--again', '--key', 'env:TRANCHE_KEY', '--key-password', 'env:TRANCHE_WORD', file];
    assert.equal(run(words, { TRANCHE_KEY: locked, TRANCHE_WORD: 'wrong' }).code, 6);
    must(words, { TRANCHE_KEY: locked, TRANCHE_WORD: 'word' });
  }
}

// Everything from tranche.yaml: keyless with the services under `signing:`, statements too; then an Ed25519 key whose
// signatures go into the log.
async function declared(url, material, policy, environment, accept) {
  const yaml = (signing, more = '') => fs.writeFileSync(at('tranche.yaml'), `version: 1
app: notes
artifacts: ["*.bin"]
channels: { stable: { store: "dir:public" } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
trust: { release: [release.pub], trusted-root: root.json }
signing: { ${signing}, rekor: "${url}", tsa: "${url}/api/v1/timestamp"${more} }
`);
  const pair = crypto.generateKeyPairSync('ed25519');
  fs.writeFileSync(at('release.pub'), pair.publicKey.export({ format: 'pem', type: 'spki' }));
  yaml('release: { keyless: { token: env:TRANCHE_TOKEN } }', `, fulcio: "${url}"`);
  const file = at('declared.bin');
  fs.writeFileSync(file, crypto.randomBytes(5000));
  must(['sign', file], environment);
  accept(file);
  must(['attest', '--type', 'test-result', '--passed', 'unit', '--url', 'https://ci.example/1', '--output',
    at('statement.json'), file], environment);
  npmVerify(at('statement.json'), undefined, material, {}, policy);
  const statement = JSON.parse(Buffer.from(JSON.parse(fs.readFileSync(at('statement.json'))).dsseEnvelope.payload, 'base64'));
  assert.equal(statement.subject[0].digest.sha256, crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex'));

  yaml('release: env:TRANCHE_RELEASE_KEY');
  must(['sign', file], { TRANCHE_RELEASE_KEY: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }) });
  const root = TrustedRoot.fromJSON(JSON.parse(fs.readFileSync(at('root.json'), 'utf8')));
  const key = crypto.createPublicKey(fs.readFileSync(at('release.pub')));
  const logged = toTrustMaterial(root, () => ({ publicKey: key, validFor: () => true }));
  npmVerify(`${file}.sigstore.json`, undefined, logged, {});
  must(['verify', file]);
  must(['verify', '--bundle', `${file}.sigstore.json`, '--key', at('release.pub'), '--trusted-root', at('root.json'), file]);
  fs.rmSync(at('tranche.yaml'));
}

// A key that stays in its token.
function token() {
  const module = '/usr/lib/softhsm/libsofthsm2.so';
  if (!fs.existsSync(module) || spawnSync('softhsm2-util', ['--version']).status !== 0) {
    console.log('skipped: softhsm2 is missing (apt-get install softhsm2)');
    assert.notEqual(process.env.TRANCHE_REQUIRE_PEERS, '1');
    return;
  }
  fs.mkdirSync(at('tokens'));
  fs.writeFileSync(at('softhsm2.conf'), `directories.tokendir = ${at('tokens')}\nlog.level = ERROR\n`);
  const pair = crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  fs.writeFileSync(at('token.key'), pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const env = { ...process.env, SOFTHSM2_CONF: at('softhsm2.conf') };
  const util = (...words) => execFileSync('softhsm2-util', words, { env, stdio: 'ignore' });
  util('--init-token', '--free', '--label', 'ci', '--pin', '1234', '--so-pin', '5678');
  util('--import', at('token.key'), '--token', 'ci', '--label', 'release', '--id', '01', '--pin', '1234');
  const file = at('in-token.bin');
  fs.writeFileSync(file, 'bytes');
  const words = ['sign', '--key', 'pkcs11:token=ci;object=release', '--key-password', 'env:TRANCHE_PIN', file];
  const environment = { SOFTHSM2_CONF: at('softhsm2.conf'), TRANCHE_PKCS11_MODULE: module, TRANCHE_PIN: '1234' };
  must(words, environment);
  npmVerify(`${file}.sigstore.json`, fs.readFileSync(file),
    keyed(pair.publicKey.export({ format: 'pem', type: 'spki' })), { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
  assert.equal(run(words, { ...environment, TRANCHE_PIN: '4321' }).code, 6);
}

async function keyless() {
  const server = spawn(process.execPath, [path.join(here, 'sigstore_services.mjs'), '--trusted-root', at('root.json'),
    '--signing-config', at('one.json'), '1', '--signing-config', at('two.json'), '2'], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const url = await new Promise((resolve) => server.stdout.once('data', (text) => resolve(String(text).trim())));
    const entries = async () => (await fetch(`${url}/entries`)).json();
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { aud: 'sigstore', iss: issuer, sub: subject, exp: Math.floor(Date.now() / 1000) + 600 };
    const environment = { TRANCHE_TOKEN: `${part({ alg: 'none' })}.${part(claims)}.c2ln` };
    const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(fs.readFileSync(at('root.json'), 'utf8'))));
    const policy = { subjectAlternativeName: subject, extensions: { issuer } };
    const words = (version, ...more) => ['sign', '--keyless', '--identity-token', 'env:TRANCHE_TOKEN',
      '--signing-config', at(version === 1 ? 'one.json' : 'two.json'), '--trusted-root', at('root.json'), '--json', ...more];
    const accept = (file) => {
      npmVerify(`${file}.sigstore.json`, fs.readFileSync(file), material, {}, policy);
      assert.throws(() => npmVerify(`${file}.sigstore.json`, Buffer.from('other'), material, {}, policy));
      const flags = ['--bundle', `${file}.sigstore.json`, '--certificate-identity', subject,
        '--certificate-oidc-issuer', issuer, '--trusted-root', at('root.json')];
      must(['verify', ...flags, file]);
      const digest = crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
      must(['verify', ...flags, `sha256:${digest}`]);
      fs.writeFileSync(at('other'), 'other');
      assert.equal(run(['verify', ...flags, at('other')]).code, 6);
    };
    for (const version of [1, 2]) {
      const files = [1, 2, 3].map((i) => at(`keyless-${version}-${i}.bin`));
      for (const file of files) fs.writeFileSync(file, crypto.randomBytes(1000));
      const before = (await entries())[`v${version}`];
      must(words(version, '--dry-run', ...files), environment);
      assert.equal((await entries())[`v${version}`], before, 'a dry run logs nothing');
      must(words(version, ...files), environment);
      assert.equal((await entries())[`v${version}`], before + 3);
      files.forEach(accept);
      assert.ok(!fs.existsSync(`${files[0]}.sigstore.pending`));
      const kept = JSON.parse(must(words(version, ...files), environment).out);
      assert.deepEqual(kept.files.map((one) => one.kept), [true, true, true]);
      assert.equal((await entries())[`v${version}`], before + 3, 'what is signed already is not logged again');

      // The log has the entry, the run never learns of it, however often it asks, until it is killed or gives up.
      const crashed = at(`crashed-${version}.bin`);
      fs.writeFileSync(crashed, crypto.randomBytes(1000));
      await fetch(`${url}/fail?after=log&stay`, { method: 'POST' });
      const child = spawn(tranche, words(version, crashed),
        { cwd: scratch, env: { PATH: process.env.PATH, HOME: scratch, ...environment }, stdio: 'ignore' });
      while ((await entries())[`v${version}`] === before + 3) await new Promise((resolve) => setImmediate(resolve));
      child.kill('SIGKILL');
      await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve()));
      await fetch(`${url}/fail?none`, { method: 'POST' });
      assert.ok(fs.existsSync(`${crashed}.sigstore.pending`));
      assert.ok(!fs.existsSync(`${crashed}.sigstore.json`));
      assert.equal(fs.statSync(`${crashed}.sigstore.pending`).mode & 0o777, 0o600);
      const resumed = JSON.parse(must(words(version, crashed), {}).out);  // no identity token is needed any more
      assert.equal(resumed.files[0].resumed, true);
      assert.equal((await entries())[`v${version}`], before + 4, 'logged once');
      accept(crashed);
    }
    await declared(url, material, policy, environment, accept);

    // A root that belongs to other services: refused, and no bundle is left.
    const wrong = JSON.parse(fs.readFileSync(at('root.json'), 'utf8'));
    wrong.ctlogs = [];
    fs.writeFileSync(at('wrong.json'), JSON.stringify(wrong));
    const file = at('wrong.bin');
    fs.writeFileSync(file, 'x');
    const refused = run(words(1, file).map((word) => (word === at('root.json') ? at('wrong.json') : word)), environment);
    assert.equal(refused.code, 6, refused.out);
    assert.ok(!fs.existsSync(`${file}.sigstore.json`));
    // A root whose authorities have all ended is warned of, and says why nothing newer holds.
    const old = JSON.parse(fs.readFileSync(at('root.json'), 'utf8'));
    old.certificateAuthorities[0].validFor.end = old.certificateAuthorities[0].validFor.start;
    fs.writeFileSync(at('old.json'), JSON.stringify(old));
    const stale = run(['verify', '--certificate-identity', subject, '--certificate-oidc-issuer', issuer, '--trusted-root',
      at('old.json'), '--json', at('keyless-1-1.bin')]);
    assert.equal(stale.code, 6);
    assert.match(stale.err, /is an old trusted root/);
    assert.equal(JSON.parse(stale.out).reason, 'authority-outside-validity');
    const expired = { ...claims, exp: 1_000_000_000 };
    fs.writeFileSync(at('late.bin'), 'x');
    assert.equal(run(words(1, at('late.bin')), { TRANCHE_TOKEN: `e30.${part(expired)}.c2ln` }).code, 6);
  } finally {
    server.stdin.end();
  }
}

try {
  execFileSync(tranche, ['version'], { stdio: 'ignore' });
  keys();
  token();
  await keyless();
  console.log('keyless_story: ok');
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}
