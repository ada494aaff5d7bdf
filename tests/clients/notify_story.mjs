// notify_story.mjs TRANCHE: a rollback that tells everybody, by the built binary, to services that are strict.
//
// GitHub is judged by its own description of its API (@octokit/openapi through openapi-backend): a request that it does not
// describe is an error of the story. PagerDuty, Slack, GitLab, LaunchDarkly, the OAuth server and Vault by schemas written
// from their documentation. The services then misbehave: they refuse assignees, fail first, ask for patience, take a request
// and never answer; and tranche is killed while it waits for them. Whatever happens, one issue, one incident, one
// deployment status and one message are there at the end, and no secret stands in anything that tranche said or kept.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
const require = createRequire(import.meta.url);
const { OpenAPIBackend } = require('openapi-backend');
const Ajv = require('ajv').default;
const addFormats = require('ajv-formats').default;

const tranche = path.resolve(process.argv[2]);
const top = fs.mkdtempSync(path.join(os.tmpdir(), 'tranche-notify-'));
const home = path.join(top, 'home'), repository = path.join(top, 'repository'), keys = path.join(top, 'keys');
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }));

const secrets = {
  TRANCHE_GITHUB_TOKEN: 'ghs_FIRSTSECRETFIRSTSECRET', TRANCHE_GITLAB_TOKEN: 'glpat-SECONDSECRET',
  TRANCHE_LAUNCHDARKLY_TOKEN: 'api-THIRD/SECRET', TRANCHE_PAGER: 'R0FOURTHSECRETFOURTHSECRET000000', TRANCHE_OAUTH: 'FIFTH+SECRET/=',
  TRANCHE_OAUTH_CLIENT: 'SIXTH:SECRET', TRANCHE_VAULT: 'hvs.SEVENTHSECRET', TRANCHE_SIGN: 'EIGHTHSECRET', TRANCHE_HEADER: 'NINTHSECRET',
};

// ---- the services
// `nullable` beside no `type` is more than ajv reads; none of it stands in what tranche sends.
function readable(schema) {
  if (Array.isArray(schema)) schema.forEach(readable);
  else if (schema && typeof schema === 'object') {
    if ('nullable' in schema && !('type' in schema)) delete schema.nullable;
    Object.values(schema).forEach(readable);
  }
  return schema;
}
const definition = readable(JSON.parse(fs.readFileSync(require.resolve('@octokit/openapi/generated/api.github.com.json'))));
// The whole description takes long to prepare; what lies outside these paths is unknown to the story, and so refused.
const paths = Object.keys(definition.paths).length;
definition.paths = Object.fromEntries(Object.entries(definition.paths).filter(([name]) => /^\/(repos\/\{owner\}\/\{repo\}\/(issues|deployments)(\/|$)|installation\/|user$)/.test(name)));
const github = new OpenAPIBackend({ definition, quick: true, strict: false, ajvOpts: { strict: false, validateFormats: false, coerceTypes: true } });
await github.init();
console.log(`GitHub: ${Object.keys(definition.paths).length} of ${paths} paths of its description`);
const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
const text = (most) => ({ type: 'string', minLength: 1, maxLength: most });
const closed = (properties, required) => ajv.compile({ type: 'object', properties, required, additionalProperties: false });
const schemas = {
  // developer.pagerduty.com: Events API v2, "Send an alert event".
  pagerduty: closed({ routing_key: { type: 'string', minLength: 32, maxLength: 32 }, event_action: { enum: ['trigger', 'acknowledge', 'resolve'] }, dedup_key: text(255),
    client: text(255), client_url: { type: 'string', format: 'uri' },
    payload: { type: 'object', additionalProperties: false, required: ['summary', 'source', 'severity'], properties: { summary: text(1024), source: text(255),
      severity: { enum: ['critical', 'error', 'warning', 'info'] }, timestamp: { type: 'string', format: 'date-time' }, component: text(255), group: text(255), class: text(255),
      custom_details: { type: 'object' } } } }, ['routing_key', 'event_action', 'dedup_key']),
  slack: closed({ text: text(40000) }, ['text']),  // docs.slack.dev: "Sending messages using incoming webhooks"
  // docs.gitlab.com/api/issues: "New issue"; the members that are not used are not listed.
  gitlab: closed({ title: text(255), description: text(1048576), labels: text(1000), assignee_ids: { type: 'array', items: { type: 'integer' } } }, ['title']),
  // launchdarkly.com/docs/api: "Update feature flag", semantic patch.
  launchdarkly: closed({ environmentKey: text(64), comment: { type: 'string' }, instructions: { type: 'array', minItems: 1, items: { type: 'object', required: ['kind'],
    additionalProperties: false, properties: { kind: { enum: ['turnFlagOn', 'turnFlagOff'] } } } } }, ['environmentKey', 'instructions']),
  lease: closed({ lease_id: text(500), sync: { type: 'boolean' } }, ['lease_id']),  // developer.hashicorp.com: /sys/leases
};
let world;
const anew = () => { world = { issues: [], gitlab: [], deployments: [], statuses: [], incidents: new Map(), events: 0, messages: [], hooks: [], flag: true, revoked: [], requests: 0 }; };
anew();
const wrong = [];  // what a strict service would have refused
let manners = {};  // of this scene: name of a request -> function(request, respond) or undefined
const judge = (name, body) => { if (!schemas[name](body)) wrong.push(`${name}: ${ajv.errorsText(schemas[name].errors)}: ${JSON.stringify(body)}`); };
const authorised = (request, name, value) => { if (request.headers[name] !== value) wrong.push(`${request.url}: ${name} is ${request.headers[name]}`); };

