// Files that are refused: each with its message, its place and its hint, all at once, and never with a secret
// in them.
#include <doctest/doctest.h>

#include "base/render_error.hpp"
#include "base/text.hpp"
#include "spec/spec.hpp"

using namespace tranche;
using namespace tranche::spec;

namespace {

// "line:column+length message"
std::string brief(const Error& error) {
  return error.mark ? fmt::format("{}:{}+{} {}", error.mark->line, error.mark->column, error.mark->length,
                                  error.message)
                    : "- " + error.message;
}

std::vector<std::string> all_of(std::string_view yaml) {
  auto parsed = parse(yaml);
  if (parsed) return {};
  std::vector<std::string> out{brief(parsed.error())};
  for (const Error& other : parsed.error().others) out.push_back(brief(other));
  return out;
}

std::string lines(const std::vector<std::string>& list) { return join(list, "\n"); }

// A file with one rollout 'r', whose stages begin in line 9.
std::string with_stages(std::string_view stages) {
  return R"(version: 1
app: a
channels: { stable: { store: "dir:s" } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
cohorts: { eu: { match: { region: de } } }
gates: { crashes: {}, latency: { query: up, success-condition: result > 0 } }
rollouts:
  r:
    stages:
)" + std::string(stages);
}
std::string with_step(std::string_view step) {
  return "version: 1\napp: a\nflags: { on: { default: true } }\nplaybooks:\n  p:\n    steps:\n      - " +
         std::string(step) + "\n";
}
std::string app_with(std::string_view keys) { return "version: 1\napp: a\n" + std::string(keys) + "\n"; }

struct Case {
  std::string yaml;
  std::string first;
  std::string hint;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> table{
      {"version: 1\napps: {}\n", "2:7+1 bad 'apps': the map is empty", "name at least one app"},
      {"version: 1\n", "1:1+1 missing key 'app'", "add `app:` (name of the app; or give `apps`)"},
      {"app: a\n", "1:1+1 missing key 'version'", "add `version:` (version of this grammar: 1)"},
      {"version: 2\napp: a\n", "1:10+1 bad 'version': 2 is out of range", "write 1"},
      {"version: 1\napp: Notes\n", "2:6+5 bad 'app': 'Notes' is not a name",
       "use a-z, 0-9 and -, at most 63, not beginning with -"},
      {"- 1\n", "1:1+1 the file must be a map, not a list", "begin with `version: 1` and `app: NAME`"},
      {app_with("artifcats: [x]"), "3:1+9 unknown key 'artifcats'", "did you mean 'artifacts'?"},
      {app_with("zzzzzz: [x]"), "3:1+6 unknown key 'zzzzzz'",
       "known keys: version, app, include, artifacts, sbom, vulnerabilities, behaviour, trust, signing, "
       "people, state, witnesses, undo-order, channels, "
       "cohorts, sources, gates, rollouts, playbooks, flags, apps"},
      {app_with("gates:"), "4:1+1 bad 'gates': it has no value", "give it a value or remove the key"},
      {app_with("artifacts: dist/x"), "3:12+6 'artifacts' must be a list of paths or maps, not a string",
       "write [..., ...]"},
      {app_with("artifacts: [\"/etc/passwd\"]"),
       "3:13+13 bad 'artifacts' in artifact 1: '/etc/passwd' leaves the repository",
       "give a path below the directory of tranche.yaml, without '..'"},
      {app_with("artifacts: [\"a/../../b\"]"),
       "3:13+11 bad 'artifacts' in artifact 1: 'a/../../b' leaves the repository",
       "give a path below the directory of tranche.yaml, without '..'"},
      {app_with("artifacts: [{ path: \"dist/{arch}.deb\" }]"),
       "3:21+17 bad 'path' in artifact 1: 'dist/{arch}.deb' holds a variable that is not ours",
       "only {version} may stand in braces"},
      {app_with("artifacts: [{ platform: linux/amd64 }]"), "3:13+1 missing key 'path' in artifact 1",
       "add `path:` (glob below the repository)"},
      {app_with("artifacts: [{ path: x, image: y }]"), "3:13+1 path and image together in artifact 1",
       "make two artifacts of them"},
      {app_with("trust: { root: ../root.pub }"),
       "3:16+11 bad 'root' in trust: '../root.pub' leaves the repository",
       "give a path below the directory of tranche.yaml, without '..'"},
      {app_with("trust: { release: [keys/a.pub, 7] }"),
       "3:32+1 'release' in trust must be a path, not a number", "put it in quotes"},
      {app_with("channels: { Stable: { store: \"dir:s\" } }"), "3:13+6 bad name 'Stable' of a channel",
       "use a-z, 0-9 and -, at most 63, not beginning with -"},
      {app_with("channels: { stable: {} }"), "3:13+6 missing key 'store' in channel 'stable'",
       "add `store:` (where its bytes live: dir:PATH, git:REMOTE#BRANCH, s3://BUCKET/PREFIX)"},
      {app_with("channels: { stable: { store: \"ftp://x\" } }"),
       "3:30+9 bad 'store' in channel 'stable': 'ftp://x' is not a store",
       "write dir:PATH, git:REMOTE#BRANCH or s3://BUCKET/PREFIX"},
      {app_with("channels: { stable: { store: \"dir:s\", feeds: [tranche, elektron] } }"),
       "3:56+8 bad 'feeds' in channel 'stable': unknown 'elektron'",
       "did you mean 'electron'? (one of: tranche, electron, apt, tauri, sparkle, velopack, squirrel)"},
      {app_with("channels: { stable: { store: \"dir:s\", feeds: [] } }"),
       "3:46+1 bad 'feeds' in channel 'stable': the list is empty", "give 1 to 1000"},
      {app_with("channels: { stable: { store: \"dir:s\", clients: { elektron: {} } } }"),
       "3:50+8 unknown feed 'elektron' in clients in channel 'stable'", "did you mean 'electron'?"},
      {app_with("channels: { stable: { store: \"dir:s\", expires: 24 } }"),
       "3:48+2 bad 'expires' in channel 'stable': 24 has no unit", "write 24s, 24m, 24h or 24d"},
      {app_with("channels: { stable: { store: \"dir:s\", on-unsupported: warn } }"),
       "3:55+4 bad 'on-unsupported' in channel 'stable': unknown 'warn'", "one of: refuse, nearest, serve"},
      {app_with("state: { git: { branch: \"a b\" } }"),
       "3:25+5 bad 'branch' in the state: 'a b' is not a branch name", "for example tranche-state"},
      {app_with("state: ftp"), "3:8+3 bad 'state': 'ftp' is not a state",
       "write git, { git: {...} }, dir:PATH or s3://BUCKET/PREFIX"},
      {app_with("state: { gti: {} }"), "3:10+3 unknown key 'gti' in the state", "did you mean 'git'?"},
      {app_with("cohorts: { all: {} }"), "3:12+3 no devices in cohort 'all'",
       "give match, devices or feed-channel: it must say who belongs to it"},
      {app_with("cohorts: { old: { match: { a: b }, hold: 1.1 } }"),
       "3:42+3 'hold' in cohort 'old' must be a version in quotes, not a number", "put it in quotes"},
      {app_with("cohorts: { l: { devices: { file: ids.txt } } }"),
       "3:34+7 bad 'devices' in cohort 'l': a list of devices cannot be read here",
       "write the ids into the list"},
      {app_with("cohorts: { l: { devices: [\"caf\xC3\xA9\"] } }"),
       "3:27+7 bad 'devices' in cohort 'l': 'café' is not a device id", "1 to 128 bytes of printable ASCII"},
      {app_with("signing: { release: env:HOME }"),
       "3:21+8 bad 'release' in signing: 'env:HOME' may not be read",
       "env: reads only names that begin with TRANCHE_"},
      {app_with("signing: { release: hunter2-very-secret }"),
       "3:21+3 bad 'release' in signing: this is not a reference to a secret",
       "write env:TRANCHE_NAME or file:PATH; never the secret itself"},
      {app_with("signing: { feed: \"file:keys/feed.key\" }"),
       "3:18+20 bad 'feed' in signing: the secret file 'keys/feed.key' is inside the repository",
       "keep it elsewhere and give an absolute path"},
      {app_with("state: { git: { token: ghp_abcdef0123456789 } }"),
       "3:24+3 bad 'token' in the state: this is not a reference to a secret",
       "write env:TRANCHE_NAME or file:PATH; never the secret itself"},
      {app_with("sources: { prom: { prometheus: { url: \"ftp://h\" } } }"),
       "3:39+9 bad 'url' in source 'prom': 'ftp://h' is not an http url",
       "write http://HOST/ or https://HOST/"},
      {app_with("sources: { prom: { prometheus: { url: \"http://user:pw@h/\" } } }"),
       "3:39+3 bad 'url' in source 'prom': the url holds a user or a password",
       "give the secret as `token: env:TRANCHE_NAME`"},
      {app_with("sources: { prom: {} }"), "3:12+4 the source has no kind in source 'prom'",
       "write { prometheus: { url: ... } } or { serve: URL }"},
      {app_with("sources: { prom: { prometeus: { url: \"http://h\" } } }"),
       "3:20+9 unknown key 'prometeus' in source 'prom'", "did you mean 'prometheus'?"},
      {app_with("flags: { f: { type: bool, default: 1 } }"),
       "3:36+1 'default' in flag 'f' must be true or false, not a number", "let `type` and `default` agree"},
      {app_with("people: { all: { keys: [k.pub], quorum: 2 } }"),
       "3:41+1 a quorum of 2 in people 'all', where there are 1 keys",
       "ask for at most as many as there are keys"},
      {app_with("include: [other.yaml]"), "3:10+1 include is not possible here",
       "put everything into one text"},
      {app_with("channels: { stable: { store: \"dir:s\" } }\nrollouts: { r: { window: \"any time\" } }"),
       "4:26+10 bad 'window' in rollout 'r': 'any time' is not a window",
       "write days, hours and zone: \"Mon-Thu 09:00-16:00 Europe/Berlin\""},
      {app_with("channels: { stable: { store: \"dir:s\" } }\nrollouts: { r: { window: { days: [mon] } } }"),
       "4:26+1 'window' in rollout 'r' must be a window, not a map",
       "write days, hours and zone: \"Mon-Thu 09:00-16:00 Europe/Berlin\""},
      {app_with("gates: { g: { query: up, events: x, kind: threshold, success-condition: r } }"),
       "3:26+6 key 'events' in gate 'g' belongs to compare gates, and this one is a threshold gate",
       "remove it, or make two gates: one of kind compare"},
      {app_with("gates: { g: { query: up, success-condition: r, count: 3, failure-limit: 2, "
                "consecutive-success-limit: "
                "2 } }"),
       "3:55+1 the count of gate 'g', 3, is below failure-limit + consecutive-success-limit, 4",
       "measure more often, or lower the limits: the gate would end before it can reach them"},
      {app_with("gates: { g: { query: up, success-condition: r, count: 3, inconclusive-limit: 4 } }"),
       "3:55+1 the count of gate 'g', 3, is below inconclusive-limit, 4",
       "measure more often, or lower the limit"},
      {app_with("gates: { g: { judge: kayentaa } }"), "3:22+8 bad 'judge' in gate 'g': unknown 'kayentaa'",
       "did you mean 'kayenta'? (one of: kayenta, model)"},
      {app_with("gates: { g: { judge: kayenta } }"), "3:13+1 gate 'g' has no metrics",
       "add `metrics: [{ name: errors, query: QUERY with $arm }]`"},
      {app_with("gates: { g: { judge: kayenta, metrics: [{ name: a, query: up }] } }"),
       "3:41+1 metric 'a' of gate 'g' asks the same of both arms",
       "select the arm in the query: {arm=\"$arm\"}"},
      {app_with("gates: { g: { judge: kayenta, metrics: [{ name: a }] } }"),
       "3:41+1 missing key 'query' in metric 1 of gate 'g'",
       "add `query:` (query with $arm; one series comes back an arm)"},
      {app_with("gates: { g: { judge: kayenta, metrics: [{ name: a, query: \"x{a='$arm'}\" }], weights: { b: "
                "10 } } }"),
       "3:86+1 gate 'g' gives a weight to group 'b', which no metric is in", "defined: metrics"},
      {app_with("gates: { g: { judge: kayenta, metrics: [{ name: a, query: \"x{a='$arm'}\" }], weights: { "
                "metrics: 90 } } }"),
       "3:86+1 the weights of gate 'g' add up to 90",
       "make them add up to 100; groups without a weight share what is left"},
      {app_with("gates: { g: { judge: kayenta, metrics: [{ name: a, query: \"x{a='$arm'}\" }], pass: 70 } }"),
       "3:13+1 marginal of gate 'g', 75, is above pass, 70",
       "a marginal score is below a passing one: 75 and 95 are usual"},
      {app_with("gates: { g: { judge: kayenta, metrics: [{ name: a, query: \"x{a='$arm'}\", effect: { "
                "allowed-increase: much } }] } }"),
       "3:102+4 'allowed-increase' in 'effect' of metric 1 of gate 'g' must be a number, not a string",
       "0 to 1000000"},
      {app_with("gates: { g: { judge: model, logs: { file: $arm } } }"),
       "3:10+1 gate 'g' has no model to ask",
       "add anthropic: { model: NAME, key: env:TRANCHE_NAME } or openai: { url: URL, model: NAME }"},
      {app_with("gates: { g: { openai: { model: m }, logs: { file: a.log } } }"),
       "3:43+1 gate 'g' reads the same log for both arms",
       "give each arm its own, or select it with $arm or $version"},
      {app_with("gates: { g: { openai: { model: m }, logs: { canary: { file: a.log } } } }"),
       "3:43+1 gate 'g' has no logs of both arms",
       "add logs: { canary: { file: PATH }, control: { file: PATH } }, or commands, or urls"},
      {app_with(
           "gates: { g: { openai: { model: m }, logs: { canary: { file: ../a }, control: { file: b } } } }"),
       "3:61+4 bad 'file' in 'canary' of 'logs' of gate 'g': '../a' leaves the repository",
       "give a path below the directory of tranche.yaml, without '..'"},
      {app_with("gates: { g: { openai: { model: m }, logs: { canary: {}, control: { file: b } } } }"),
       "3:53+1 the log has no origin in 'canary' of 'logs' of gate 'g'",
       "write one of { file: PATH }, { command: [ARGV...] }, { url: URL }"},
      {app_with("gates: { g: { openai: { model: m, key: sk-123 }, logs: { file: $arm } } }"),
       "3:40+3 bad 'key' in 'openai' of gate 'g': this is not a reference to a secret",
       "write env:TRANCHE_NAME or file:PATH; never the secret itself"},
      {app_with("gates: { g: { openai: { model: m }, anthropic: { model: m }, logs: { file: $arm } } }"),
       "3:48+1 bad 'anthropic' in gate 'g': anthropic and openai together",
       "ask one: make two gates of them"},
      {app_with("gates: { g: { openai: { model: m }, logs: { file: $arm }, max-excerpt: 64kb } }"),
       "3:72+4 bad 'max-excerpt' in gate 'g': '64kb' is not a size",
       "write 64KiB, 1MiB or a number of bytes"},
      {app_with("gates: { g: { openai: { model: m }, logs: { file: $arm }, max-excerpt: 1KiB } }"),
       "3:72+4 bad 'max-excerpt' in gate 'g': 1KiB is out of range", "4KiB to 512KiB"},
      {app_with("gates: { g: { openai: { model: m }, logs: { file: $arm }, confidence: 30% } }"),
       "3:71+3 bad 'confidence' in gate 'g': 30% is out of range", "whole percents, 50% to 100%"},
      {app_with("gates: { g: { openai: { model: m }, logs: { file: $arm }, redact: \"**\" } }"),
       "3:67+4 bad 'redact' in gate 'g': '**' would redact everything",
       "write literal text, or a glob of whole words such as acct-* that has at least two letters"},
      {app_with("gates: { g: { openai: {}, logs: { file: $arm } } }"),
       "3:23+1 missing key 'model' in 'openai' of gate 'g'", "add `model:` (the model's name)"},
      {app_with("gates: { g: { openai: { model: m }, logs: { file: $arm }, on-worse: rollback } }"),
       "3:69+8 bad 'on-worse' in gate 'g': unknown 'rollback'", "one of: hold, fail"},
      {app_with("gates: { g: { query: \"up{a=$arn}\", success-condition: result > 0 } }"),
       "3:22+12 bad 'query' in gate 'g': unknown variable '$arn' in the query", "did you mean '$arm'?"},
      {app_with("gates: { g: { query: \"up{a=${arm}}\", success-condition: result > 0 } }"),
       "3:22+14 bad 'query' in gate 'g': '${' is not a variable",
       "write $arm without braces; there is no escape for $"},
      {app_with("gates: { g: { query: up } }"), "3:22+2 gate 'g' has no condition",
       "add success-condition, for example: result < 2.5"},
      {app_with("gates: { g: { margin: 0.9x } }"),
       "3:23+4 the margin of gate 'g', 0.9x, is not above worse-than, 1x",
       "pass means: certified not worse than margin; make it larger than worse-than"},
      {app_with("gates: { g: { margin: a lot } }"), "3:23+5 bad 'margin' in gate 'g': 'a lot' is not a ratio",
       "write 1x, 1.5x or 2x"},
      {app_with("gates: { g: { false-rollback: 60% } }"),
       "3:31+3 bad 'false-rollback' in gate 'g': 60% is out of range",
       "an error rate is more than 0% and at most 50%"},
      {app_with("gates: { g: { suspect-at: 0.5% } }"),
       "3:27+4 suspect-at of gate 'g' is stricter than false-rollback",
       "suspicion comes before failure: make suspect-at at least as large as false-rollback"},
      {app_with("sources: { p: { prometheus: \"http://h\" } }\ngates: { g: { events: 'x{arm=\"$arm\"}' } }"),
       "4:10+1 gate 'g' has no exposure",
       "a compare gate counts events and exposure of both arms: add `exposure: QUERY` with $arm"},
      {app_with("sources: { p: { prometheus: \"http://h\" } }\ngates: { g: { events: x, exposure: "
                "'y{arm=\"$arm\"}' } }"),
       "4:23+1 'events' of gate 'g' asks the same of both arms",
       "select the arm in the query: {arm=\"$arm\"}"},
      {app_with("sources: { s: { serve: \"http://h\" } }\ngates: { g: { events: 'sum(x)' } }"),
       "4:23+8 'events' of gate 'g' is not a counter of `tranche serve`",
       "for a serve source write the name of a counter: crashes, sessions or a signal"},
      {app_with("sources: { a: { serve: \"http://h\" }, b: { serve: \"http://h\" } }\ngates: { g: {} }"),
       "4:10+1 gate 'g' names no source, and there are several", "add `source:`, one of: a, b"},
      {app_with("sources: { prom: { serve: \"http://h\" } }\ngates: { g: { source: prmo } }"),
       "4:23+4 unknown source 'prmo' in gate 'g'", "did you mean 'prom'?"},
      {app_with("channels: { stable: { store: \"dir:s\" } }\nrollouts: { r: { channel: stabel } }"),
       "4:27+6 unknown channel 'stabel' in rollout 'r'", "did you mean 'stable'?"},
      {app_with("channels: { a: { store: \"dir:s\" }, b: { store: \"dir:t\" } }\nrollouts: { r: {} }"),
       "4:13+1 rollout 'r' names no channel, and there are several", "add `channel:`, one of: a, b"},
      {app_with("rollouts: { r: {} }"), "3:13+1 rollout 'r' has no channel",
       "add one: channels: { stable: { store: \"dir:public/stable\" } }"},
      {app_with("channels: { stable: { store: \"dir:s\" } }\nrollouts: { r: { on-failure: rolback } }"),
       "4:30+7 unknown playbook 'rolback' in rollout 'r'", "did you mean 'rollback'?"},
      {with_stages("      - { cohort: eu }\n      - percent: 5\n        baek: 10m\n"),
       "12:9+4 unknown key 'baek' in stage 2 of rollout 'r'", "did you mean 'bake'?"},
      {with_stages("      - { percent: 150 }\n"),
       "10:20+3 bad 'percent' in stage 1 of rollout 'r': 150 is more than 100%",
       "a stage reaches at most 100% of the devices"},
      {with_stages("      - { percent: 0 }\n"),
       "10:20+1 bad 'percent' in stage 1 of rollout 'r': 0% reaches nobody",
       "write more than 0, or remove the stage"},
      {with_stages("      - { percent: [5] }\n"),
       "10:20+1 'percent' in stage 1 of rollout 'r' must be a percentage, not a list", "write 5, 5% or 0.5%"},
      {with_stages("      []\n"), "10:7+1 bad 'stages' in rollout 'r': the list is empty", "give 1 to 100"},
      {with_stages("      - { bake: 1h }\n"), "10:9+1 nobody is reached in stage 1 of rollout 'r'",
       "give percent, cohort or both"},
      {with_stages("      - { percent: 5, bake: 24h..6h }\n"),
       "10:29+7 bad 'bake' in stage 1 of rollout 'r': the range '24h..6h' ends before it begins",
       "write the shorter one first: 6h..24h"},
      {with_stages("      - { percent: 5, bake: soon }\n"),
       "10:29+4 bad 'bake' in stage 1 of rollout 'r': 'soon' is not a duration",
       "write 30s, 5m, 6h, 2d or 1h30m"},
      {with_stages("      - { percent: 20 }\n      - { percent: 5 }\n"),
       "11:20+1 stage '5%' of rollout 'r' shrinks: 5% after 20%",
       "exposure only grows: order the stages by percent"},
      {with_stages("      - { percent: 20 }\n      - { percent: 20 }\n"),
       "11:20+2 stage '20%' of rollout 'r' is a duplicate: it reaches whom an earlier stage reaches",
       "remove it, or lengthen the bake of the earlier one"},
      {with_stages("      - { percent: 50 }\n      - { cohort: eu, percent: 20 }\n"),
       "11:32+2 stage 'eu 20%' of rollout 'r' reaches nobody new: everyone is at 50% already",
       "move it before that stage, or raise its percent"},
      {with_stages("      - { cohort: eu }\n      - { cohort: eu, percent: 20 }\n"),
       "11:32+2 stage 'eu 20%' of rollout 'r' shrinks: 20% after 100%",
       "exposure only grows: order the stages by percent"},
      {with_stages("      - { percent: 5, name: a }\n      - { percent: 6, name: a }\n"),
       "11:29+1 stage 'a' of rollout 'r' has the name of an earlier one", "give it a `name:` of its own"},
      {with_stages("      - { cohort: eu, gates: [latency, crashes] }\n"),
       "10:40+7 gate 'crashes' compares arms, and stage 'eu' of rollout 'r' has no control: all of cohort "
       "'eu' is exposed",
       "a compare gate needs a randomised control: ask it at a stage with a percent below 100, or a "
       "threshold gate here"},
      {with_stages("      - { percent: 100, gates: [crashes] }\n"),
       "10:33+7 gate 'crashes' compares arms, and stage '100%' of rollout 'r' has no control: all of the "
       "fleet is exposed",
       "a compare gate needs a randomised control: ask it at a stage with a percent below 100, or a "
       "threshold gate here"},
      {with_stages("      - { percent: 5, gates: [crahses] }\n"),
       "10:31+7 unknown gate 'crahses' in stage '5%' of rollout 'r'", "did you mean 'crashes'?"},
      {with_stages("      - { percent: 5, gates: [crashes, crashes] }\n"),
       "10:40+7 gate 'crashes' twice in stage '5%' of rollout 'r'", "name it once"},
      {with_stages("      - { cohort: ue, percent: 5 }\n"),
       "10:19+2 unknown cohort 'ue' in stage 'ue 5%' of rollout 'r'", "did you mean 'eu'?"},
      {with_stages("      - { percent: 5, approval: managers }\n"),
       "10:33+8 unknown people 'managers' in stage '5%' of rollout 'r'", "add them under `people:`"},
      {with_step("{ uses: flag.sett, with: {} }"),
       "7:17+9 bad 'uses' in step 1 of playbook 'p': unknown 'flag.sett'", "did you mean 'flag.set'?"},
      {with_step("{ with: {} }"), "7:9+1 missing key 'uses' in step 1 of playbook 'p'",
       "add `uses:` (the action)"},
      {with_step("{ uses: flag.set, with: { flag: onn, value: false } }"),
       "7:41+3 unknown flag 'onn' in step 1 of playbook 'p'", "did you mean 'on'?"},
      {with_step("{ uses: flag.set, with: { flag: on, value: 1 } }"),
       "7:52+1 flag 'on' takes true or false, not a number in step 1 of playbook 'p'",
       "give a value of the flag's type"},
      {with_step("{ uses: flag.set, with: { flag: on } }"),
       "7:33+1 missing argument 'value' of flag.set in step 1 of playbook 'p'", "with: { value: ... }"},
      {with_step("{ uses: channel.withdraw, with: { channel: x } }"),
       "7:43+7 unknown argument 'channel' of channel.withdraw in step 1 of playbook 'p'",
       "channel.withdraw takes no arguments"},
      {with_step("{ uses: http.request, with: { url: \"http://h\", methd: GET } }"),
       "7:56+5 unknown argument 'methd' of http.request in step 1 of playbook 'p'", "did you mean 'method'?"},
      {with_step("{ uses: http.request, with: { url: \"file:///etc/passwd\" } }"),
       "7:44+20 'file:///etc/passwd' is not an http url in step 1 of playbook 'p'",
       "write http://HOST/ or https://HOST/"},
      {with_step("{ uses: http.request, with: { url: \"http://h\", headers: { Authorization: env:HOME } } }"),
       "7:82+8 'env:HOME' may not be read in step 1 of playbook 'p'",
       "env: reads only names that begin with TRANCHE_"},
      {with_step("{ uses: run, with: { argv: \"rm -rf /\" } }"),
       "7:36+10 argv must be a list of strings that begins with a program in step 1 of playbook 'p'",
       "argv: [\"systemctl\", \"stop\", \"agent\"]; no shell reads it"},
      {with_step("{ uses: run, with: { argv: [x] }, retry: { attempts: 0 } }"),
       "7:62+1 bad 'attempts' in step 1 of playbook 'p': 0 is out of range", "1 to 20"},
      {app_with("state: { git: { remote: \"https://u:tok@h/r.git\" } }"),
       "3:25+3 bad 'remote' in the state: the remote holds a user or a password",
       "give the secret as `token: env:TRANCHE_GIT_TOKEN`"},
      {with_step("{ uses: http.request, with: { url: \"https://u:tok@h/\" } }"),
       "7:44+3 the url holds a user or a password in step 1 of playbook 'p'",
       "give the secret as `token: env:TRANCHE_NAME`"},
      {with_step("{ uses: token.revoke, with: { kind: oauth, token: env:TRANCHE_T } }"),
       "7:45+5 token.revoke of kind oauth needs url in step 1 of playbook 'p'",
       "url: the provider's revocation endpoint (RFC 7009)"},
      {with_step(
           "{ uses: token.revoke, with: { kind: vault-lease, token: env:TRANCHE_T, url: \"http://v\" } }"),
       "7:45+11 token.revoke of kind vault-lease needs lease in step 1 of playbook 'p'",
       "lease: its id, as Vault gave it"},
      {with_step("{ uses: rollout.stop, with: { rollout: apo } }"),
       "7:48+3 unknown rollout 'apo' in step 1 of playbook 'p'",
       "no rollout is defined; add it under `rollouts:`"},
      {with_step("{ uses: github.issue, with: { repo: acme } }"),
       "7:45+4 'acme' is no repository in step 1 of playbook 'p'", "repo: owner/name"},
      {with_step("{ uses: http.request, with: { url: \"http://h\", sign: { secret: env:TRANCHE_S, header: "
                 "\"a b\" } } }"),
       "7:62+1 sign must be a map with a secret in step 1 of playbook 'p'",
       "{ secret: env:TRANCHE_NAME, header: X-Signature-256 }"},
  };
  return table;
}

}  // namespace

