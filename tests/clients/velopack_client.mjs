// Velopack's own client (0.0.1053: the newest that loads on glibc 2.36) asks a feed that lies in a directory, served on
// a free loopback port. It checks no digest of what it downloads and sends no stagingId; later ones do both.
//
// stdin:  {"feed": DIR, "work": DIR, "channel": "win", "cases": [{"running", "allowDowngrade"?, "explicitChannel"?,
//          "download"?}]}
// stdout: {"version", "requests": [...], "answers": [{"offered": "1.2.0" | null, "downgrade", "sha256"?} | {"error"}]}
import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join, normalize } from "node:path";

const require = createRequire(import.meta.url);
const velopack = require("velopack");
velopack.setVelopackLogger(() => {});
const input = JSON.parse(readFileSync(0, "utf8"));

const requests = [];
const server = createServer((request, response) => {
  requests.push(request.url);
  const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
  const file = join(input.feed, path);
  if (path.includes("..") || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-length": statSync(file).size });
  createReadStream(file).pipe(response);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const url = `http://127.0.0.1:${server.address().port}`;

function install(directory, version, channel) {
  mkdirSync(join(directory, "packages"), { recursive: true });
  mkdirSync(join(directory, "current"), { recursive: true });
  writeFileSync(join(directory, "Update"), "");
  writeFileSync(
    join(directory, "sq.version"),
    `<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2010/07/nuspec.xsd"><metadata><id>Notes</id><title>Notes</title>
<version>${version}</version><channel>${channel}</channel><mainExe>notes</mainExe><authors>a</authors>
<description>d</description></metadata></package>`,
  );
  return {
    RootAppDir: directory,
    UpdateExePath: join(directory, "Update"),
    PackagesDir: join(directory, "packages"),
    ManifestPath: join(directory, "sq.version"),
    CurrentBinaryDir: join(directory, "current"),
    IsPortable: true,
  };
}

const answers = [];
for (const [index, one] of input.cases.entries()) {
  try {
    const locator = install(join(input.work, `app${index}`), one.running, input.channel);
    const options = { AllowVersionDowngrade: one.allowDowngrade === true };
    if (one.explicitChannel) options.ExplicitChannel = one.explicitChannel;
    const manager = new velopack.UpdateManager(url, options, locator);
    const update = await manager.checkForUpdatesAsync();
    const answer = { offered: update?.TargetFullRelease.Version ?? null, downgrade: update?.IsDowngrade ?? false };
    if (update && one.download) {
      await manager.downloadUpdateAsync(update, () => {});
      const [name] = readdirSync(locator.PackagesDir).filter((file) => file.endsWith(".nupkg"));
      answer.sha256 = createHash("sha256").update(readFileSync(join(locator.PackagesDir, name))).digest("hex");
    }
    answers.push(answer);
  } catch (problem) {
    answers.push({ error: String(problem) });
  }
}
server.close();
console.log(JSON.stringify({ version: require("velopack/package.json").version, requests, answers }));
process.exit(0);
