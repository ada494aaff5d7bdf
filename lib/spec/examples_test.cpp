#include "spec/examples_for_test.hpp"

namespace tranche::spec {

const std::string_view full_example = R"yaml(version: 1
app: notes-agent
artifacts:
  - { path: "dist/notes-agent_{version}_amd64.deb", platform: linux/amd64 }
  - { path: "dist/latest*.yml", kind: electron-builder }      # takes files, blockmaps and digests from there
  - { image: "images.example/notes@{digest}" }
sbom:    { formats: [cyclonedx-1.6], scan: ["."] }             # or file: sbom.json made elsewhere
trust:                                                         # public keys, in the repository
  root: keys/root.pub
  release: [keys/release.pub]
  feed: [keys/feed.pub]
  journal: [keys/journal.pub]
signing:                                                       # secrets: references only
  release: env:TRANCHE_RELEASE_KEY                             # or file:PATH outside the repository, pkcs11:..., keyless: {...}
  feed: env:TRANCHE_FEED_KEY
  journal: env:TRANCHE_JOURNAL_KEY
people:
  release-managers: { keys: [keys/ana.pub, keys/bo.pub], quorum: 1, not: author }
state: { git: { remote: origin, branch: tranche-state, token: env:TRANCHE_GIT_TOKEN } }   # or dir:PATH, s3://BUCKET/PREFIX

channels:
  stable:
    store: s3://acme-updates/stable
    feeds: [tranche, electron, apt]
    clients: { electron: { allow-downgrade: false } }          # what the shipped app was built with: decides what a rollback can do
    on-unsupported: refuse                                     # | nearest (rounds down, says so) | serve (decide in `tranche serve`)
    expires: 24h                                               # feed freshness; every tick re-signs at half life

cohorts:
  pilot: { match: { ring: pilot }, feed-channel: pilot }       # static feeds reach pilots through their own channel file
  eu:    { match: { region: [de, fr, nl] } }
  bank:  { match: { customer: bank }, hold: "1.1" }            # an administrator's pin: never offered more

gates:
  crashes:
    kind: compare                                              # sequential, randomised arms; | threshold | kayenta | model | argo; inferred where clear
    source: prom
    events:   'sum(increase(agent_crashes_total{arm="$arm"}[1m]))'
    exposure: 'sum(increase(agent_sessions_total{arm="$arm"}[1m]))'
    worse-than: 1x                                             # fail: worse than this
    margin: 1.5x                                               # pass: certified not worse than this
    false-rollback: 1%
    suspect-at: 5%
    false-promotion: 5%
    every: 1m
  latency:                                                     # a threshold, in Argo's words
    source: prom
    query: 'histogram_quantile(0.99, sum by (le) (rate(agent_step_seconds_bucket{version="$version"}[5m])))'
    success-condition: result < 2.5
    interval: 1m
    count: 10
    failure-limit: 2
    no-data: hold                                              # | fail; never pass

rollouts:
  desktop:
    channel: stable
    salt: release                                              # other guinea pigs each time; `channel` keeps them (electron and velopack always do)
    release: { require: [signature, sbom, provenance] }
    window: "Mon-Thu 09:00-16:00 Europe/Berlin"                # widening only; stopping any time
    stages:
      - { cohort: pilot, bake: 24h..72h, gates: [latency] }    # pilots are not randomised: thresholds only
      - { percent: 5,  bake: 6h..24h, gates: [crashes, latency] }
      - { cohort: eu, percent: 20, bake: 6h..24h, gates: [crashes] }   # cohort and percent together: 20% of eu
      - { percent: 50, bake: 6h..24h, gates: [crashes, latency] }
      - { percent: 100, approval: release-managers, bake: 48h, gates: [latency] }
    on-inconclusive: hold                                      # at bake's maximum; | extend | promote (journalled)
    on-failure: rollback
    after: { rollout: backend, stage: eu }

playbooks:
  rollback:
    steps:
      - { uses: flag.set,         with: { flag: agent-enabled, value: false } }
      - { uses: channel.withdraw }
      - { uses: channel.fallback }
      - { uses: http.request,     with: { method: POST, url: "https://hooks.example/x", body: {...} }, retry: { attempts: 5, backoff: 2s }, timeout: 30s }
      - { uses: github.issue,     with: { repo: acme/notes-agent, labels: [rollback] } }

flags:
  agent-enabled: { type: bool, default: true, kill-switch: true }
)yaml";

const std::string_view shortest_example = R"yaml(version: 1
app: notes-agent
artifacts: ["dist/*.deb", "dist/*.AppImage"]
channels: { stable: { store: "dir:public/stable", feeds: [tranche, electron, apt] } }
sources:  { prom: { prometheus: { url: "http://127.0.0.1:9090" } } }
)yaml";

