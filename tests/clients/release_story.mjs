// release_story.mjs TRANCHE: releases made by the built binary, from keys in files, in a token and keyless; killed at
// random instants and between any two of its steps on the disk; and what a rollout that requires signatures makes of
// them.
//
// A run that was killed is run again, and then the release is what an undisturbed run leaves: to the byte where keys sign
// (SOURCE_DATE_EPOCH is set), and with each artifact in the log once where a certificate does.
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
const top = fs.mkdtempSync(path.join(os.tmpdir(), 'tranche-release-'));
const scratch = path.join(top, 'repository'), home = path.join(top, 'home');
const at = (name) => path.join(scratch, name);
const subject = 'https://example.org/workflow@refs/heads/main';
const issuer = 'https://idp.example';
const seed = Number(process.env.TRANCHE_SEED ?? Date.now() % 1e9);
let state = seed;
const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;

const surroundings = (more) => ({ PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8', SOURCE_DATE_EPOCH: '1750000000', ...more });
function run(words, environment = {}, cwd = scratch) {
  const done = spawnSync(tranche, words, { cwd, encoding: 'utf8', timeout: 60_000, env: surroundings(environment) });
  return { code: done.status, signal: done.signal, out: done.stdout, err: done.stderr };
}
function must(words, environment, cwd) {
  const done = run(words, environment, cwd);
  assert.equal(done.code, 0, `tranche ${words.join(' ')}: ${done.out}${done.err}`);
  return done;
}
const keyFile = (role) => `file:${home}/.config/tranche/keys/notes-${role}.pem`;
const fromFiles = `release: "${keyFile('release')}", feed: "${keyFile('feed')}", journal: "${keyFile('journal')}"`;
const config = (signing, { trust = '', stages = '[{ percent: 100, bake: 1s }]', require = '[signature, sbom, provenance]', more = '' } = {}) =>
  fs.writeFileSync(at('tranche.yaml'), `version: 1
app: notes
artifacts: ["dist/*"]
channels: { stable: { store: "dir:public" } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
sbom: { formats: [cyclonedx-1.6, spdx-2.3] }
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub]${trust} }
signing: { ${signing} }
state: "dir:state"
rollouts:
  desktop:
    channel: stable
    release: { require: ${require} }
    accept-no-way-back: true
    stages: ${stages}
${more}`);
const files = ['notes_1.1.0_amd64.deb', 'notes_1.1.0_arm64.deb', 'notes-1.1.0.tar.gz'];
const remove = (...names) => names.forEach((name) => fs.rmSync(at(name), { recursive: true, force: true }));
const forgetBundles = () => files.forEach((name) => remove(`dist/${name}.sigstore.json`, `dist/${name}.sigstore.pending`));
const forgetState = () => { remove('state', 'public'); ['.cache', '.local'].forEach((name) => fs.rmSync(path.join(home, name), { recursive: true, force: true })); };
// Names and digests of everything that a release left; half-written files begin with a dot.
function left() {
  const directory = at('state/releases/notes/1.1.0');
  return fs.readdirSync(directory).filter((name) => !name.startsWith('.')).sort()
    .map((name) => `${name} ${crypto.createHash('sha256').update(fs.readFileSync(path.join(directory, name))).digest('hex')}`);
}
function recordings() {
  const shown = must(['journal', 'show', '--json']).out;
  return shown.split('"release.created"').length - 1;
}

function prepare() {
  for (const name of [home, at('dist')]) fs.mkdirSync(name, { recursive: true });
  execFileSync('git', ['init', '-q', scratch]);
  files.forEach((name, i) => fs.writeFileSync(at(`dist/${name}`), crypto.createHash('sha512').update(String(i)).digest().toString('hex').repeat(2000)));
  fs.writeFileSync(at('package-lock.json'), JSON.stringify({ name: 'notes', version: '1.1.0', lockfileVersion: 3, packages: {
    '': { name: 'notes', version: '1.1.0', dependencies: { 'left-pad': '1.3.0' } },
    'node_modules/left-pad': { version: '1.3.0', license: 'WTFPL' } } }));
  config(fromFiles);
  must(['key', 'generate', 'release', 'feed', 'journal']);
  must(['sign', ...files.map((name) => `dist/${name}`)]);
  must(['attest', '--type', 'slsa-provenance', ...files.map((name) => `dist/${name}`)]);
}

// Kills one run by `how`, which says whether it did; then runs it to its end.
async function disturbed(words, environment, how) {
  const child = spawn(tranche, words, { cwd: scratch, env: surroundings(environment.first ?? environment), stdio: 'ignore' });
  const over = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal)));
  await how(child);
  const signal = await over;
  must(words, environment.then ?? environment);
  return signal === 'SIGKILL';
}
const atRandom = (most) => (child) => new Promise((resolve) => {
  const timer = setTimeout(() => { child.kill('SIGKILL'); resolve(); }, random() * most);
  child.once('exit', () => { clearTimeout(timer); resolve(); });
});
function build(library) {
  const made = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, path.join(here, 'kill_at.c'), '-ldl'], { encoding: 'utf8' });
  if (made.status === 0) return true;
  console.log('skipped: no C compiler to build what kills between two steps (apt-get install gcc)');
  assert.notEqual(process.env.TRANCHE_REQUIRE_PEERS, '1', made.stderr);
  return false;
}

