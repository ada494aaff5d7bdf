// notify_story.mjs TRANCHE: a rollback that tells everybody, by the built binary, to services that are strict.
//
// The services (notify_services.mjs) judge what they are sent, and then misbehave: they refuse assignees, fail first, ask for
// patience, take a request and never answer; and tranche is killed while it waits for them. Whatever happens, one issue, one
// incident, one deployment status and one message are there at the end, and no secret stands in anything that tranche said or
// kept.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { anew, base, behave, described, secrets, server, waiting, world, wrong } from './notify_services.mjs';

const tranche = path.resolve(process.argv[2]);
const top = fs.mkdtempSync(path.join(os.tmpdir(), 'tranche-notify-'));
const home = path.join(top, 'home'), repository = path.join(top, 'repository'), keys = path.join(top, 'keys');
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }));

// ---- tranche
const said = [];  // everything that any run of it said
async function run(words, { killed } = {}) {
  const child = spawn(tranche, words, { cwd: repository, env: { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8', ...secrets } });
  let out = '', err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  if (killed) killed(() => child.kill('SIGKILL'));
  const [code] = await once(child, 'close');
  said.push(out, err);
  return { code, out, err };
}
async function must(...words) {
  const done = await run(words);
  assert.equal(done.code, 0, `tranche ${words.join(' ')}: exit ${done.code}: ${done.out}${done.err}`);
  return done;
}
const steps = `
      - { uses: channel.withdraw }
      - { uses: channel.fallback }
      - { uses: launchdarkly.set, with: { project: notes, environment: production, flag: agent, value: false, api: "${base}/ld" }, retry: { attempts: 3, backoff: 100ms } }
      - { uses: github.issue, with: { repo: acme/notes, api: "${base}/github", labels: [rollback], assignees: [nobody, agent] }, retry: { attempts: 4, backoff: 100ms }, timeout: 2s }
      - { uses: github.deployment-status, with: { repo: acme/notes, api: "${base}/github" }, retry: { attempts: 4, backoff: 100ms }, timeout: 2s }
      - { uses: gitlab.issue, with: { project: acme/notes, api: "${base}/gitlab", labels: [rollback], assignees: [ana] }, retry: { attempts: 4, backoff: 100ms }, timeout: 2s }
      - { uses: pagerduty.trigger, with: { routing-key: env:TRANCHE_PAGER, api: "${base}/pagerduty", details: { runbook: "https://wiki.example/$release" } }, retry: { attempts: 4, backoff: 100ms }, timeout: 2s }
      - { uses: slack.post, with: { webhook: env:TRANCHE_SLACK } }
      - { uses: http.request, with: { url: "${base}/hook", headers: { X-Key: env:TRANCHE_HEADER }, body: { text: $reason }, sign: { secret: env:TRANCHE_SIGN, header: X-Hub-Signature-256 } } }
      - { uses: token.revoke, with: { kind: oauth, url: "${base}/oauth/revoke", token: env:TRANCHE_OAUTH, client-id: tranche, client-secret: env:TRANCHE_OAUTH_CLIENT } }
      - { uses: token.revoke, with: { kind: vault-lease, url: "${base}/vault", token: env:TRANCHE_VAULT, lease: aws/creds/notes/1 } }
      - { uses: token.revoke, with: { kind: vault-token, url: "${base}/vault", token: env:TRANCHE_VAULT } }
      - { uses: pagerduty.resolve, with: { routing-key: env:TRANCHE_PAGER, api: "${base}/pagerduty" } }
      - { uses: token.revoke, with: { kind: github-installation, url: "${base}/github", token: env:TRANCHE_GITHUB_TOKEN } }`;
for (const directory of [home, keys, path.join(repository, 'dist'), path.join(repository, 'keys')]) fs.mkdirSync(directory, { recursive: true });
execFileSync('git', ['init', '-q', repository]);
execFileSync('git', ['-C', repository, 'config', 'user.email', 'ana@example.invalid']);
execFileSync('git', ['-C', repository, 'config', 'user.name', 'Ana']);
for (const role of ['release', 'feed', 'journal']) await must('key', 'generate', role, '--secret', path.join(keys, `${role}.pem`), '--public', `keys/${role}.pub`, '--quiet');
fs.writeFileSync(path.join(repository, 'sbom.json'), '{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[]}');
fs.writeFileSync(path.join(repository, 'tranche.yaml'), `version: 1
app: notes
artifacts: [ { path: "dist/notes-{version}.bin", platform: linux/amd64 } ]
sbom: { file: sbom.json }
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing: { release: "file:${keys}/release.pem", feed: "file:${keys}/feed.pem", journal: "file:${keys}/journal.pem" }
state: "dir:state"
channels: { stable: { store: "dir:public" } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
rollouts: { desktop: { channel: stable, stages: [ { percent: 100, bake: 0s..1h, gates: [] } ], on-failure: rollback } }
playbooks:
  rollback:
    steps:${steps}
`);
await must('check', '--quiet');
async function ship(version) {
  fs.writeFileSync(path.join(repository, `dist/notes-${version}.bin`), `the code of ${version}`);
  await must('release', 'create', version, '--quiet');
  await must('rollout', 'start', 'desktop', '--release', version, '--accept-no-way-back', '--quiet');
}
async function status() { return JSON.parse((await run(['rollout', 'status', 'desktop', '--json'])).out); }
const stopWords = (reason) => ['stop', 'desktop', '--reason', reason];
const ofPlaybook = (shown) => (shown.playbook?.steps ?? []).map((step) => `${step.uses} ${step.status}`);

await ship('1.0.0');
for (let i = 0; i < 4; ++i) await run(['rollout', 'advance', 'desktop', '--pending-ok', '--quiet']);
console.log(described);
let number = 0;
// Ships a release, takes it back while the services behave as the scene says, and looks at what is there.
async function scene(name, given, { reason = 'crashes on start', drive, expect = {} } = {}) {
  anew();
  behave({});
  const version = `1.${++number}.0`;
  await ship(version);
  behave(given);
  if (drive) await drive(version);
  else await run([...stopWords(reason), '--json']);
  let shown = await status();
  // Steps that a service asked to wait, and those that were cut short, are finished by the next ticks.
  for (let i = 0; i < 40 && !['rolled-back', 'stranded'].includes(shown.phase); ++i) {
    await new Promise((done) => setTimeout(done, 100));
    await run(['rollout', 'advance', 'desktop', '--pending-ok', '--json']);
    shown = await status();
  }
  for (const one of waiting) one.destroy();
  waiting.clear();
  assert.equal(shown.phase, 'rolled-back', `${name}: ${JSON.stringify(shown)}`);
  const states = ofPlaybook(shown);
  const other = expect.steps ?? {};
  for (const line of states) {
    const [uses, state] = line.split(' ');
    assert.equal(state, other[uses] ?? 'done', `${name}: ${line}: ${JSON.stringify(shown.playbook)}`);
  }
  assert.deepEqual(wrong, [], name);
  const key = [...world.incidents.keys()];
  assert.equal(world.issues.length, expect.issues ?? 1, `${name}: issues`);
  assert.equal(world.gitlab.length, 1, `${name}: issues on GitLab`);
  assert.deepEqual(world.statuses.map((one) => one.state), ['failure'], `${name}: statuses`);
  assert.equal(world.deployments.length, 1, `${name}: deployments`);
  assert.equal(world.incidents.size, 1, `${name}: incidents`);
  assert.ok(key[0].startsWith(`tranche/notes/desktop/${version}/`), key[0]);
  assert.equal(world.incidents.get(key[0]), 'closed', name);
  assert.equal(world.messages.length, expect.messages ?? 1, `${name}: messages`);
  assert.equal(new Set(world.hooks).size, 1, `${name}: hooks`);
  assert.equal(world.flag, false, name);
  for (const what of ['oauth', 'aws/creds/notes/1', 'vault', 'github']) assert.ok(world.revoked.includes(what), `${name}: ${what} is not revoked`);
  if (world.issues.length) {
    const [issue] = world.issues;
    assert.equal(issue.title, `Release ${version} of notes was taken back`);
    assert.match(issue.body, new RegExp(`\\n<!-- tranche:notes/desktop/${version.replaceAll('.', '\\.')}/\\d+ -->\\n$`));
  }
  console.log(`${name}: ${world.requests} requests, ${states.length} steps`);
  return shown;
}

const posts = (what) => (request) => request.method === 'POST' && request.path.endsWith(what);
const first = (times, is, then) => { let seen = 0; return (request) => (is(request) && seen++ < times ? then : undefined); };
const both = (...all) => (request) => all.map((one) => one(request)).find((one) => one !== undefined);

await scene('everybody is told once', {});
assert.deepEqual(world.issues[0].assignees.map((one) => one.login), ['nobody', 'agent']);
assert.match(world.messages[0], /^Release 1\.1\.0 of notes was taken back: stopped: crashes on start/);
await scene('an assignee that GitHub refuses does not lose the issue', { assignees: true });
assert.deepEqual(world.issues[0].labels.map((one) => one.name), ['rollback']);
assert.deepEqual(world.issues[0].assignees.map((one) => one.login), ['agent']);
const oops = [500, { message: 'oops' }];
await scene('servers that fail first', { before: both(first(1, posts('/issues'), oops), first(2, posts('/deployments'), oops), first(1, posts('/statuses'), oops), first(2, posts('/enqueue'), oops),
  first(1, (request) => request.method === 'PATCH', oops)) });
await scene('answers that are lost after the deed', { after: both(first(1, posts('/acme/notes/issues'), 'drop'), first(1, posts('acme%2Fnotes/issues'), 'drop'), first(1, posts('/deployments'), 'drop'),
  first(1, posts('/statuses'), 'drop'), first(1, posts('/enqueue'), 'drop'), first(1, (request) => request.method === 'PATCH', 'drop')) });
await scene('answers that never come', { after: first(1, posts('/acme/notes/issues'), 'stay') });
await scene('a rate limit', { before: both(first(1, posts('/acme/notes/issues'), [403, { message: 'You have exceeded a secondary rate limit.' }, { 'retry-after': '1' }]),
  first(1, posts('/enqueue'), [429, '', { 'retry-after': '1' }])) });
await scene('a hostile reason', {}, { reason: '@everyone <!channel> ``` </details> <!-- tranche:notes --> /close', drive: undefined });
assert.ok(!world.messages[0].includes('<!channel>') && world.messages[0].includes('&lt;!channel&gt;'));
// Killed while a service thinks: the deed is done, and nobody heard it.
for (const what of ['/acme/notes/issues', 'acme%2Fnotes/issues', '/deployments', '/statuses', '/enqueue', '/api/v2/flags/notes/agent', '/oauth/revoke', '/revoke-self'])
  await scene(`killed while ${what} answers`, {}, {
    drive: async () => {
      let kill = () => {};
      let done = false;
      behave({ after: (request) => {
        if (done || request.method === 'GET' || !request.path.endsWith(what)) return undefined;
        done = true;
        kill();
        return 'stay';
      } });
      const killed = await run(stopWords('crashes on start'), { killed: (how) => (kill = how) });
      assert.equal(killed.code, null, 'it was not killed');
    },
  });
// Nobody can be asked whether Slack has a message: it is shown as unknown, and not sent again.
await scene('killed while Slack answers', {}, {
  drive: async () => {
    let kill = () => {};
    behave({ after: (request) => (request.path.startsWith('/slack/') ? (kill(), 'stay') : undefined) });
    assert.equal((await run(stopWords('crashes on start'), { killed: (how) => (kill = how) })).code, null);
  },
  expect: { steps: { 'slack.post': 'unknown' } },
});

// ---- no secret in anything that was said or kept
await must('journal', 'verify', '--quiet');
said.push((await must('journal', 'show', '--last', '10000', '--json')).out, (await must('rollout', 'history', 'desktop', '--json')).out, (await run(['rollout', 'status', 'desktop'])).out);
let files = 0;
const walk = (directory) => fs.readdirSync(directory, { withFileTypes: true }).forEach((one) => {
  const at = path.join(directory, one.name);
  if (one.isDirectory()) walk(at);
  else { said.push(fs.readFileSync(at, 'latin1')); ++files; }
});
['state', 'public'].forEach((name) => walk(path.join(repository, name)));
walk(home);
for (const [name, secret] of Object.entries({ ...secrets, TRANCHE_SLACK: 'TENTHSECRET' }))
  for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
    assert.ok(!said.some((text) => text.includes(form)), `${name} was said or kept`);
console.log(`no secret in ${said.length} outputs and files (${files} files)`);
server.close();
server.closeAllConnections();