TEST_CASE("each mistake has one clear message at its place, and a hint") {
  for (const Case& c : cases()) {
    INFO(c.yaml);
    const auto parsed = parse(c.yaml);
    REQUIRE(!parsed.has_value());
    CHECK(parsed.error().kind == ErrorKind::invalid);
    CHECK(brief(parsed.error()) == c.first);
    CHECK(parsed.error().hint == c.hint);
    CHECK(parsed.error().others.size() == 0);
  }
}

TEST_CASE("all errors of a file come at once, in the order of the file") {
  const auto found = all_of(R"(version: 1
app: a
channles: {}
channels:
  stable: { store: "dir:s", feeds: [tranche, aptt] }
gates:
  crashes: { source: prom, events: 'x{arm="$arm"}', margin: 2 }
rollouts:
  desktop:
    stages:
      - { percent: 20, gates: [crashes] }
      - percent: 150
        baek: 10m
      - { percent: 5, gates: [latency] }
    on-failure: nothing
sources: { fleet: { serve: "http://127.0.0.1:1" } }
)");
  CHECK(lines(found) == lines({
                            "3:1+8 unknown key 'channles'",
                            "5:46+4 bad 'feeds' in channel 'stable': unknown 'aptt'",
                            "7:22+4 unknown source 'prom' in gate 'crashes'",
                            "12:18+3 bad 'percent' in stage 2 of rollout 'desktop': 150 is more than 100%",
                            "13:9+4 unknown key 'baek' in stage 2 of rollout 'desktop'",
                            "14:20+1 stage '5%' of rollout 'desktop' shrinks: 5% after 20%",
                            "14:31+7 unknown gate 'latency' in stage '5%' of rollout 'desktop'",
                            "15:17+7 unknown playbook 'nothing' in rollout 'desktop'",
                        }));
}