// Keys sign: what is left is the same to the byte.
async function killedWithKeys(library) {
  const words = ['release', 'create', '1.1.0'];
  must(words);
  const wanted = left();
  forgetState();
  const started = performance.now();
  must(words);
  const most = performance.now() - started;
  assert.ok(wanted.some((line) => line.startsWith('manifest.json ')) && wanted.length === 7, wanted.join('\n'));
  assert.equal(recordings(), 1);
  let killed = 0;
  const check = () => { assert.deepEqual(left(), wanted); assert.equal(recordings(), 1); };
  for (let i = 0; i < 60; ++i) {
    forgetState();
    killed += await disturbed(words, {}, atRandom(most));
    check();
  }
  console.log(`keys: ${killed} of 60 runs killed at random instants, each the same release afterwards`);
  if (library === '') return;
  let steps = 0;
  for (const name of ['KILL_AT', 'KILL_AFTER'])
    for (let n = 1; ; ++n) {
      forgetState();
      const died = await disturbed(words, { first: { LD_PRELOAD: library, [name]: String(n) }, then: {} }, async () => {});
      check();
      if (!died) break;
      ++steps;
    }
  assert.ok(steps > 20, `${steps} steps`);
  console.log(`keys: killed before and after each of its steps on the disk, ${steps} times`);
}

// One artifact changed, gone, renamed; what was made later; another tool's version in the SBOM.
function again() {
  forgetState();
  must(['release', 'create', '1.1.0']);
  const wanted = left();
  const same = must(['release', 'create', '1.1.0', '--json']);
  assert.equal(JSON.parse(same.out).existed, true);
  assert.ok(same.err.includes('on record already, same artifacts'), same.err);
  // Another version of tranche, or another time, makes another SBOM and other proofs.
  fs.appendFileSync(at('package-lock.json'), ' ');
  must(['attest', '--type', 'test-result', '--passed', 'unit', `dist/${files[0]}`]);
  const later = must(['release', 'create', '1.1.0'], { SOURCE_DATE_EPOCH: '1760000000' });
  assert.ok(later.err.includes(`${files[0]}.test-result.sigstore.json is not part of it`), later.err);
  assert.deepEqual(left(), wanted);
  remove(`dist/${files[0]}.test-result.sigstore.json`);
  // A document that was lost is made again, to the byte; one that cannot be is not passed over.
  remove('state/releases/notes/1.1.0/sbom.cdx.json');
  must(['release', 'create', '1.1.0']);
  assert.deepEqual(left(), wanted);
  fs.writeFileSync(at(`state/releases/notes/1.1.0/${files[0]}.sigstore.json`), '{}');
  must(['release', 'create', '1.1.0']);
  assert.deepEqual(left(), wanted);
  const bytes = fs.readFileSync(at(`dist/${files[0]}`));
  fs.writeFileSync(at(`dist/${files[0]}`), 'other bytes');
  const refused = run(['release', 'create', '1.1.0']);
  assert.equal(refused.code, 3, refused.err);
  for (const one of [bytes, 'other bytes'])
    assert.ok(refused.err.includes(crypto.createHash('sha256').update(one).digest('hex')), refused.err);
  fs.writeFileSync(at(`dist/${files[0]}`), bytes);
  const listed = JSON.parse(same.out);
  assert.deepEqual(listed.artifacts.map((one) => one.name), [...files].sort());
  assert.equal(listed.signatures.length, 3);
  assert.equal(listed.attestations.length, 1);
}

