// electron_story TRANCHE: a desktop app's whole life as its users see it, through electron-updater itself.
//
// Two builds of an app come from electron-builder; `tranche` rolls the second out to 0, 10, 50 and 100 % and takes it back.
// At every stage each of 1,100 installed apps asks for updates over loopback, and every answer is the one that
// `tranche feed predict` gave. What is fetched is what was built; the feed that somebody alters is noticed and not
// served on; a fallback (or a downgrade, where the app allows it) brings everybody back who had the bad release.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { blockmap, check, device_ids, download, install, offered, serve } from "./electron_driver.mjs";

const tranche = path.resolve(process.argv[2]);
const sha512 = (bytes) => createHash("sha512").update(bytes).digest("base64");

class Shop {
  constructor(allow_downgrade) {
    this.allow_downgrade = allow_downgrade;
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), "electron-story-"));
    this.repo = path.join(this.root, "repo");
    this.store = path.join(this.repo, "public", "stable");
    fs.mkdirSync(path.join(this.repo, "dist"), { recursive: true });
    fs.mkdirSync(path.join(this.root, "home"));
    this.env = {
      ...process.env, HOME: path.join(this.root, "home"), XDG_CACHE_HOME: path.join(this.root, "cache"),
      XDG_STATE_HOME: path.join(this.root, "state"), GIT_CONFIG_NOSYSTEM: "1", NO_COLOR: "1",
    };
    const git = (...words) => execFileSync("git", words, { cwd: this.repo, env: this.env });
    git("init", "-q");
    git("config", "user.name", "Ana");
    git("config", "user.email", "ana@example.invalid");
    const keys = path.join(this.root, "home", ".config", "tranche", "keys");
    fs.writeFileSync(path.join(this.repo, "tranche.yaml"), `version: 1
app: notes-agent
artifacts: [ { path: "dist/{version}/latest*.yml", kind: electron-builder } ]
channels:
  stable:
    store: "dir:public/stable"
    feeds: [tranche, electron]
    clients: { electron: { allow-downgrade: ${allow_downgrade} } }
trust: { release: [keys/release.pub], feed: [keys/feed.pub], journal: [keys/journal.pub] }
signing:
  release: "file:${keys}/notes-agent-release.pem"
  feed: "file:${keys}/notes-agent-feed.pem"
  journal: "file:${keys}/notes-agent-journal.pem"
state: "dir:state"
rollouts:
  first: { channel: stable, stages: [ { percent: 100, bake: 0s..1h, gates: [] } ], on-failure: back }
  desktop:
    channel: stable
    stages:
      - { percent: 10, bake: 1h, gates: [] }
      - { percent: 50, bake: 1h, gates: [] }
      - { percent: 100, bake: 1h, gates: [] }
    on-failure: back
  tiny: { channel: stable, stages: [ { percent: 0.5, bake: 1h, gates: [] }, { percent: 100, bake: 1h, gates: [] } ], on-failure: back }
playbooks: { back: { steps: [ { uses: channel.withdraw }, { uses: channel.fallback } ] } }
`);
    this.run("key", "generate", "release", "feed", "journal", "--quiet");
    this.built = {};
  }

  // A command's JSON; `code` is the exit code that it must have (a list: any of them).
  run(...words) {
    let code = [0];
    if (Array.isArray(words.at(-1))) code = words.pop();
    const done = spawnSync(tranche, [...words, "--json"], { cwd: this.repo, env: this.env, maxBuffer: 1 << 26 });
    check(code.includes(done.status), `tranche ${words.join(" ")}: exit ${done.status}, wanted ${code}\n${done.stdout}${done.stderr}`);
    return done.stdout.length > 0 ? JSON.parse(done.stdout) : {};
  }

  // What electron-builder leaves in its output directory. The same code in another version is `bytes` given again.
  build(version, bytes = randomBytes(200 * 1024)) {
    const dist = path.join(this.repo, "dist", version);
    fs.mkdirSync(dist, { recursive: true });
    const exe = Buffer.concat([bytes, Buffer.from(`notes ${version}`)]);
    const name = `Notes Setup ${version}.exe`;
    fs.writeFileSync(path.join(dist, name), exe);
    fs.writeFileSync(path.join(dist, `${name}.blockmap`), blockmap(exe));
    const image = Buffer.concat([bytes, Buffer.from(`image ${version}`)]);
    fs.writeFileSync(path.join(dist, `Notes-${version}.AppImage`), image);
    const yml = (file, url, content) =>
      fs.writeFileSync(path.join(dist, file), `version: ${version}\nfiles:\n  - url: ${url}\n    sha512: ${sha512(content)}\n    size: ${content.length}\n` +
        `path: ${url}\nsha512: ${sha512(content)}\nreleaseDate: '${new Date().toISOString()}'\n`);
    yml("latest.yml", `Notes-Setup-${version}.exe`, exe);
    yml("latest-linux.yml", `Notes-${version}.AppImage`, image);
    this.built[version] = exe;
    return bytes;
  }
}

