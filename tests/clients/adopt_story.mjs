// adopt_story TRANCHE: a channel that electron-builder publishes today is taken over, and its clients notice nothing until
// a rollout goes through it. electron-updater itself reads before and after.
import { execFile, execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { blockmap, check, device_ids, download, install, offered, serve } from "./electron_driver.mjs";

const yaml = createRequire(import.meta.url)("js-yaml");
const binary = path.resolve(process.argv[2]);
const root = fs.mkdtempSync(path.join(os.tmpdir(), "adopt-story-"));
const repo = path.join(root, "repo");
const store = path.join(repo, "public");
const dist = path.join(repo, "dist");
for (const directory of [repo, store, dist, path.join(root, "home")]) fs.mkdirSync(directory, { recursive: true });

const env = { PATH: process.env.PATH, HOME: path.join(root, "home"), LANG: "C.UTF-8" };
// Not synchronous: the server of this process answers meanwhile.
async function tranche(expected, ...words) {
  const done = await new Promise((resolve) =>
    execFile(binary, words, { cwd: repo, env }, (error, out, err) => resolve({ code: error === null ? 0 : error.code, out, err })));
  check(done.code === expected, `tranche ${words.join(" ")}: exit ${done.code}, not ${expected}\n${done.out}${done.err}`);
  return words.includes("--json") ? JSON.parse(done.out) : done.out + done.err;
}
const sha512 = (bytes) => createHash("sha512").update(bytes).digest("base64");
const yml_path = path.join(store, "latest.yml");

// What electron-builder leaves beside a generic provider: the installer, its blockmap, latest.yml.
const builds = {};
function build(version, directory) {
  const name = `Notes-Setup-${version}.exe`;
  const bytes = Buffer.concat([Buffer.from(`notes ${version} `), randomBytes(100_000)]);
  builds[version] = bytes;
  fs.writeFileSync(path.join(directory, name), bytes);
  fs.writeFileSync(path.join(directory, `${name}.blockmap`), blockmap(bytes));
  return `version: ${version}\nfiles:\n  - url: ${name}\n    sha512: ${sha512(bytes)}\n    size: ${bytes.length}\n` +
    `path: ${name}\nsha512: ${sha512(bytes)}\nreleaseDate: '2026-01-01T00:00:00.000Z'\n`;
}
fs.writeFileSync(yml_path, build("1.1.0", store));
const server = await serve(store);

// Capitals are the other story's: electron_client.mjs.
const ids = device_ids(300, [10, 50]).filter((id) => id === id.toLowerCase());
async function answers(version) {
  const out = [];
  for (const [at, id] of ids.entries())
    out.push(await offered(install(path.join(root, "homes", String(at)), { url: server.url, version, id })));
  return out;
}
const everyone = (list, version) => list.every((one) => one === version);
async function fetched(version) {
  const updater = install(fs.mkdtempSync(path.join(root, "fresh-")), { url: server.url, version: "1.0.0" });
  check((await offered(updater)) === version, `${version} is not offered`);
  const got = await download(updater);
  check(got.file && fs.readFileSync(got.file).equals(builds[version]), `${version} does not come as it was built: ${got.error}`);
}

// --- before: the other tool's channel ------------------------------------------------------------------------
check(everyone(await answers("1.0.0"), "1.1.0"), "the other tool's channel does not offer 1.1.0");
const audit = await tranche(0, "feed", "audit", `${server.url}latest.yml`, "--json");
check(audit.feeds[0].feed === "electron" && audit.feeds[0].offers === "1.1.0" && audit.feeds[0].share === 1, "the audit is wrong");
const asked = Object.fromEntries(audit.feeds[0].asked.map((one) => [one.asked, one.share]));
check(asked["0.5%"] === 0 && asked["10%"] === 0.1 && asked["100%"] === 1, "the audit's shares are wrong");
const codes = audit.feeds[0].remarks.map((one) => one.code);
check(codes.includes("unsigned"), `the audit does not say that the feed is unsigned: ${codes}`);

// --- taken over ----------------------------------------------------------------------------------------------
execFileSync("git", ["init", "-q", repo], { env });
fs.writeFileSync(path.join(repo, "tranche.yaml"), `version: 1
app: notes
artifacts: ["dist/Notes-Setup-{version}.exe", "dist/Notes-Setup-{version}.exe.blockmap"]
channels: { stable: { store: "dir:public", feeds: [tranche, electron] } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing:
  release: "file:~/.config/tranche/keys/notes-release.pem"
  feed: "file:~/.config/tranche/keys/notes-feed.pem"
  journal: "file:~/.config/tranche/keys/notes-journal.pem"
state: "dir:state"
rollouts:
  desktop:
    channel: stable
    stages: [ { percent: 10, bake: 6h..24h }, { percent: 100, bake: 6h..24h } ]
`);
await tranche(0, "key", "generate", "release", "feed", "journal", "--quiet");
const before = fs.readFileSync(yml_path);
check((await tranche(0, "channel", "adopt", "stable", "--dry-run", "--json")).changed, "a dry run finds nothing");
const adopted = await tranche(0, "channel", "adopt", "stable", "--reason", "from electron-builder", "--json");
check(adopted.changed && adopted.baseline === "1.1.0", "1.1.0 is not the baseline");
check(fs.readFileSync(yml_path).equals(before), "adopting changed what clients read");
check(!(await tranche(0, "channel", "adopt", "stable", "--json")).changed, "adopting twice does something");
check(everyone(await answers("1.0.0"), "1.1.0"), "clients noticed");

// The next publish says the same, in its own spelling at most.
for (const change of (await tranche(0, "channel", "diff", "stable", "--json")).changes) {
  check(change.name === "latest.yml" && !change.foreign, `the next publish would change ${change.name}`);
  const after = yaml.load(before.toString());
  const lines = change.diff.split("\n").filter((line) => line.startsWith("+")).map((line) => line.slice(1));
  for (const [key, value] of Object.entries(yaml.load(lines.filter((line) => /^\w/.test(line)).join("\n")) ?? {}))
    if (value !== null) check(JSON.stringify(after[key]) === JSON.stringify(value), `${key} would become ${JSON.stringify(value)}`);
}

// --- a rollout goes through it -------------------------------------------------------------------------------
build("1.2.0", dist);
await tranche(0, "release", "create", "1.2.0", "--quiet");
await tranche(0, "rollout", "start", "desktop", "--release", "1.2.0", "--accept-no-way-back", "--quiet");
const at_ten = await answers("1.1.0");
const predicted = ids.map((id) => parseInt(id.slice(-8), 16) / 0xffffffff < 0.1);
at_ten.forEach((one, at) => check((one === "1.2.0") === predicted[at], `${ids[at]} is offered ${one} at 10%`));

// Another tool writes in between: it is left alone, and said with exit 7.
const ours = fs.readFileSync(yml_path);
fs.writeFileSync(yml_path, before);
check((await tranche(7, "rollout", "promote", "desktop", "--reason", "fine")).includes("latest.yml"), "the foreign file is not named");
check(fs.readFileSync(yml_path).equals(before), "a foreign file was overwritten");
check((await tranche(0, "channel", "diff", "stable", "--json")).changes.some((one) => one.foreign), "diff does not show the foreign file");
fs.writeFileSync(yml_path, ours);
await tranche(8, "rollout", "advance", "desktop", "--quiet");
check(everyone(await answers("1.1.0"), "1.2.0"), "100% is not everyone");
check(!fs.readFileSync(yml_path, "utf8").includes("stagingPercentage"), "100% is written as a share");
await fetched("1.2.0");
await tranche(0, "journal", "verify", "--quiet");

// --- an altered artifact is never adopted --------------------------------------------------------------------
const other = path.join(root, "other");
fs.mkdirSync(other);
fs.writeFileSync(path.join(other, "latest.yml"), build("1.3.0", other));
fs.appendFileSync(path.join(other, "Notes-Setup-1.3.0.exe"), "x");
await tranche(7, "channel", "adopt", "stable", "--from", `${other}/`); // a rollout is on
server.close();
fs.rmSync(root, { recursive: true });
console.log(`adopt_story: ${ids.length} clients of electron-updater noticed nothing, then 10%, then everyone`);
process.exit(0);