// Every gate that has passed leaves a SLSA verification summary that others check.
function summaries() {
  forgetState();
  config(fromFiles, { stages: '[{ percent: 100, bake: 1s..1m, gates: [tests] }]', require: 'signature', more:
    'gates: { tests: { source: checks, success-condition: "result >= 1", interval: 1s, count: 1 } }\n' });
  fs.writeFileSync(at('tranche.yaml'), fs.readFileSync(at('tranche.yaml'), 'utf8')
    .replace('sources: {', 'sources: { checks: { command: [echo, "1"] },'));
  must(['release', 'create', '1.1.0']);
  must(['rollout', 'start', 'desktop', '--release', '1.1.0']);
  must(['rollout', 'run', 'desktop']);
  const directory = at('state/summaries/notes');
  const found = fs.readdirSync(directory, { recursive: true }).filter((name) => name.endsWith('.sigstore.json'));
  assert.equal(found.length, 1, found.join());
  const file = path.join(directory, found[0]);
  const bundle = JSON.parse(fs.readFileSync(file, 'utf8'));
  const key = fs.readFileSync(at('keys/journal.pub'), 'utf8');
  const keyed = (pem) => toTrustMaterial(TrustedRoot.fromJSON({ tlogs: [], ctlogs: [], certificateAuthorities: [],
    timestampAuthorities: [] }), () => ({ publicKey: crypto.createPublicKey(pem), validFor: () => true }));
  const none = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 };
  new Verifier(keyed(key), none).verify(toSignedEntity(bundleFromJSON(bundle)));
  assert.throws(() => new Verifier(keyed(fs.readFileSync(at('keys/feed.pub'), 'utf8')), none).verify(toSignedEntity(bundleFromJSON(bundle))));
  for (const name of files) must(['verify', '--bundle', file, '--key', 'keys/journal.pub', `dist/${name}`]);
  assert.equal(run(['verify', '--bundle', file, '--key', 'keys/journal.pub', 'tranche.yaml']).code, 6);
  // slsa.dev/spec/v1.0/verification_summary: what must be there.
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64'));
  const hex = /^[0-9a-f]{64}$/, uri = /^[a-z][a-z0-9+.-]*:/;
  assert.equal(statement._type, 'https://in-toto.io/Statement/v1');
  assert.equal(statement.predicateType, 'https://slsa.dev/verification_summary/v1');
  assert.deepEqual(statement.subject.map((one) => one.name), [...files].sort());
  const said = statement.predicate;
  assert.match(said.verifier.id, uri);
  assert.ok(Date.parse(said.timeVerified) > 0);
  assert.equal(said.resourceUri, 'pkg:generic/notes@1.1.0');
  assert.match(said.policy.uri, uri);
  assert.match(said.policy.digest.sha256, hex);
  assert.equal(said.verificationResult, 'PASSED');
  assert.ok(said.verifiedLevels.length > 0 && said.verifiedLevels.every((level) => !level.startsWith('SLSA_')));
  const manifest = crypto.createHash('sha256').update(fs.readFileSync(at('state/releases/notes/1.1.0/manifest.json'))).digest('hex');
  assert.deepEqual(said.inputAttestations.map((one) => one.digest.sha256), [manifest]);
  const journal = must(['journal', 'show', '--json']).out;
  assert.ok(journal.includes(crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex')), 'the journal holds its digest');
  assert.ok(journal.includes(said.policy.digest.sha256), 'the policy is the frozen plan');
  config(fromFiles);
}

function token() {
  const module = '/usr/lib/softhsm/libsofthsm2.so';
  if (!fs.existsSync(module) || spawnSync('softhsm2-util', ['--version']).status !== 0) {
    console.log('skipped: softhsm2 is missing (apt-get install softhsm2)');
    assert.notEqual(process.env.TRANCHE_REQUIRE_PEERS, '1');
    return;
  }
  forgetState();
  fs.mkdirSync(path.join(top, 'tokens'));
  const settings = path.join(top, 'softhsm2.conf');
  fs.writeFileSync(settings, `directories.tokendir = ${path.join(top, 'tokens')}\nlog.level = ERROR\n`);
  const env = { ...process.env, SOFTHSM2_CONF: settings };
  const util = (...words) => execFileSync('softhsm2-util', words, { env, stdio: 'ignore' });
  util('--init-token', '--free', '--label', 'ci', '--pin', '1234', '--so-pin', '5678');
  const kept = Object.fromEntries(['release', 'feed', 'journal'].map((role) => [role, fs.readFileSync(at(`keys/${role}.pub`))]));
  const put = (label, id, pair) => {
    fs.writeFileSync(path.join(top, 'key'), pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    util('--import', path.join(top, 'key'), '--token', 'ci', '--label', label, '--id', id, '--pin', '1234');
    return pair.publicKey.export({ format: 'pem', type: 'spki' });
  };
  ['release', 'feed', 'journal'].forEach((role, i) =>
    fs.writeFileSync(at(`keys/${role}.pub`), put(role, `0${i + 1}`, crypto.generateKeyPairSync('ed25519'))));
  put('curve', '09', crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const uri = (role) => `${role}: "pkcs11:token=ci;object=${role}"`;
  const environment = { SOFTHSM2_CONF: settings, TRANCHE_PKCS11_MODULE: module, TRANCHE_PIN: '1234' };
  const aside = path.join(top, 'aside');
  fs.mkdirSync(aside);
  const beside = fs.readdirSync(at('dist')).filter((name) => name.endsWith('.sigstore.json'));
  beside.forEach((name) => fs.renameSync(at(`dist/${name}`), path.join(aside, name)));
  config(`${uri('release')}, ${uri('feed')}, ${uri('journal')}, passphrase: env:TRANCHE_PIN`, { require: '[signature, sbom]' });
  must(['check']);
  must(['release', 'create', '1.1.0'], environment);
  must(['verify', '--release', '1.1.0']);
  must(['rollout', 'start', 'desktop', '--release', '1.1.0'], environment);
  must(['journal', 'verify']);
  must(['feed', 'check'], environment);
  forgetState();
  assert.equal(run(['release', 'create', '1.1.0'], { ...environment, TRANCHE_PIN: '4321' }).code, 6);
  config(`release: "pkcs11:token=ci;object=curve", ${uri('feed')}, ${uri('journal')}, passphrase: env:TRANCHE_PIN`);
  const other = run(['release', 'create', '1.1.0'], environment);
  assert.equal(other.code, 6, other.err);
  assert.ok(other.err.includes('no Ed25519 key'), other.err);
  // PKCS#8 with a passphrase.
  const pair = crypto.generateKeyPairSync('ed25519');
  fs.writeFileSync(at('keys/release.pub'), pair.publicKey.export({ format: 'pem', type: 'spki' }));
  const locked = pair.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: '1234' });
  config(`release: env:TRANCHE_LOCKED, ${uri('feed')}, ${uri('journal')}, passphrase: env:TRANCHE_PIN`);
  must(['release', 'create', '1.1.0'], { ...environment, TRANCHE_LOCKED: locked });
  for (const [role, bytes] of Object.entries(kept)) fs.writeFileSync(at(`keys/${role}.pub`), bytes);
  beside.forEach((name) => fs.renameSync(path.join(aside, name), at(`dist/${name}`)));
  console.log('token: release, feed and journal signed by keys that never left it');
}

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function identity() {
  const claims = { aud: 'sigstore', iss: issuer, sub: subject, exp: Math.floor(Date.now() / 1000) + 600 };
  return { TRANCHE_TOKEN: `${part({ alg: 'none' })}.${part(claims)}.c2ln` };
}
async function withServices(use) {
  const server = spawn(process.execPath, [path.join(here, 'sigstore_services.mjs'), '--trusted-root', at('root.json')],
    { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const url = await new Promise((resolve) => server.stdout.once('data', (text) => resolve(String(text).trim())));
    const entries = async () => { const all = await (await fetch(`${url}/entries`)).json(); return all.v1 + all.v2; };
    await use(url, entries);
  } finally {
    server.stdin.end();
  }
}
const services = (url, version) =>
  `keyless: { token: env:TRANCHE_TOKEN }, fulcio: "${url}", rekor: "${url}", rekor-version: ${version}, tsa: "${url}/api/v1/timestamp"`;
const believed = (who = subject, from = issuer) => ({ trust: `, identities: [{ identity: "${who}", issuer: "${from}" }], trusted-root: root.json` });

async function keyless(library, url, entries) {
  forgetState();
  const words = ['release', 'create', '1.1.0'];
  const environment = identity();
  config(services(url, 1).replace('keyless:', 'release: { keyless:').replace('},', '} },'), believed());
  const alone = run(words, environment);
  assert.equal(alone.code, 3, alone.err);
  assert.ok(alone.err.includes('signs keyless only') && alone.err.includes('name a release key beside it'), alone.err);
  for (const version of [1, 2]) {
    config(`${fromFiles}, ${services(url, version)}`, believed());
    forgetState();
    forgetBundles();
    const before = await entries();
    must([...words, '--dry-run'], environment);
    assert.equal(await entries(), before, 'a dry run logs nothing');
    const started = performance.now();
    const made = JSON.parse(must([...words, '--json'], environment).out);
    const most = (performance.now() - started) * 1.1;
    assert.deepEqual(made.signatures.map((one) => one.name), [...files].sort().map((name) => `${name}.sigstore.json`));
    assert.equal(await entries(), before + files.length);
    must(words, {});  // no token is needed any more
    assert.equal(await entries(), before + files.length);
    const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(fs.readFileSync(at('root.json'), 'utf8'))));
    for (const name of files)
      new Verifier(material, {}).verify(toSignedEntity(bundleFromJSON(JSON.parse(fs.readFileSync(
        at(`state/releases/notes/1.1.0/${name}.sigstore.json`), 'utf8'))), fs.readFileSync(at(`dist/${name}`))),
        { subjectAlternativeName: subject, extensions: { issuer } });

    let killed = 0, steps = 0;
    const check = async (from) => {
      assert.equal(await entries(), from + files.length, 'each artifact is logged once');
      assert.equal(left().length, 7);
      assert.equal(recordings(), 1);
      for (const name of files) assert.ok(!fs.existsSync(at(`dist/${name}.sigstore.pending`)), name);
    };
    const fresh = async () => { forgetState(); forgetBundles(); return entries(); };
    for (let i = 0; i < 30; ++i) {
      const from = await fresh();
      killed += await disturbed(words, environment, atRandom(most));
      await check(from);
    }
    for (const name of library === '' ? [] : ['KILL_AT', 'KILL_AFTER'])
      for (let n = 1; ; n += version === 1 ? 3 : 11) {
        const from = await fresh();
        const died = await disturbed(words, { first: { ...environment, LD_PRELOAD: library, [name]: String(n) }, then: environment }, async () => {});
        await check(from);
        if (!died) break;
        ++steps;
      }
    console.log(`keyless, log of version ${version}: killed at ${killed} of 30 random instants and at ${steps} steps, each artifact logged once`);
  }
}

