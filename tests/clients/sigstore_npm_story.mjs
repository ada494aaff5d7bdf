// sigstore_npm_story.mjs TRANCHE: what Sigstore's npm client signs, the built binary verifies; and what the binary signs by the
// public conformance suite's own command line (sigstore_conformance), both verify.
//
// The npm client signs with keys of each kind that node has, and keyless with Fulcio, Rekor v1 and v2 and a timestamp authority
// on loopback: files and statements, bundles of version 0.3 and of those before it with a chain.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const { DSSEBundleBuilder, FulcioSigner, MessageSignatureBundleBuilder, RekorWitness, TSAWitness } = require('@sigstore/sign');
const { bundleFromJSON, bundleToJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');
const { TrustedRoot } = require('@sigstore/protobuf-specs');

const tranche = path.resolve(process.argv[2]);
const here = path.dirname(fileURLToPath(import.meta.url));
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'tranche-npm-'));
const at = (name) => path.join(scratch, name);
const subject = 'https://example.org/workflow@refs/heads/main';
const issuer = 'https://idp.example';
const file = at('artifact.bin');
fs.writeFileSync(file, crypto.randomBytes(5000));
fs.writeFileSync(at('other.bin'), 'other');
const digest = crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
const statement = Buffer.from(JSON.stringify({
  _type: 'https://in-toto.io/Statement/v1', subject: [{ name: 'artifact.bin', digest: { sha256: digest } }],
  predicateType: 'https://example.org/tests', predicate: { passed: true },
}));
const type = 'application/vnd.in-toto+json';

function run(program, words, environment = {}) {
  const done = spawnSync(program, words, {
    cwd: scratch, encoding: 'utf8', timeout: 60_000,
    env: { PATH: process.env.PATH, HOME: scratch, LANG: 'C.UTF-8', TRANCHE: tranche, ...environment },
  });
  return { code: done.status, text: `${done.stdout}${done.stderr}` };
}
let count = 0;
// By the file, by its digest; not for another file.
function accepts(bundle, what, believed, by_digest = true) {
  fs.writeFileSync(at('bundle.json'), JSON.stringify(bundleToJSON(bundle)));
  for (const target of by_digest ? [file, `sha256:${digest}`] : [file]) {
    const done = run(tranche, ['verify', '--bundle', at('bundle.json'), ...believed, target]);
    assert.equal(done.code, 0, `${what}: ${done.text}`);
  }
  assert.equal(run(tranche, ['verify', '--bundle', at('bundle.json'), ...believed, at('other.bin')]).code, 6, what);
  count++;
}

async function keys() {
  const kinds = {
    p256: ['ec', { namedCurve: 'prime256v1' }, 'sha256'], p384: ['ec', { namedCurve: 'secp384r1' }, 'sha384'],
    p521: ['ec', { namedCurve: 'secp521r1' }, 'sha512'], ed25519: ['ed25519', {}, null],
    rsa2048: ['rsa', { modulusLength: 2048 }, 'sha256'], rsa3072: ['rsa', { modulusLength: 3072 }, 'sha256'],
    rsa4096: ['rsa', { modulusLength: 4096 }, 'sha256'],
  };
  for (const [name, [kind, options, hash]] of Object.entries(kinds)) {
    const pair = crypto.generateKeyPairSync(kind, options);
    const publicKey = pair.publicKey.export({ format: 'pem', type: 'spki' });
    fs.writeFileSync(at('key.pub'), publicKey);
    const signer = (algorithm, hint) => ({
      sign: async (data) => ({ signature: crypto.sign(algorithm, data, pair.privateKey),
                               key: { $case: 'publicKey', publicKey, hint } }),
    });
    // Their message digest is always SHA-256, and so is what their keys sign; without a hash the file itself is signed.
    const message = new MessageSignatureBundleBuilder({ signer: signer(hash && 'sha256', 'a name'), witnesses: [] });
    accepts(await message.create({ data: fs.readFileSync(file) }), `a file by ${name}`, ['--key', at('key.pub')], hash !== null);
    const envelope = new DSSEBundleBuilder({ signer: signer(hash, ''), witnesses: [] });
    accepts(await envelope.create({ data: statement, type }), `a statement by ${name}`, ['--key', at('key.pub')]);
  }
}

