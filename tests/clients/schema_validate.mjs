// Holds documents against the JSON Schema of tranche.yaml with ajv, in strict mode.
//   node schema_validate.mjs SCHEMA DOCUMENT...
// Exit 0: the schema is a valid 2020-12 schema and every document fits. A document whose name holds "bad" must not.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import Ajv2020 from "ajv/dist/2020.js";

const [schemaFile, ...documents] = process.argv.slice(2);
const read = (file) => JSON.parse(readFileSync(file, "utf8"));
// A union of shapes repeats `type` in its parts.
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
const validate = ajv.compile(read(schemaFile));
let wrong = 0;
for (const file of documents) {
  const fits = validate(read(file));
  if (fits === !basename(file).includes("bad")) continue;
  ++wrong;
  console.error(`${file}: ${fits ? "fits, and must not" : ajv.errorsText(validate.errors, { separator: "\n  " })}`);
}
console.log(`${documents.length} documents, ${wrong} wrong`);
process.exit(wrong === 0 && documents.length > 0 ? 0 : 1);
