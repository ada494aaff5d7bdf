// sigstore_agreement.mjs TRANCHE: the npm client (@sigstore/verify) and the built binary judge the conformance suite's
// cases, by file; where they differ, the suite says who is right, and it must be us. The npm client gives no reasons.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');

const tranche = path.resolve(process.argv[2]);
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const corpus = [process.env.TRANCHE_CORPORA, path.join(root, '../shared/corpora')]
  .filter(Boolean).map((p) => path.join(p, 'sigstore')).find((p) => fs.existsSync(p));
if (!corpus) {
  console.error('skipped: the test data is missing below TRANCHE_CORPORA');
  process.exit(process.env.TRANCHE_REQUIRE_CORPORA === '1' ? 1 : 77);
}
const identity = 'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/' +
  'extremely-dangerous-oidc-beacon.yml@refs/heads/main';
const issuer = 'https://token.actions.githubusercontent.com';

function peer(bundle, artifact, trustedRoot, key) {
  try {
    const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(fs.readFileSync(trustedRoot, 'utf8'))),
      key && (() => ({ publicKey: require('node:crypto').createPublicKey(fs.readFileSync(key)), validFor: () => true })));
    const policy = key ? undefined : { subjectAlternativeName: identity, extensions: { issuer } };
    const entity = toSignedEntity(bundleFromJSON(JSON.parse(fs.readFileSync(bundle, 'utf8'))), fs.readFileSync(artifact));
    new Verifier(material).verify(entity, policy);
    return { accepts: true };
  } catch (error) {
    return { accepts: false, words: error.message };
  }
}

let wrong = 0;
let differ = 0;
let count = 0;
for (const name of fs.readdirSync(path.join(corpus, 'bundle-verify')).sort()) {
  const at = path.join(corpus, 'bundle-verify', name);
  const here = (file, otherwise) => fs.existsSync(path.join(at, file)) ? path.join(at, file) : otherwise && path.join(corpus, otherwise);
  const bundle = path.join(at, 'bundle.sigstore.json');
  const artifact = here('artifact', 'a.txt');
  const trustedRoot = here('trusted_root.json', 'trusted_root.production.json');
  const key = here('key.pub');
  const believed = key ? ['--key', key] : ['--certificate-identity', identity, '--certificate-oidc-issuer', issuer];
  const done = spawnSync(tranche, ['verify', '--bundle', bundle, '--trusted-root', trustedRoot, ...believed, '--json', artifact],
    { encoding: 'utf8', timeout: 60_000, cwd: '/' });
  const ours = done.status === 0;
  const theirs = peer(bundle, artifact, trustedRoot, key);
  const right = !name.endsWith('_fail');
  count++;
  if (ours !== theirs.accepts) {
    differ++;
    console.log(`${name}: the npm client ${theirs.accepts ? 'accepts' : `refuses (${theirs.words})`}, ours exits ${done.status}`);
  }
  if (ours !== right) {
    wrong++;
    console.log(`${name}: exit ${done.status}\n${done.stdout}${done.stderr}`);
  }
}
console.log(`${count} cases, ${differ} judged otherwise by the npm client, ${wrong} judged wrong by ours`);
process.exit(wrong === 0 && count > 0 ? 0 : 1);