async function keyless() {
  const server = spawn(process.execPath, [path.join(here, 'sigstore_services.mjs'), '--trusted-root', at('root.json'),
    '--signing-config', at('one.json'), '1', '--signing-config', at('two.json'), '2'], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const url = await new Promise((resolve) => server.stdout.once('data', (text) => resolve(String(text).trim())));
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { aud: 'sigstore', iss: issuer, sub: subject, exp: Math.floor(Date.now() / 1000) + 600 };
    const token = `${part({ alg: 'none' })}.${part(claims)}.c2ln`;
    const identity = ['--certificate-identity', subject, '--certificate-oidc-issuer', issuer];
    const believed = [...identity, '--trusted-root', at('root.json')];
    const signer = () => new FulcioSigner({ fulcioBaseURL: url, identityProvider: { getToken: async () => token } });
    const rekor = (majorApiVersion, entryType) => new RekorWitness({ rekorBaseURL: url, majorApiVersion, entryType });
    const tsa = new TSAWitness({ tsaBaseURL: url });
    for (const witnesses of [[rekor(1)], [rekor(1), tsa], [rekor(2), tsa]]) {
      const builder = new MessageSignatureBundleBuilder({ signer: signer(), witnesses });
      accepts(await builder.create({ data: fs.readFileSync(file) }), 'a file, keyless', believed);
    }
    // Their envelopes go to a log of version 2 as dsse entries, which it no longer takes.
    for (const certificateChain of [false, true])
      for (const witnesses of [[rekor(1, 'dsse')], [rekor(1, 'dsse'), tsa], [rekor(1, 'intoto')], [rekor(1, 'intoto'), tsa]]) {
        const builder = new DSSEBundleBuilder({ signer: signer(), witnesses, certificateChain });
        accepts(await builder.create({ data: statement, type }), `a statement, keyless, ${certificateChain}`, believed);
      }
    const unlogged = await new MessageSignatureBundleBuilder({ signer: signer(), witnesses: [tsa] })
      .create({ data: fs.readFileSync(file) });
    fs.writeFileSync(at('unlogged.json'), JSON.stringify(bundleToJSON(unlogged)));
    const refused = run(tranche, ['verify', '--bundle', at('unlogged.json'), ...believed, '--json', file]);
    assert.equal(refused.code, 6);
    assert.match(refused.text, /"reason":"no-log-entry"/);

    // The suite's command line: signs files and statements as they are, and verifies them.
    const conformance = path.join(here, 'sigstore_conformance');
    fs.writeFileSync(at('statement.json'), statement);
    const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(fs.readFileSync(at('root.json'), 'utf8'))));
    const policy = { subjectAlternativeName: subject, extensions: { issuer } };
    for (const config of ['one.json', 'two.json'])
      for (const staging of [[], ['--staging']]) {
        const signed = (in_toto, input) => {
          const done = run(conformance, ['sign-bundle', ...staging, ...in_toto, '--identity-token', token, '--bundle',
            at('made.json'), '--trusted-root', at('root.json'), '--signing-config', at(config), input]);
          assert.equal(done.code, 0, done.text);
          return bundleFromJSON(JSON.parse(fs.readFileSync(at('made.json'), 'utf8')));
        };
        const verifies = (target) => run(conformance, ['verify-bundle', ...staging, '--bundle', at('made.json'), ...identity,
          '--trusted-root', at('root.json'), target]).code;
        const bytes = signed([], file);
        new Verifier(material).verify(toSignedEntity(bytes, fs.readFileSync(file)), policy);
        assert.deepEqual([verifies(file), verifies(`sha256:${digest}`)], [0, 0]);
        assert.notEqual(verifies(at('other.bin')), 0);
        const claim = signed(['--in-toto'], at('statement.json'));
        assert.deepEqual(claim.content.dsseEnvelope.payload, statement, 'a statement is signed as it is');
        // The npm client does not know envelopes in a log of version 2.
        if (config === 'one.json') new Verifier(material).verify(toSignedEntity(claim), policy);
        assert.deepEqual([verifies(file), verifies(`sha256:${digest}`)], [0, 0]);
        assert.notEqual(verifies(at('statement.json')), 0);
      }
    const defaults = { SIGSTORE_TRUSTED_ROOT: at('root.json'), SIGSTORE_SIGNING_CONFIG: at('one.json') };
    assert.equal(run(conformance, ['sign-bundle', '--identity-token', token, '--bundle', at('made.json'), file], defaults).code, 0);
    assert.equal(run(conformance, ['verify-bundle', '--bundle', at('made.json'), ...identity, file], defaults).code, 0);
    assert.notEqual(run(conformance, ['verify-bundle', '--bundle', at('made.json'), ...identity, file]).code, 0);
  } finally {
    server.stdin.end();
  }
}

try {
  await keys();
  await keyless();
  console.log(`sigstore_npm_story: ok, ${count} bundles of the npm client verified`);
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}
