// electron_client WRITER: our electron feed before electron-updater itself, over loopback.
//
// - 1,000 ids and more, among them the edges of every percentage, at each of 0, 1, 10, 50, 99, 100 % and for shares that
//   are no whole percentages: every answer of checkForUpdates() is the predicted one.
// - Windows, macOS and Linux clients read their own files and fetch them; what is altered on the way is refused.
// - A blockmap lies where the client looks for it, the old one too: it fetches the difference.
// - A lower version is taken with allowDowngrade only.
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { deflateRawSync, gunzipSync } from "node:zlib";
import { blockmap, check, device_ids, download, install, offered, serve } from "./electron_driver.mjs";

const writer = path.resolve(process.argv[2]);
const root = fs.mkdtempSync(path.join(os.tmpdir(), "electron-client-"));
const store = path.join(root, "store");
process.env.APPIMAGE = path.join(root, "installed.AppImage");

const write = (...words) => execFileSync(writer, ["write", root, ...words.map(String)], { stdio: ["ignore", "ignore", "inherit"] });
const predict = (ids, file, running, downgrade) =>
  execFileSync(writer, ["predict", root, file, running, ...(downgrade ? ["allow-downgrade"] : [])], { input: ids.join("\n") + "\n", maxBuffer: 1 << 26 })
    .toString().trim().split("\n").map((line) => line.split(" ")[0]).map((version) => (version === "-" ? null : version));

// --- two builds of one app -----------------------------------------------------------------------------------

const sha512 = (bytes) => createHash("sha512").update(bytes).digest("base64");
const shared = randomBytes(600 * 1024); // most of the app does not change
const built = (version, extra) => Buffer.concat([shared, Buffer.from(`${extra} ${version}`), randomBytes(20 * 1024)]);
function embed(bytes) { // an AppImage carries its map at its end
  const map = deflateRawSync(gunzipSync(blockmap(bytes)));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(map.length);
  return { bytes: Buffer.concat([bytes, map, size]), map: map.length };
}
const files = {};
for (const version of ["1.1.0", "1.2.0"]) {
  const dist = path.join(root, "dist", version);
  fs.mkdirSync(dist, { recursive: true });
  const image = embed(built(version, "image"));
  const put = (name, bytes, more = {}) => {
    files[name] = bytes;
    fs.writeFileSync(path.join(dist, name), bytes);
    return { url: name, sha512: sha512(bytes), size: bytes.length, ...more };
  };
  const yml = (name, list) =>
    fs.writeFileSync(path.join(dist, name), `version: ${version}\nfiles:\n` +
      list.map((one) => `  - ${JSON.stringify(one)}\n`).join("") + `releaseDate: '${new Date().toISOString()}'\n`);
  const exe = put(`Notes-Setup-${version}.exe`, built(version, "exe"));
  const zip = put(`Notes-${version}-mac.zip`, built(version, "zip"));
  yml("latest.yml", [exe]);
  yml("latest-mac.yml", [put(`Notes-${version}.dmg`, built(version, "dmg")), zip]);
  yml("latest-linux.yml", [put(`Notes-${version}.AppImage`, image.bytes, { blockMapSize: image.map }), put(`notes_${version}_amd64.deb`, built(version, "deb"))]);
  for (const name of [exe.url, zip.url]) fs.writeFileSync(path.join(dist, `${name}.blockmap`), blockmap(files[name]));
}

// --- every answer --------------------------------------------------------------------------------------------

write(100);
const server = await serve(store);
const every_percent = Array.from({ length: 100 }, (_, at) => at + 1);
const ids = device_ids(1100, every_percent);
const homes = ids.map((_, at) => path.join(root, "homes", String(at)));

async function answers(list, more) {
  const out = new Array(list.length);
  let next = 0;
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (let at = next++; at < list.length; at = next++)
      out[at] = await offered(install(homes[ids.indexOf(list[at])], { url: server.url, version: "1.1.0", id: list[at], ...more }));
  }));
  return out;
}
let compared = 0;
async function compare(label, list, { file = "latest.yml", running = "1.1.0", allowDowngrade = false, kind = "windows" } = {}) {
  const theirs = await answers(list, { version: running, allowDowngrade, kind });
  const ours = predict(list, file, running, allowDowngrade);
  list.forEach((id, at) => check(theirs[at] === ours[at], `${label}: ${id} is offered ${theirs[at]}, predicted ${ours[at]}`));
  compared += list.length;
  return theirs.filter((one) => one !== null).length / list.length;
}

for (const percent of [0, 1, 10, 50, 99, 100]) {
  write(percent);
  const share = await compare(`${percent}%`, ids);
  if (percent === 0) check(share === 0, "0 % reaches somebody");
  if (percent === 100) check(share === 1, "finishing leaves somebody out");
}
write(10);
const ten = fs.readFileSync(path.join(store, "latest.yml"), "utf8");
check(ten.includes("stagingPercentage: 10\n"), "10 % is not written");
const odd = ["100", "0.5", "99.9", "'12abc'", "abc", "''", "true", "~", "-1", "+7", "010", "0x10", "'0x10'", "1e1", "'1e1'", "0.0000005", "1e21", ".inf", "+.5", "[50]",
  "{a: 1}", "101", "'\\t 42'", "\"\\u00a0 42%\"", "50%", "2026-01-01", "0b1010", "-0x10", "1_0"];
const edges = ids.filter((_, at) => at % 4 === 0);
for (const text of odd) {
  fs.writeFileSync(path.join(store, "latest.yml"), ten.replace("stagingPercentage: 10", `stagingPercentage: ${text}`));
  await compare(`stagingPercentage: ${text}`, ["100", "0.5", "abc", "'12abc'"].includes(text) ? ids : edges);
}