TEST_CASE("an error of shared keys comes once, however many apps share them") {
  const auto found = all_of(
      "version: 1\ngates: { g: { query: up } }\nsources: { s: { srve: x } }\napps: { a: {}, b: {}, c: { "
      "zzzzzzz: 1 } }\n");
  CHECK(lines(found) == lines({"2:22+2 gate 'g' has no condition", "3:17+4 unknown key 'srve' in source 's'",
                               "4:28+7 unknown key 'zzzzzzz' in app 'c'"}));
}

TEST_CASE("a secret that was pasted into the file is never shown") {
  for (const char* yaml :
       {"signing: { release: hunter2 }", "signing: { zzz: 1, release: hunter2, feed: \"hunter2\", yyy: 1 }",
        "signing:\n  release:\n    hunter2", "state: { git: { token: [hunter2] } }",
        "sources: { p: { prometheus: { url: \"https://me:hunter2@h/\", zzz: 1 } } }",
        "sources: { p: { prometheus: { url: \"http://h\", token: \"Bearer hunter2\" } } }"}) {
    INFO(yaml);
    const auto parsed = parse(app_with(yaml));
    REQUIRE(!parsed.has_value());
    CHECK(render_error(parsed.error(), false).find("hunter2") == std::string::npos);
  }
}

TEST_CASE("a file of a thousand mistakes gives a hundred messages and a count") {
  std::string yaml = "version: 1\napp: a\n";
  for (int i = 0; i < 1000; ++i) yaml += fmt::format("unknown-{}: 1\n", i);
  const auto parsed = parse(yaml);
  REQUIRE(!parsed.has_value());
  REQUIRE(parsed.error().others.size() == 100);
  CHECK(parsed.error().others.back().message == "900 more errors are not shown");
}

TEST_CASE("the error of the design's example reads as written there") {
  const auto parsed =
      parse(with_stages("      - { percent: 5 }\n      -\n        percent: 20\n        baek: 10m\n"));
  REQUIRE(!parsed.has_value());
  CHECK(render_error(parsed.error(), false) ==
        "tranche.yaml:13:9: unknown key 'baek' in stage 2 of rollout 'r'\n"
        "   13 |         baek: 10m\n"
        "      |         ^~~~\n"
        "hint: did you mean 'bake'?\n");
}