const std::string_view shortest_golden = R"json({
  "version": 1,
  "app": "notes-agent",
  "artifacts": [
    {
      "path": "dist/*.deb"
    },
    {
      "path": "dist/*.AppImage"
    }
  ],
  "sbom": {
    "formats": [
      "cyclonedx-1.6"
    ],
    "scan": [
      "."
    ]
  },
  "state": {
    "git": {
      "branch": "tranche-state"
    }
  },
  "channels": {
    "stable": {
      "store": "dir:public/stable",
      "feeds": [
        "tranche",
        "electron",
        "apt"
      ],
      "on-unsupported": "refuse",
      "expires": "1d"
    }
  },
  "sources": {
    "prom": {
      "prometheus": {
        "url": "http://127.0.0.1:9090",
        "lag": "0s",
        "timeout": "10s"
      }
    }
  },
  "gates": {
    "crashes": {
      "kind": "compare",
      "source": "prom",
      "events": "sum by (stratum) (increase(tranche_crashes_total{app=\"$app\",channel=\"$channel\",arm=\"$arm\"}[1m]))",
      "exposure": "sum by (stratum) (increase(tranche_sessions_total{app=\"$app\",channel=\"$channel\",arm=\"$arm\"}[1m]))",
      "worse-than": "1x",
      "margin": "1.5x",
      "false-rollback": "1%",
      "suspect-at": "5%",
      "false-promotion": "5%",
      "every": "1m",
      "arms": "bucket",
      "statistic": "rate"
    }
  },
  "rollouts": {
    "stable": {
      "channel": "stable",
      "salt": "automatic",
      "stages": [
        {
          "name": "5%",
          "percent": "5%",
          "bake": "6h..1d",
          "gates": [
            "crashes"
          ]
        },
        {
          "name": "20%",
          "percent": "20%",
          "bake": "6h..1d",
          "gates": [
            "crashes"
          ]
        },
        {
          "name": "50%",
          "percent": "50%",
          "bake": "6h..1d",
          "gates": [
            "crashes"
          ]
        },
        {
          "name": "100%",
          "percent": "100%",
          "bake": "2d",
          "gates": []
        }
      ],
      "on-inconclusive": "hold",
      "on-failure": "rollback",
      "accept-no-way-back": false
    }
  },
  "playbooks": {
    "rollback": {
      "steps": [
        {
          "id": "1-channel.withdraw",
          "uses": "channel.withdraw",
          "retry": {
            "attempts": 5,
            "backoff": "2s",
            "max-backoff": "10m"
          },
          "timeout": "1m",
          "on-failure": "continue"
        },
        {
          "id": "2-channel.fallback",
          "uses": "channel.fallback",
          "retry": {
            "attempts": 5,
            "backoff": "2s",
            "max-backoff": "10m"
          },
          "timeout": "1m",
          "on-failure": "continue"
        }
      ]
    }
  }
}
)json";

// Every kind of source, short and long.
const char* const sources_example = R"(version: 1
app: a
sources:
  prom: { prometheus: { url: "https://h/prom", user: reader, password: env:TRANCHE_P, timeout: 30s } }
  tenant: { prometheus: { url: "https://h", headers: { X-Scope-OrgID: acme, X-Api-Key: env:TRANCHE_K } } }
  health: { sentry: { organization: acme, projects: 17, environment: production, release: "a-{version}", token: env:TRANCHE_S } }
  own: { sentry: { url: "https://sentry.h", organization: acme, projects: ["17", "18"], token: env:TRANCHE_S } }
  dd: { datadog: { api-key: env:TRANCHE_A, app-key: env:TRANCHE_B, api: v2, aggregator: avg, lag: 2m } }
  graphite: { graphite: "http://h:8080" }
  influx: { influxdb: { url: "http://h:8086", database: telemetry, retention: week, user: u, password: "file:/run/p" } }
  status: { web: { url: "https://h/status?v=$version", method: POST, body: "{}", json-path: "{$.rate}" } }
  page: { web: "https://h/status" }
  script: { command: [./metrics, "--release=$version"] }
  tool: { command: { argv: [./tool], env: { TOKEN: env:TRANCHE_T, REGION: eu }, json-path: "{$.p99}" } }
  counts: { file: { path: "ops/counts.ndjson", series: a, start: "2026-01-01T00:00:00Z" } }
  plain: { file: ops/values.ndjson }
channels: { stable: { store: "dir:s" } }
gates:
  influx: { source: influx, events: "SELECT sum(v) FROM c WHERE arm = '$arm' AND $time", exposure: "SELECT sum(v) FROM s WHERE arm = '$arm' AND $time" }
  sessions: { source: health, kind: compare, arms: version, every: 1h }
  crash-free: { source: health, kind: threshold, success-condition: result > 0.99 }
  page: { source: page, kind: threshold, success-condition: result == 'ready' }
  file: { source: counts, kind: compare }
  script: { source: script, kind: compare }
)";

