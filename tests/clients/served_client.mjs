// Real updaters against `tranche serve`: what does the server give to each of many ids?
//   node served_client.mjs electron|velopack < question.json
// electron: {"url", "running", "ids": [ID or null], "headers"?, "channel"?, "download"?}
//   -> {"answers": [{"given", "offered"}], "downloaded"?: {"file"} or {"error"}}: the version in the file that the
//   server sent, and the version that the client would take (null: none). An id of null: an empty header.
// velopack: {"url", "running"} -> {"offered", "sha256"?}
import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const ask = JSON.parse(fs.readFileSync(0, "utf8"));
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "tranche-served-client-"));
process.on("exit", () => fs.rmSync(scratch, { recursive: true, force: true }));
const sha256 = (file) => createHash("sha256").update(fs.readFileSync(file)).digest("hex");

async function electron() {
  const { install, download } = await import("./electron_driver.mjs");
  const answers = [];
  let downloaded;
  for (const [at, id] of ask.ids.entries()) {
    const updater = install(path.join(scratch, `${at}`), {
      url: ask.url, version: ask.running, id: id ?? undefined, channel: ask.channel, allowDowngrade: false,
    });
    updater.on("error", () => {});
    updater.requestHeaders = { ...ask.headers, ...(id === null ? { "x-user-staging-id": "" } : {}) };
    const { updateInfo, isUpdateAvailable } = await updater.checkForUpdates();
    answers.push({ given: updateInfo.version, offered: isUpdateAvailable ? updateInfo.version : null });
    if (ask.download && isUpdateAvailable) {
      downloaded = await download(updater);
      if (downloaded.file) downloaded = { sha256: sha256(downloaded.file) };
    }
  }
  return { answers, downloaded };
}

async function velopack() {
  const { UpdateManager, setVelopackLogger } = createRequire(import.meta.url)("velopack");
  setVelopackLogger(() => {});
  const packages = path.join(scratch, "packages"), current = path.join(scratch, "current");
  const manifest = path.join(scratch, "sq.version"), update = path.join(scratch, "Update");
  for (const directory of [packages, current]) fs.mkdirSync(directory);
  fs.writeFileSync(update, "");
  fs.writeFileSync(
    manifest,
    `<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2010/07/nuspec.xsd"><metadata><id>Notes</id><title>Notes</title>
<version>${ask.running}</version><channel>win</channel><mainExe>notes</mainExe><authors>a</authors>
<description>d</description></metadata></package>`,
  );
  const manager = new UpdateManager(ask.url, { AllowVersionDowngrade: false, ExplicitChannel: "win" }, {
    RootAppDir: scratch, UpdateExePath: update, PackagesDir: packages, ManifestPath: manifest,
    CurrentBinaryDir: current, IsPortable: true,
  });
  const found = await manager.checkForUpdatesAsync();
  if (!found) return { offered: null };
  await manager.downloadUpdateAsync(found, () => {});
  return { offered: found.TargetFullRelease.Version, sha256: sha256(path.join(packages, found.TargetFullRelease.FileName)) };
}

console.log(JSON.stringify(await { electron, velopack }[process.argv[2]]()));
process.exit(0);
