// Reads a CycloneDX 1.6 JSON file as strangers do: the schema by CycloneDX's own library, every purl by the purl
// project's parser, every edge against the components.
//
//   node cyclonedx_validate.mjs FILE [SCHEMA-DIRECTORY]     exit 0 when valid, else 1 and the reasons
//
// SCHEMA-DIRECTORY (optional) holds bom-1.6.schema.json and the schemas it refers to: the document is then also held
// against those files, so that the library's copy is not the only judge.
import { readFileSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { PackageURL } from 'packageurl-js'

const require = createRequire(import.meta.url)
const CDX = require('@cyclonedx/cyclonedx-library')

const [file, schemas] = process.argv.slice(2)
const text = readFileSync(file, 'utf8')
const problems = []

const refused = await new CDX.Validation.JsonStrictValidator(CDX.Spec.Version.v1dot6).validate(text)
if (refused !== null) problems.push(`schema: ${JSON.stringify(refused)}`)

if (schemas && existsSync(join(schemas, 'bom-1.6.schema.json'))) {
  const Ajv = require('ajv').default
  const ajv = new Ajv({ strict: false, validateFormats: true, allErrors: true })
  require('ajv-formats')(ajv)
  require('ajv-formats-draft2019')(ajv)
  const load = (name) => JSON.parse(readFileSync(join(schemas, name), 'utf8'))
  for (const name of ['spdx.schema.json', 'jsf-0.82.schema.json']) {
    const schema = load(name)
    ajv.addSchema(schema, schema.$id)
  }
  const check = ajv.compile(load('bom-1.6.schema.json'))
  if (!check(JSON.parse(text))) problems.push(`schema file: ${JSON.stringify(check.errors)}`)
}

const bom = JSON.parse(text)
const references = new Set([bom.metadata.component['bom-ref']])
for (const component of bom.components) {
  if (references.has(component['bom-ref'])) problems.push(`bom-ref twice: ${component['bom-ref']}`)
  references.add(component['bom-ref'])
  const purl = PackageURL.fromString(component.purl)
  const again = PackageURL.fromString(purl.toString())
  for (const part of ['type', 'namespace', 'name', 'version'])
    if (purl[part] !== again[part]) problems.push(`purl ${component.purl} does not read back`)
  if (purl.version !== component.version) problems.push(`purl ${component.purl} has another version`)
  if (purl.name !== component.name) problems.push(`purl ${component.purl} has another name`)
}
for (const { ref, dependsOn = [] } of bom.dependencies)
  for (const other of [ref, ...dependsOn]) if (!references.has(other)) problems.push(`edge to nowhere: ${other}`)

for (const problem of problems) console.error(problem)
console.log(`${bom.components.length} components, ${problems.length} problems`)
process.exit(problems.length === 0 ? 0 : 1)