std::vector<std::string_view> round_trip_examples() {
  return {full_example,
          shortest_example,
          sources_example,
          R"(version: 1
app: a
signing: { release: env:TRANCHE_RELEASE_KEY, keyless: {}, fulcio: "https://fulcio.example" }
channels: { stable: { store: "dir:s" } }
)",
          R"(version: 1
app: a
signing: { release: "pkcs11:object=r", keyless: { token: env:TRANCHE_ID_TOKEN }, passphrase: env:TRANCHE_PIN }
channels: { stable: { store: "dir:s" } }
)",
          R"(version: 1
app: a
sbom: { formats: spdx-2.3, scan: [] }
state: git
signing: { release: { keyless: { token: "env:TRANCHE_ID_TOKEN" } }, feed: "file:/etc/feed.key", journal: "file:../outside/key" }
sources: { a: { prometheus: "http://h:1" }, b: { serve: { url: "http://h:2", token: env:TRANCHE_T, lag: 5s } } }
channels: { stable: { store: "git:feeds", feeds: tranche, on-unsupported: nearest, expires: 90m } }
cohorts: { c: { devices: [d1, d2] }, f: { feed-channel: x } }
gates:
  k:
    judge: kayenta
    source: a
    metrics:
      - { name: errors, query: 'errors{arm="$arm"}', direction: increase, nan: replace, critical: true, must-have-data: true, group: [errors, all] }
      - { name: p99 latency, query: 'p99{arm="$arm"}', group: latency, outliers: remove, outlier-factor: 1.5, effect: { measure: cles, allowed-increase: 0.7, critical-increase: 0.9 } }
      - { name: heap, query: 'heap{arm="$arm"}', muted: true, direction: decrease, effect: { allowed-decrease: 0.9, critical-decrease: 0.5 } }
    weights: { errors: 60, latency: 30.5 }
    pass: 90
    marginal: 62.5
    step: 30s
    lookback: 2h
    unit-safe: true
    points: 20
  m: { kind: model, anthropic: { model: claude-sonnet-4-5, key: env:TRANCHE_MODEL_KEY }, logs: { file: "logs/$arm.log" } }
  n:
    judge: model
    openai: { url: "http://127.0.0.1:8000/v1", model: qwen3 }
    logs: { canary: { command: [kubectl, logs, -l, "version=$release"] }, control: { url: "http://h/q?v=$baseline", token: env:TRANCHE_T } }
    extra-prompt: "look at sync errors"
    confidence: 90%
    on-worse: fail
    ask-every: 10m
    timeout: 90s
    max-excerpt: 100000
    redact: [acct-*, "Project Apollo"]
    redact-addresses: true
  g: { argo: analysis/template.yaml }
  b: { source: b, arms: version, worse-than: 0.5x, false-rollback: 0.01%, every: 500ms }
  q: { source: a, statistic: p99.5, histogram: 'sum by (le) (increase(s_bucket{arm=~"$arm"}[1m]))' }
  p: { source: a, statistic: proportion, events: 'e{arm=~"$arm"}', exposure: 'x{arm=~"$arm"}', assignments: 'n{arm=~"$arm"}', before: { events: 'e{ring=~"$arm"}', exposure: 'x{ring=~"$arm"}', period: 3d } }
  t: { source: a, query: "up{x=~\"a$\"}", failure-condition: "result > 1", failure-limit: -1, consecutive-success-limit: 3, strict-argo: true, dry-run: true, no-data: fail }
rollouts:
  r:
    stages: [{ cohort: c, gates: [] }, { percent: 0.5, gates: [b] }, { percent: 12.3456%, bake: 0..1h }, { percent: 100 }]
    salt: channel
    on-inconclusive: extend
    accept-no-way-back: true
playbooks:
  rollback: { steps: [{ uses: run, with: { argv: [a, "b c"] }, on-failure: abort, id: stop }] }
flags: { text: { type: string, default: "" }, number: { default: 1.5 }, off: {} }
)",
          "version: 1\napp: a\nstate: \"dir:/srv/state\"\n",
          "version: 1\napp: a\nstate: s3://b/p\nchannels: { x: { store: s3://b/q } }\n",
          "version: 1\napp: a\n"
          "state: { s3: { bucket: acme, prefix: tranche/state, region: eu-central-1 } }\n"
          "channels:\n"
          "  x: { store: { s3: { bucket: acme-updates, endpoint: \"https://s3.acme.example:9000\",\n"
          "       path-style: true, access-key: env:TRANCHE_X_ID, secret-key: \"file:/run/secrets/x\",\n"
          "       session-token: env:TRANCHE_X_TOKEN } } }\n"};
}

}  // namespace tranche::spec
