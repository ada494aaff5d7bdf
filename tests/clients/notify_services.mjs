// The services that a rollback tells, on a free loopback port, and strict.
//
// GitHub is judged by its own description of its API (@octokit/openapi through openapi-backend): a request that it does not
// describe is wrong. PagerDuty, Slack, GitLab, LaunchDarkly, the OAuth server and Vault by schemas written from their
// documentation. Started as a program it prints its address, takes a line of manners and answers with what it has seen.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
const require = createRequire(import.meta.url);
const { OpenAPIBackend } = require('openapi-backend');
const Ajv = require('ajv').default;
const addFormats = require('ajv-formats').default;

export const secrets = {
  TRANCHE_GITHUB_TOKEN: 'ghs_FIRSTSECRETFIRSTSECRET', TRANCHE_GITLAB_TOKEN: 'glpat-SECONDSECRET',
  TRANCHE_LAUNCHDARKLY_TOKEN: 'api-THIRD/SECRET', TRANCHE_PAGER: 'R0FOURTHSECRETFOURTHSECRET000000', TRANCHE_OAUTH: 'FIFTH+SECRET/=',
  TRANCHE_OAUTH_CLIENT: 'SIXTH:SECRET', TRANCHE_VAULT: 'hvs.SEVENTHSECRET', TRANCHE_SIGN: 'EIGHTHSECRET', TRANCHE_HEADER: 'NINTHSECRET',
};

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
definition.paths = Object.fromEntries(Object.entries(definition.paths).filter(([name]) => /^\/(repos\/\{owner\}\/\{repo\}\/(issues|deployments|pulls)(\/|$)|installation\/|user$)/.test(name)));
const github = new OpenAPIBackend({ definition, quick: true, strict: false, ajvOpts: { strict: false, validateFormats: false, coerceTypes: true } });
await github.init();
export const described = `GitHub: ${Object.keys(definition.paths).length} of ${paths} paths of its description`;
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
export let world;
export const anew = () => { world = { issues: [], pulls: [], gitlab: [], deployments: [], statuses: [], incidents: new Map(), events: 0, messages: [], hooks: [], flag: true, revoked: [], requests: 0 }; };
anew();
export const wrong = [];  // what a strict service would have refused
let manners = {};  // of this scene: before and after a request, a function of it; assignees: GitHub refuses one
export const behave = (now) => { manners = now; };
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
    case 'pulls/list': {
      const { state, head, base, page, per_page: size } = request.query;
      const all = world.pulls.filter((one) => (state === 'all' || one.state === state) && one.base.ref === base && (!head || head === `acme:${one.head.ref}`));
      return [200, all.slice((page - 1) * size, page * size)];
    }
    case 'pulls/create': {
      const { title, body, head, base } = request.body;
      if (world.pulls.some((one) => one.head.ref === head && one.state === 'open')) return [422, { message: 'Validation Failed', errors: [{ message: `A pull request already exists for acme:${head}.` }] }];
      const number = world.pulls.length + 1;
      world.pulls.unshift({ number, title, body: body.replaceAll('\n', '\r\n'), state: 'open', html_url: `http://127.0.0.1/${number}`, merged_at: null, merge_commit_sha: null,
        head: { ref: head, repo: { full_name: 'acme/deploy' } }, base: { ref: base } });
      return [201, world.pulls[0]];
    }
    case 'pulls/update': Object.assign(world.pulls.find((one) => one.number === id), request.body); return [200, world.pulls.find((one) => one.number === id)];
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
export const waiting = new Set();  // connections that got no answer
export const server = http.createServer((incoming, outgoing) => {
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
export const base = `http://127.0.0.1:${server.address().port}`;
secrets.TRANCHE_SLACK = `${base}/slack/services/T0/B0/TENTHSECRET`;

// {"assignees": true}: GitHub refuses the assignee `nobody`. {"drop": "/issues"}: does what the first POST or PATCH to a path
// with that end says, and hangs up. {"say": [503, {}, {"retry-after": "1"}], "to": "/issues"}: answers the first one so.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${base}\n`);
  const writes = (end) => (request) => request.method !== 'GET' && request.path.endsWith(end);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    let dropped = false, said = false;
    behave({
      assignees: asked.assignees,
      after: (request) => (asked.drop && !dropped && writes(asked.drop)(request) ? ((dropped = true), 'drop') : undefined),
      before: (request) => (asked.say && !said && writes(asked.to)(request) ? ((said = true), asked.say) : undefined),
    });
    process.stdout.write(`${JSON.stringify({ ...world, incidents: Object.fromEntries(world.incidents), wrong })}\n`);
    if (asked.anew) anew();
  }
  process.exit(0);
}