// Between all versions, with and without downgrade, and for the other platforms.
const some = [...device_ids(0, [50]), ...ids.slice(-150)].filter((id) => ids.includes(id));
write(50);
for (const running of ["1.0.0", "1.2.0", "1.2.0-rc.1", "1.3.0"])
  for (const allowDowngrade of [false, true]) await compare(`50% at ${running}`, some, { running, allowDowngrade });
for (const [kind, file] of [["mac", "latest-mac.yml"], ["appimage", "latest-linux.yml"], ["deb", "latest-linux.yml"]])
  await compare(`50% of ${kind}`, some, { kind, file });
check(new Set(server.log.headers.map((one) => one["x-user-staging-id"])).size >= ids.length, "the client does not send its id");

// --- fetching ------------------------------------------------------------------------------------------------

write(100);
const fresh = (more) => install(fs.mkdtempSync(path.join(root, "home-")), { url: server.url, version: "1.1.0", ...more });
async function fetch(more, name) {
  const updater = fresh(more);
  check((await offered(updater)) === "1.2.0", `${name} is not offered`);
  const got = await download(updater);
  check(got.file && fs.readFileSync(got.file).equals(files[name]), `${name} did not come as it was published: ${got.error}`);
  return updater;
}
await fetch({}, "Notes-Setup-1.2.0.exe");
await fetch({ kind: "deb" }, "notes_1.2.0_amd64.deb");

// The difference only: both blockmaps are where the client looks for them.
{
  const home = fs.mkdtempSync(path.join(root, "home-"));
  const updater = install(home, { url: server.url, version: "1.1.0", differential: true });
  fs.mkdirSync(path.join(home, "cache"), { recursive: true });
  fs.writeFileSync(path.join(home, "cache", "installer.exe"), files["Notes-Setup-1.1.0.exe"]);
  check((await offered(updater)) === "1.2.0", "no offer");
  server.log.bytes = 0;
  server.log.paths.length = 0;
  const got = await download(updater);
  check(got.file && fs.readFileSync(got.file).equals(files["Notes-Setup-1.2.0.exe"]), `a difference that does not add up: ${got.error}`);
  for (const version of ["1.1.0", "1.2.0"])
    check(server.log.paths.includes(`/tranche/v1/releases/${version}/Notes-Setup-${version}.exe.blockmap`), `no blockmap of ${version} was read: ${server.log.paths}`);
  check(server.log.bytes < files["Notes-Setup-1.2.0.exe"].length / 4, `the whole file was fetched: ${server.log.bytes} bytes`);
}
{
  fs.writeFileSync(process.env.APPIMAGE, files["Notes-1.1.0.AppImage"]);
  server.log.bytes = 0;
  await fetch({ kind: "appimage", differential: true }, "Notes-1.2.0.AppImage");
  check(server.log.bytes < files["Notes-1.2.0.AppImage"].length / 4, `the whole AppImage was fetched: ${server.log.bytes} bytes`);
}
{ // Squirrel.Mac takes it from here: what was fetched is in the cache.
  const updater = fresh({ kind: "mac" });
  check((await offered(updater)) === "1.2.0", "no offer for macOS");
  void download(updater);
  const cached = path.join(updater.app.baseCachePath, "cache", "pending", "Notes-1.2.0-mac.zip");
  const until = Date.now() + 20_000;
  while (!(fs.existsSync(cached) && fs.readFileSync(cached).equals(files["Notes-1.2.0-mac.zip"])) && Date.now() < until) await new Promise((done) => setTimeout(done, 20));
  check(fs.existsSync(cached), "macOS fetched no zip");
  updater.closeServerIfExists();
}
{ // Altered on the way.
  const name = "/tranche/v1/releases/1.2.0/Notes-Setup-1.2.0.exe";
  const altered = Buffer.from(files["Notes-Setup-1.2.0.exe"]);
  altered[1000] ^= 1;
  server.answers.set(name, altered);
  const updater = fresh({});
  await offered(updater);
  const got = await download(updater);
  check(got.error === "ERR_CHECKSUM_MISMATCH", `an altered file is taken: ${JSON.stringify(got)}`);
  server.answers.delete(name);
}

// --- taking back ---------------------------------------------------------------------------------------------

write(100, "1.1.0", "");
const taken = { version: "1.2.0" };
check((await offered(fresh(taken))) === null, "a lower version is offered");
check((await offered(fresh({ ...taken, allowDowngrade: true }))) === "1.1.0", "allowDowngrade does not bring back");
{
  const updater = fresh(taken);
  updater.channel = "latest"; // sets allowDowngrade, says electron-updater
  check((await offered(updater)) === "1.1.0", "setting a channel does not allow a downgrade any more");
  const got = await download(updater);
  check(got.file && fs.readFileSync(got.file).equals(files["Notes-Setup-1.1.0.exe"]), "the lower version did not come");
}

// An id that is no UUID is replaced: only a feed for everyone is sure to reach it.
{
  const home = fs.mkdtempSync(path.join(root, "home-"));
  await offered(install(home, { url: server.url, version: "1.0.0", id: "device-0001" }));
  check(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(fs.readFileSync(path.join(home, ".updaterId"), "utf8")), "no new id was made");
}

server.close();
fs.rmSync(root, { recursive: true });
console.log(`electron-updater ${JSON.parse(fs.readFileSync(new URL("node_modules/electron-updater/package.json", import.meta.url))).version}: ` +
  `${compared} answers of ${ids.length} ids, all as predicted`);
process.exit(0);