async function story(allow_downgrade, ids) {
  const shop = new Shop(allow_downgrade);
  const homes = ids.map((_, at) => path.join(shop.root, "devices", String(at)));
  let server;
  let answers = 0;

  // All devices ask; every answer is the predicted one. Gives the share that is offered something.
  async function everybody(stage, version, wanted, share) {
    const file = path.join(shop.root, "devices.ndjson");
    fs.writeFileSync(file, ids.map((id) => JSON.stringify({ id, version }) + "\n").join(""));
    const predicted = shop.run("feed", "predict", "stable", "--feed", "electron", "--devices", file);
    check(predicted.schema === "tranche/feed-predict/v1" && predicted.devices.length === ids.length, `${stage}: no prediction for each device`);
    const got = new Array(ids.length);
    let next = 0;
    await Promise.all(Array.from({ length: 16 }, async () => {
      for (let at = next++; at < ids.length; at = next++)
        got[at] = await offered(install(homes[at], { url: server.url, version, id: ids[at], allowDowngrade: allow_downgrade }));
    }));
    ids.forEach((id, at) => {
      check(predicted.devices[at].id === id, `${stage}: the prediction for ${id} stands elsewhere`);
      check(predicted.devices[at].offered === got[at], `${stage}: ${id} is offered ${got[at]}, predicted ${predicted.devices[at].offered}`);
      check(got[at] === null || got[at] === wanted, `${stage}: ${id} is offered ${got[at]}, not ${wanted}`);
    });
    answers += ids.length;
    const reached = new Set(ids.filter((_, at) => got[at] !== null));
    const random = ids.slice(-random_ids);
    const part = random.filter((id) => reached.has(id)).length / random.length;
    check(Math.abs(part - share) <= (share === 0 || share === 1 ? 0 : 0.08), `${stage}: ${part} of the devices are offered ${wanted}, wanted ${share}`);
    return reached;
  }
  async function take(version, running) {
    const updater = install(fs.mkdtempSync(path.join(shop.root, "device-")), { url: server.url, version: running, id: ids[0], allowDowngrade: allow_downgrade });
    check((await offered(updater)) === version, `${running} is not offered ${version}`);
    const got = await download(updater);
    check(got.file && fs.readFileSync(got.file).equals(shop.built[version]), `${version} did not come as it was built: ${got.error}`);
  }

  // The first release, for everyone.
  const code = shop.build("1.0.0");
  shop.run("release", "create", "1.0.0");
  shop.run("rollout", "start", "first", "--release", "1.0.0", "--accept-no-way-back", "--reason", "the first one");
  shop.run("rollout", "advance", "first", "--pending-ok");
  server = await serve(shop.store);
  await everybody("first", "0.9.0", "1.0.0", 1);
  await take("1.0.0", "0.9.0");

  // The next one, with a way back for those who cannot go down.
  shop.build("1.1.0");
  shop.run("release", "create", "1.1.0");
  if (!allow_downgrade) {
    shop.build("1.1.1", code);
    shop.run("release", "create", "1.1.1", "--fallback-for", "1.1.0", "--same-as", "1.0.0");
  }
  await everybody("0%", "1.0.0", "1.1.0", 0);
  check(JSON.stringify(shop.run("rollout", "plan", "tiny", "--release", "1.1.0", [3])).includes("electron"), "0.5 % of electron is planned");

  shop.run("rollout", "start", "desktop", "--release", "1.1.0", "--reason", "spring");
  const tenth = await everybody("10%", "1.0.0", "1.1.0", 0.1);
  await take("1.1.0", "1.0.0");
  shop.run("rollout", "promote", "desktop", "--reason", "looks good");
  const half = await everybody("50%", "1.0.0", "1.1.0", 0.5);
  check([...tenth].every((id) => half.has(id)), "widening drops a device");
  {
    const name = "/tranche/v1/releases/1.1.0/Notes-Setup-1.1.0.exe";
    const altered = Buffer.from(shop.built["1.1.0"]);
    altered[7] ^= 1;
    server.answers.set(name, altered);
    const updater = install(fs.mkdtempSync(path.join(shop.root, "device-")), { url: server.url, version: "1.0.0", id: ids[0] });
    check((await offered(updater)) === "1.1.0", "nothing to fetch");
    const got = await download(updater);
    check(got.error === "ERR_CHECKSUM_MISMATCH", `an altered installer is taken: ${JSON.stringify(got)}`);
    server.answers.delete(name);
  }
  shop.run("rollout", "promote", "desktop", "--reason", "still good");
  check((await everybody("100%", "1.0.0", "1.1.0", 1)).size === ids.length, "finishing leaves somebody out");
  check(!fs.readFileSync(path.join(shop.store, "latest.yml"), "utf8").includes("stagingPercentage"), "a finished feed has a percentage");

  // It is bad. Everybody who has it comes to what was there before.
  const stopped = shop.run("stop", "desktop", "--reason", "crashes");
  const reported = stopped.feeds.find((one) => one.feed === "electron");
  check(stopped.phase === "rolled-back" && reported.withdrawn && !reported.stranded, `stop leaves somebody: ${JSON.stringify(reported)}`);
  const back = allow_downgrade ? "1.0.0" : "1.1.1";
  check(reported["recovers-to"] === back, `devices come back to ${reported["recovers-to"]}, wanted ${back}`);
  await everybody("taken back", "1.1.0", back, 1);
  await everybody("never had it", "1.0.0", back, allow_downgrade ? 0 : 1);
  await take(back, "1.1.0");
  if (!allow_downgrade) check(shop.built[back].subarray(0, 200 * 1024).equals(code), "the fallback is other code");
  shop.run("journal", "verify");
  server.close();
  fs.rmSync(shop.root, { recursive: true });
  return answers;
}

const random_ids = 1000;
const ids = device_ids(random_ids + device_ids(0, [10, 50, 100]).length, [10, 50, 100]);
check(ids.length >= 1000, "too few ids");
let answers = 0;
for (const allow_downgrade of [false, true]) answers += await story(allow_downgrade, ids);
console.log(`${answers} answers of ${ids.length} installed apps, all as feed predict said`);
process.exit(0);
