// sarif_story.mjs TRANCHE: what `sbom audit --sarif` writes is valid SARIF 2.1.0 and within what code scanning takes, whatever the advisories say.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const [tranche] = process.argv.slice(2);
const require = createRequire(import.meta.url);
// The schema is of draft 4, which the validator that comes with it reads.
const home = dirname(require.resolve("@microsoft/jest-sarif"));
const beside = createRequire(join(home, "index.js"));
const Ajv = beside("ajv");
const ajv = new Ajv({ schemaId: "id", meta: false, logger: false, allErrors: true });
ajv.addMetaSchema(beside("ajv/lib/refs/json-schema-draft-04.json"));
const validate = ajv.compile(JSON.parse(readFileSync(join(home, "schemas/sarif-2.1.0-rtm.5.json"), "utf8")));

const fail = (message) => {
  console.error(message);
  process.exit(1);
};
const room = mkdtempSync(join(tmpdir(), "sarif-"));
process.on("exit", () => rmSync(room, { recursive: true, force: true }));
mkdirSync(join(room, "osv"));
mkdirSync(join(room, "my boms"));

const affected = (name) => [{ package: { ecosystem: "npm", name }, ranges: [{ type: "SEMVER", events: [{ introduced: "0" }] }] }];
const records = [
  { id: "GHSA-1", aliases: ["CVE-1"], summary: "plain", database_specific: { severity: "HIGH" }, references: [{ type: "ADVISORY", url: "https://advisories.example/1" }], affected: affected("a") },
  { id: "GHSA-2", summary: "long ".repeat(5000), affected: affected("a"), references: [{ type: "WEB", url: "https://advisories.example/no uri/{}" }] },
  { id: `X-${"9".repeat(2000)}`, summary: "control \u0007 \u001b[31m and \u2028", affected: affected("b") },
  { id: "GHSA-4", database_specific: { severity: "LOW" }, affected: affected("b") },
];
records.forEach((record, i) => writeFileSync(join(room, "osv", `${i}.json`), JSON.stringify({ modified: "2026-01-01T00:00:00Z", ...record })));
const component = (name, version) => ({ type: "library", name, version, purl: `pkg:npm/${name}@${version}`, "bom-ref": `${name}@${version}` });
const bom = { bomFormat: "CycloneDX", specVersion: "1.6", version: 1, components: [component("a", "1.0.0"), component("b", "2.0.0")] };

// Writes the log, holds it against the schema and gives back its run.
function audit(name, components, ...more) {
  writeFileSync(join(room, "my boms", name), JSON.stringify({ ...bom, components }));
  try {
    execFileSync(tranche, ["sbom", "audit", `my boms/${name}`, "--advisories", "osv", "--sarif", "audit.sarif", "--quiet", ...more], { cwd: room, stdio: ["ignore", "ignore", "inherit"] });
  } catch (error) {
    if (error.status !== 4) fail(`sbom audit ended with ${error.status}`);
  }
  const log = JSON.parse(readFileSync(join(room, "audit.sarif"), "utf8"));
  if (!validate(log)) fail(`no valid SARIF 2.1.0: ${ajv.errorsText(validate.errors)}`);
  return log.runs[0];
}

const run = audit("bom one.json", bom.components);
if (run.results.length !== 4 || run.tool.driver.rules.length !== 4) fail("not four findings of four advisories");
for (const result of run.results)
  if (result.locations[0].physicalLocation.artifactLocation.uri !== "my%20boms/bom%20one.json") fail("the place is no reference");
for (const rule of run.tool.driver.rules)
  if (rule.id.length > 255 || rule.shortDescription.text.length > 1024 || rule.fullDescription.text.length > 1024) fail("a text that code scanning refuses");
if (run.tool.driver.rules.filter((rule) => rule.helpUri).length !== 1) fail("an address that is no URI was passed on");

writeFileSync(join(room, "vex.json"), JSON.stringify({ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", author: "a", timestamp: "2026-01-01T00:00:00Z", version: 1,
  statements: [{ vulnerability: { name: "CVE-1" }, products: [{ "@id": "pkg:npm/a" }], status: "not_affected", justification: "component_not_present" }] }));
const suppressed = audit("bom two.json", bom.components, "--vex", "vex.json").results.filter((result) => result.suppressions?.length === 1);
if (suppressed.length !== 1 || suppressed[0].ruleId !== "GHSA-1") fail("the suppression is not there");

// More findings than code scanning takes: the worst are kept.
const many = audit("many.json", Array.from({ length: 13_000 }, (_, i) => component(i === 12_999 ? "b" : "a", `1.0.${i}`)));
if (many.results.length !== 25_000 || many.properties.leftOut !== 1000) fail(`${many.results.length} results, ${many.properties?.leftOut} left out`);
if (many.results.some((result) => result.level === "note")) fail("a lesser finding took the place of a worse one");
console.log("4 findings, a suppression and 25,000 of 26,000 are valid SARIF 2.1.0");