// Whom tranche.yaml names decides; no network.
function required(url) {
  const start = (options, signing = `${fromFiles}, ${services('http://127.0.0.1:9', 1)}`) => {
    config(signing, { require: 'signature', ...options });
    return run(['rollout', 'start', 'desktop', '--release', '1.1.0', '--json']);
  };
  for (const [options, reason] of [[{}, 'key-for-certificate'], [believed(`${subject}x`), 'wrong-identity'],
    [believed(subject, 'https://other.example'), 'wrong-issuer']]) {
    const refused = start(options);
    assert.equal(refused.code, 7, refused.out + refused.err);
    assert.equal(JSON.parse(refused.out).reason, reason, refused.out);
  }
  const started = start(believed());
  assert.equal(started.code, 0, started.out + started.err);
  // Nothing bound, and keyless is what the file asks for.
  forgetState();
  forgetBundles();
  config(fromFiles, { require: 'signature' });
  must(['release', 'create', '1.1.0']);
  const unsigned = start(believed());
  assert.equal(unsigned.code, 7);
  assert.equal(JSON.parse(unsigned.out).reason, 'no-signature');
}

// A pull request may not choose who receives the token.
function strangers(url) {
  const git = (...words) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...words], { cwd: scratch, stdio: 'ignore' });
  config(`${fromFiles}, ${services(url, 1)}`, believed());
  git('add', 'tranche.yaml', 'keys', 'root.json');
  git('commit', '-q', '-m', 'merged');
  git('update-ref', 'refs/remotes/origin/main', 'HEAD');
  const file = `dist/${files[0]}`;
  const request = { ...identity(), GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'pull_request', GITHUB_BASE_REF: 'main' };
  const merge = { ...identity(), GITLAB_CI: 'true', CI_PIPELINE_SOURCE: 'merge_request_event', CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main' };
  const ways = [['sign', file], ['attest', '--type', 'test-result', '--passed', 'unit', '--output', 'b.json', file], ['release', 'create', '1.1.0']];
  const each = (environment, code, flags = []) => {
    for (const words of ways) {
      forgetState();
      forgetBundles();
      remove('b.json');
      const done = run([...words, ...flags], environment);
      assert.equal(done.code, code, `${words.join(' ')}: ${done.out}${done.err}`);
      if (code === 7) assert.ok(done.err.includes('is no certificate authority at'), done.err);
    }
  };
  for (const environment of [request, merge]) each(environment, 0);
  // The loopback name of the same machine is another url: somebody else's, for all that is known.
  config(`${fromFiles}, ${services(url.replace('127.0.0.1', 'localhost'), 1)}`, believed());
  for (const environment of [request, merge]) each(environment, 7);
  each(identity(), 7, ['--trusted-ref', 'origin/main']);
  each(identity(), 0);
  const unknown = run(ways[0], { ...request, GITHUB_BASE_REF: 'elsewhere' });
  assert.equal(unknown.code, 7, unknown.err);
  assert.ok(unknown.err.includes('git fetch --depth 1 origin elsewhere'), unknown.err);
  assert.equal(run(ways[0], { ...request, GITHUB_BASE_REF: '' }).code, 7);
  assert.equal(run([...ways[0], '--trusted-ref', '--upload-pack=x'], identity()).code, 2);
}

try {
  execFileSync(tranche, ['version'], { stdio: 'ignore' });
  console.log(`seed ${seed}`);
  const library = path.join(top, 'kill_at.so');
  const kills = build(library) ? library : '';
  prepare();
  await killedWithKeys(kills);
  again();
  summaries();
  token();
  await withServices(async (url, entries) => {
    await keyless(kills, url, entries);
    required(url);
    strangers(url);
  });
  console.log('release_story: ok');
} finally {
  fs.rmSync(top, { recursive: true, force: true });
}
