// Drives electron-updater without Electron: an app adapter in place of electron.app, Node's http in place of
// Electron's net, and for MacUpdater a stand-in for the native Squirrel.Mac. All else is the client's own code.
import { createHash, randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { gzipSync } from "node:zlib";

const require = createRequire(import.meta.url);
const Module = require("node:module");

class NativeUpdater extends EventEmitter {
  setFeedURL() {}
  checkForUpdates() {}
}
const electron = { autoUpdater: new NativeUpdater() };
electron.autoUpdater.setMaxListeners(0);
const load = Module._load;
Module._load = function (name, ...more) {
  return name === "electron" ? electron : load.call(this, name, ...more);
};

const { HttpExecutor } = require("builder-util-runtime");
const updaters = require("electron-updater");

const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
class NodeExecutor extends HttpExecutor {
  createRequest(options, callback) {
    const request = http.request({ ...options, agent }, callback);
    request.on("error", () => {}); // the executor has its own listener as well
    request.on("socket", (socket) => socket.setMaxListeners(0)); // a kept connection serves many requests
    return request;
  }
  async download(url, destination, options) {
    const { configureRequestUrl, configureRequestOptions } = require("builder-util-runtime");
    return options.cancellationToken.createPromise((resolve, reject, onCancel) => {
      const request = { headers: options.headers ?? undefined, redirect: "manual" };
      configureRequestUrl(url, request);
      configureRequestOptions(request);
      this.doDownload(
        request,
        { destination, options, onCancel, callback: (error) => (error == null ? resolve(destination) : reject(error)), responseHandler: null },
        0,
      );
    });
  }
}
const executor = new NodeExecutor();
const silent = { info() {}, warn() {}, error() {} };

const kinds = {
  windows: { make: updaters.NsisUpdater, platform: "win32" },
  appimage: { make: updaters.AppImageUpdater, platform: "linux" },
  deb: { make: updaters.DebUpdater, platform: "linux" },
  mac: { make: updaters.MacUpdater, platform: "darwin" },
};

// One installed app. `home`: its directory; its id lies in home/.updaterId and is made by the client when
// nothing is given.
export function install(home, { url, version, id, kind = "windows", channel, allowDowngrade, differential = false }) {
  fs.mkdirSync(home, { recursive: true });
  const config = path.join(home, "app-update.yml");
  fs.writeFileSync(config, "provider: generic\nupdaterCacheDirName: cache\n");
  if (id !== undefined) fs.writeFileSync(path.join(home, ".updaterId"), id);
  const adapter = {
    version,
    name: "notes",
    isPackaged: true,
    appUpdateConfigPath: config,
    userDataPath: home,
    baseCachePath: home,
    whenReady: () => Promise.resolve(),
    quit() {},
    relaunch() {},
    onQuit() {},
  };
  const updater = new kinds[kind].make(null, adapter);
  updater.logger = silent;
  updater._testOnlyOptions = { platform: kinds[kind].platform, isUseDifferentialDownload: differential };
  updater.httpExecutor = executor;
  updater.autoDownload = false;
  updater.autoInstallOnAppQuit = false;
  updater.disableWebInstaller = true;
  updater.setFeedURL({ provider: "generic", url, ...(channel ? { channel } : {}), useMultipleRangeRequest: false });
  if (allowDowngrade !== undefined) updater.allowDowngrade = allowDowngrade;
  return updater;
}

// The version that the installed app would take, or null; "error: CODE" when it refuses what it reads.
export async function offered(updater) {
  updater.removeAllListeners("error");
  updater.on("error", () => {});
  try {
    const result = await updater.checkForUpdates();
    return result.isUpdateAvailable ? result.updateInfo.version : null;
  } catch (error) {
    return `error: ${error.code ?? error.message.split("\n")[0]}`;
  }
}

// Fetches what offered() found: its path, or the client's error code.
export async function download(updater) {
  updater.removeAllListeners("error");
  updater.on("error", () => {});
  try {
    return { file: (await updater.downloadUpdate())[0] };
  } catch (error) {
    return { error: error.code ?? error.message };
  }
}

// A directory over loopback, with ranges; `answers` may override single paths. Counts the bytes it sent.
export async function serve(directory, answers = new Map()) {
  const log = { bytes: 0, paths: [], headers: [] };
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url, "http://x").pathname);
    log.paths.push(name);
    log.headers.push(request.headers);
    const send = (status, body, headers = {}) => {
      log.bytes += body.length;
      response.writeHead(status, { "content-length": body.length, ...headers });
      response.end(body);
    };
    const file = path.join(directory, path.normalize(name));
    if (answers.has(name)) return send(200, Buffer.from(answers.get(name)));
    if (!fs.existsSync(file) || !fs.statSync(file).isFile()) return send(404, Buffer.from("no such file"));
    const bytes = fs.readFileSync(file);
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (!range) return send(200, bytes);
    const [from, to] = [Number(range[1]), Number(range[2])];
    send(206, bytes.subarray(from, to + 1), { "content-range": `bytes ${from}-${to}/${bytes.length}` });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    answers,
    log,
    close: () => {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
}

const at = (draw) => `0b2c3d4e-5f60-5a7b-8c9d-0e1f${draw.toString(16).padStart(8, "0")}`;

// Device ids: the draws around each of the given percentages, the two ends, odd spellings, and random ones.
export function device_ids(count, percents) {
  const ids = new Set([at(0), at(1), at(0xfffffffe), at(0xffffffff), "00000000-0000-0000-0000-000000000000"]);
  for (const percent of percents) {
    const edge = Math.floor((percent / 100) * 0xffffffff);
    for (const draw of [edge - 2, edge - 1, edge, edge + 1, edge + 2])
      if (draw >= 0 && draw <= 0xffffffff) ids.add(at(draw));
  }
  for (const draw of [0xffffffff, 0x80abcdef, 0x12ff34ee, 0x10ffffff]) {
    ids.add(at(draw).toUpperCase());
    ids.add(at(draw).replace(/.{4}$/, (tail) => tail.toUpperCase()));
    ids.add(at(draw).replace(/.{3}$/, (tail) => tail.toUpperCase()));
  }
  while (ids.size < count) {
    const hex = randomBytes(16).toString("hex");
    ids.add(`${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`);
  }
  return [...ids];
}

// What electron-builder writes beside an installer: the digests of its blocks.
export function blockmap(bytes, size = 16 * 1024) {
  const checksums = [];
  const sizes = [];
  for (let from = 0; from < bytes.length; from += size) {
    const block = bytes.subarray(from, from + size);
    checksums.push(createHash("blake2b512").update(block).digest("base64").slice(0, 24));
    sizes.push(block.length);
  }
  return gzipSync(JSON.stringify({ version: "2", files: [{ name: "file", offset: 0, checksums, sizes }] }));
}

export function fail(words) {
  console.error(`${path.basename(process.argv[1])}: ${words}`);
  process.exit(1);
}
export function check(condition, words) {
  if (!condition) fail(words);
}