async function githubAnswers(request) {
  authorised(request, 'authorization', `Bearer ${secrets.TRANCHE_GITHUB_TOKEN}`);
  authorised(request, 'x-github-api-version', '2022-11-28');
  const found = github.matchOperation({ method: request.method, path: request.path, headers: request.headers, query: request.query, body: request.body });
  if (!found) { wrong.push(`GitHub has no ${request.method} ${request.path}`); return [404, { message: 'Not Found' }]; }
  const judged = github.validateRequest({ method: request.method, path: request.path, headers: request.headers, query: request.query, body: request.body }, found);
  if (judged.errors?.length) wrong.push(`GitHub: ${request.method} ${request.path}: ${JSON.stringify(judged.errors)}`);
  const id = Number(request.path.split('/')[5]);
  switch (found.operationId) {
    case 'issues/list-for-repo': return [200, world.issues.slice((request.query.page - 1) * request.query.per_page, request.query.page * request.query.per_page)];
    case 'issues/create': {
      if (manners.assignees && request.body.assignees?.includes('nobody')) return [422, { message: 'Validation Failed', errors: [{ field: 'assignees', code: 'invalid' }] }];
      const issue = { ...request.body, number: world.issues.length + 1, html_url: `http://127.0.0.1/${world.issues.length + 1}`, created_at: new Date().toISOString(),
        author_association: 'NONE', user: { login: 'github-actions[bot]', type: 'Bot' }, state: 'open',
        labels: (request.body.labels ?? []).map((name) => ({ name })), assignees: (request.body.assignees ?? []).map((login) => ({ login })) };
      world.issues.unshift(issue);
      return [201, issue];
    }
    case 'issues/add-labels': world.issues.find((issue) => issue.number === id).labels.push(...request.body.labels.map((name) => ({ name }))); return [200, world.issues.find((issue) => issue.number === id).labels];
    case 'issues/add-assignees': {
      const issue = world.issues.find((one) => one.number === id);
      issue.assignees.push(...request.body.assignees.filter((login) => login !== 'nobody').map((login) => ({ login })));
      return [201, issue];
    }
    case 'repos/list-deployments': return [200, world.deployments.filter((one) => one.ref === request.query.ref && one.environment === request.query.environment)];
    case 'repos/create-deployment': world.deployments.unshift({ ...request.body, id: world.deployments.length + 1 }); return [201, world.deployments[0]];
    case 'repos/list-deployment-statuses': return [200, world.statuses.filter((one) => one.deployment === id)];
    case 'repos/create-deployment-status': world.statuses.unshift({ ...request.body, deployment: id, id: world.statuses.length + 1 }); return [201, world.statuses[0]];
    case 'apps/revoke-installation-access-token': world.revoked.push('github'); return [204];
    default: wrong.push(`GitHub: nobody asked for ${found.operationId}`); return [404, { message: 'Not Found' }];
  }
}
async function answer(request) {
  const { method, path: at, body } = request;
  if (at.startsWith('/github/')) return githubAnswers({ ...request, path: at.slice('/github'.length) });
  if (at.startsWith('/gitlab/')) {
    authorised(request, 'private-token', secrets.TRANCHE_GITLAB_TOKEN);
    if (method === 'GET' && at === '/gitlab/users') return [200, request.query.username === 'ana' ? [{ id: 7, username: 'ana' }] : []];
    assert.equal(at, '/gitlab/projects/acme%2Fnotes/issues');
    if (method === 'GET') return [200, world.gitlab];
    judge('gitlab', body);
    world.gitlab.unshift({ ...body, iid: world.gitlab.length + 1, web_url: 'http://127.0.0.1/gitlab', assignees: (body.assignee_ids ?? []).map((id) => ({ id })) });
    return [201, world.gitlab[0]];
  }
  if (at === '/pagerduty/v2/enqueue') {
    judge('pagerduty', body);
    ++world.events;
    if (body.event_action === 'trigger') world.incidents.set(body.dedup_key, 'open');
    else if (world.incidents.has(body.dedup_key)) world.incidents.set(body.dedup_key, 'closed');
    return [202, { status: 'success', message: 'Event processed', dedup_key: body.dedup_key }];
  }
  if (at === '/slack/services/T0/B0/TENTHSECRET') { judge('slack', body); world.messages.push(body.text); return [200, 'ok']; }
  if (at === '/ld/api/v2/flags/notes/agent') {
    authorised(request, 'authorization', secrets.TRANCHE_LAUNCHDARKLY_TOKEN);
    if (method === 'PATCH') {
      if (!/^application\/json; *domain-model=launchdarkly\.semanticpatch$/.test(request.headers['content-type'])) wrong.push(`LaunchDarkly: ${request.headers['content-type']}`);
      judge('launchdarkly', body);
      world.flag = body.instructions.at(-1).kind === 'turnFlagOn';
    }
    return [200, { key: 'agent', environments: { production: { on: world.flag } } }];
  }
  if (at === '/oauth/revoke') {
    // RFC 6749 section 2.3.1, RFC 7009 section 2.1.
    const [id, secret] = Buffer.from(request.headers.authorization.slice(6), 'base64').toString().split(':').map(decodeURIComponent);
    assert.deepEqual([id, secret], ['tranche', secrets.TRANCHE_OAUTH_CLIENT]);
    assert.equal(request.headers['content-type'], 'application/x-www-form-urlencoded');
    assert.deepEqual(Object.fromEntries(new URLSearchParams(request.raw)), { token: secrets.TRANCHE_OAUTH });
    world.revoked.push('oauth');
    return [200];
  }
  if (at === '/vault/v1/sys/leases/revoke') {
    authorised(request, 'x-vault-token', secrets.TRANCHE_VAULT);
    judge('lease', body);
    world.revoked.push(body.lease_id);
    return [204];
  }
  if (at === '/vault/v1/auth/token/revoke-self') {
    authorised(request, 'x-vault-token', secrets.TRANCHE_VAULT);
    world.revoked.push('vault');
    return [204];
  }
  if (at === '/hook') {
    authorised(request, 'x-key', secrets.TRANCHE_HEADER);
    const mac = crypto.createHmac('sha256', secrets.TRANCHE_SIGN).update(request.raw).digest('hex');
    authorised(request, 'x-hub-signature-256', `sha256=${mac}`);
    world.hooks.push(request.headers['idempotency-key']);
    return [200];
  }
  wrong.push(`nobody serves ${method} ${at}`);
  return [404, { message: 'Not Found' }];
}
const waiting = new Set();  // connections that got no answer
const server = http.createServer((incoming, outgoing) => {
  const chunks = [];
  incoming.on('data', (chunk) => chunks.push(chunk));
  incoming.on('end', async () => {
    const url = new URL(incoming.url, 'http://127.0.0.1');
    const raw = Buffer.concat(chunks).toString();
    const request = { method: incoming.method, path: url.pathname, query: Object.fromEntries(url.searchParams), headers: incoming.headers, raw };
    try { request.body = (incoming.headers['content-type'] ?? '').startsWith('application/json') ? JSON.parse(raw) : undefined; } catch { wrong.push(`no JSON: ${raw}`); }
    ++world.requests;
    const say = ([status, content = '', headers = {}]) => {
      outgoing.writeHead(status, headers);
      outgoing.end(typeof content === 'string' ? content : JSON.stringify(content));
    };
    const manner = manners.before?.(request);
    if (manner === 'stay') { waiting.add(outgoing); return; }
    if (manner) { say(manner); return; }
    try {
      const done = await answer(request);
      const after = manners.after?.(request);
      if (after === 'drop') { incoming.socket.destroy(); return; }
      if (after === 'stay') { waiting.add(outgoing); return; }
      say(done);
    } catch (error) { wrong.push(`${request.method} ${request.path}: ${error.message}`); say([500, {}]); }
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const base = `http://127.0.0.1:${server.address().port}`;
secrets.TRANCHE_SLACK = `${base}/slack/services/T0/B0/TENTHSECRET`;

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
  await must('rollout', 'start', 'desktop', '--release', version, '--accept-no-way-back', '--quiet', '--pending-ok');
}
async function status() { return JSON.parse((await run(['rollout', 'status', 'desktop', '--json'])).out); }
const stopWords = (reason) => ['stop', 'desktop', '--reason', reason];
const ofPlaybook = (shown) => (shown.playbook?.steps ?? []).map((step) => `${step.uses} ${step.status}`);

await ship('1.0.0');
for (let i = 0; i < 4; ++i) await run(['rollout', 'advance', 'desktop', '--pending-ok', '--quiet']);
let number = 0;
// Ships a release, takes it back while the services behave as the scene says, and looks at what is there.
async function scene(name, given, { reason = 'crashes on start', drive, expect = {} } = {}) {
  anew();
  manners = {};
  const version = `1.${++number}.0`;
  await ship(version);
  manners = given;
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
assert.match(world.messages[0], /^Release 1\.1\.0 of notes was taken back: crashes on start/);
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
      manners.after = (request) => {
        if (done || request.method === 'GET' || !request.path.endsWith(what)) return undefined;
        done = true;
        kill();
        return 'stay';
      };
      const killed = await run(stopWords('crashes on start'), { killed: (how) => (kill = how) });
      assert.equal(killed.code, null, 'it was not killed');
    },
  });
// Nobody can be asked whether Slack has a message: it is shown as unknown, and not sent again.
await scene('killed while Slack answers', {}, {
  drive: async () => {
    let kill = () => {};
    manners.after = (request) => (request.path.startsWith('/slack/') ? (kill(), 'stay') : undefined);
    assert.equal((await run(stopWords('crashes on start'), { killed: (how) => (kill = how) })).code, null);
  },
  expect: { steps: { 'slack.post': 'unknown' } },
});

// ---- no secret in anything that was said or kept
await must('journal', 'verify', '--quiet');
said.push((await must('journal', 'show', '--last', '100000', '--json')).out, (await must('rollout', 'history', 'desktop', '--json')).out, (await run(['rollout', 'status', 'desktop'])).out);
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
