// pulls_story.mjs TRANCHE: a service that is carried by pull requests, to a GitHub that is strict (notify_services.mjs): answers
// are lost, a person merges, closes, and squashes under words of their own; and the way back is a pull request as well.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { base, behave, described, secrets, server, world, wrong } from './notify_services.mjs';

const tranche = path.resolve(process.argv[2]);
const top = fs.mkdtempSync(path.join(os.tmpdir(), 'tranche-pulls-'));
const home = path.join(top, 'home'), repository = path.join(top, 'repository'), bare = path.join(top, 'deploy.git'), ana = path.join(top, 'ana');
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }));
const environment = { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8', ...secrets };
const git = (...words) => execFileSync('git', ['-c', 'user.name=Ana', '-c', 'user.email=ana@example.invalid', ...words], { env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

async function run(...words) {
  const child = spawn(tranche, [...words, '--json'], { cwd: repository, env: environment });
  let out = '', err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const [code] = await once(child, 'close');
  assert(!(out + err).includes(secrets.TRANCHE_GITHUB_TOKEN), 'the token was said');
  return { code, out, err, json: JSON.parse(out) };
}
async function must(...words) {
  const done = await run(...words);
  assert.equal(done.code, 0, `tranche ${words.join(' ')}: exit ${done.code}: ${done.out}${done.err}`);
  return done.json;
}
const values = () => git('-C', bare, 'show', 'main:values.yaml');
// As a person would, in the browser.
function merge(squash) {
  const pull = world.pulls.find((one) => one.state === 'open');
  git('-C', ana, 'fetch', '-q', 'origin');
  git('-C', ana, 'reset', '-q', '--hard', 'origin/main');
  git('-C', ana, 'merge', '-q', squash ? '--squash' : '--no-ff', `origin/${pull.head.ref}`);
  if (squash) git('-C', ana, 'commit', '-q', '-m', 'words of my own');
  git('-C', ana, 'push', '-q', 'origin', 'HEAD:main');
  Object.assign(pull, { state: 'closed', merged_at: new Date().toISOString(), merge_commit_sha: git('-C', bare, 'rev-parse', 'main').trim() });
}
// A wait is looked at again after half a minute; the story has no time for that.
async function until(done, what) {
  const end = Date.now() + 90_000;
  for (;;) {
    const report = (await run('rollout', 'advance', 'backend')).json;
    if (report.phase && done(report)) return report;
    assert(Date.now() < end, `never ${what}: ${JSON.stringify(report)}`);
    await new Promise((wake) => setTimeout(wake, 500));
  }
}

for (const directory of [home, path.join(repository, 'keys')]) fs.mkdirSync(directory, { recursive: true });
git('init', '-q', repository);
git('init', '-q', '-b', 'main', '--bare', bare);
git('clone', '-q', bare, ana);
fs.writeFileSync(path.join(ana, 'values.yaml'), 'image: { tag: 1.0.0 }\ncanary: 0\n');
git('-C', ana, 'add', '-A');
git('-C', ana, 'commit', '-q', '-m', 'as it was');
git('-C', ana, 'push', '-q', 'origin', 'HEAD:main');
fs.writeFileSync(path.join(repository, 'backend.lock'), 'what is deployed\n');
fs.writeFileSync(path.join(repository, 'tranche.yaml'), `version: 1
app: backend
artifacts: [ backend.lock ]
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing: { release: "file:${top}/release.pem", feed: "file:${top}/feed.pem", journal: "file:${top}/journal.pem" }
state: "dir:state"
rollouts:
  backend:
    target:
      gitops:
        remote: "file://${bare}"
        token: env:TRANCHE_GITHUB_TOKEN
        pull-request: acme/deploy
        api: "${base}/github"
        edits: [ { file: values.yaml, key: image.tag, value: "{version}" }, { file: values.yaml, key: canary, value: "{percent}" } ]
    stages: [ { percent: 20, bake: 0s, gates: [] }, { percent: 100, bake: 1h, gates: [] } ]
`);
for (const role of ['release', 'feed', 'journal']) await must('key', 'generate', role, '--secret', path.join(top, `${role}.pem`), '--public', `keys/${role}.pub`);
await must('release', 'create', '1.1.0');

let dropped = false;
behave({ after: (request) => (request.method === 'POST' && !dropped ? ((dropped = true), 'drop') : undefined) });
const lost = await run('rollout', 'start', 'backend', '--release', '1.1.0');
assert.equal(lost.code, 1, lost.out);
let report = await until((one) => one.trouble && one.trouble.attempts === 0, 'waited for');
assert.match(report.trouble.error, /waits for pull request #1 of acme\/deploy to be merged/);
assert.equal(world.pulls.length, 1);
assert.equal(values(), 'image: { tag: 1.0.0 }\ncanary: 0\n');
merge(true);
report = await until((one) => one.stage.name === '100%' || world.pulls.length === 2, 'at its second stage');
assert.equal(values(), 'image: { tag: 1.1.0 }\ncanary: 20\n');
console.log('a pull request whose answer was lost is found again, and counts when it is merged');

const stopped = await must('stop', 'backend', '--reason', 'it is slow');
assert.equal(stopped.phase, 'rolling-back', JSON.stringify(stopped));
assert.equal(world.pulls.find((one) => one.number === 2).state, 'closed');
merge(false);
report = await until((one) => one.phase === 'rolled-back', 'taken back');
assert.equal(values(), 'image: { tag: 1.0.0 }\ncanary: 0\n');
assert.equal(world.pulls.length, 3);
console.log('stopped: what was open is closed, and the way back is a pull request, too');
assert.deepEqual(wrong, []);
console.log(described);
server.close();
process.exit(0);
