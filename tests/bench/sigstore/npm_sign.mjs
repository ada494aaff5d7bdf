// npm_sign.mjs CLIENTS KEY FILE...: Sigstore's npm client signs each file with a key, as `tranche sign` does.
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
const [clients, pem, ...files] = process.argv.slice(2);
const require = createRequire(`${clients}/package.json`);
const { MessageSignatureBundleBuilder } = require('@sigstore/sign');
const { bundleToJSON } = require('@sigstore/bundle');
const key = crypto.createPrivateKey(fs.readFileSync(pem));
const publicKey = crypto.createPublicKey(key).export({ format: 'pem', type: 'spki' });
const signer = {
  sign: async (data) => ({ signature: crypto.sign('sha256', data, key), key: { $case: 'publicKey', publicKey, hint: 'key' } }),
};
const builder = new MessageSignatureBundleBuilder({ signer, witnesses: [] });
for (const file of files) {
  const bundle = await builder.create({ data: fs.readFileSync(file) });
  fs.writeFileSync(`${file}.npm.json`, JSON.stringify(bundleToJSON(bundle)));
}
