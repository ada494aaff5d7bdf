// Reads BOMs as strangers do. CycloneDX: the schema by CycloneDX's own library, every purl by the purl project's
// parser, every edge against the components. SPDX: the schema by ajv, licences by the SPDX project's parser, every
// relationship against the packages.
//
//   node bom_validate.mjs SCHEMA-DIRECTORY FILE...     exit 0 when all are valid, else 1 and the reasons
//
// SCHEMA-DIRECTORY holds the schemas themselves (bom-1.5, bom-1.6, spdx23 and what they refer to). For CycloneDX they
// are a second judge beside the library's copy; SPDX has no other, and is not judged without.
import { readFileSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { PackageURL } from 'packageurl-js'

const require = createRequire(import.meta.url)
const CDX = require('@cyclonedx/cyclonedx-library')
const parseLicense = require('spdx-expression-parse')

const [schemas, ...files] = process.argv.slice(2)
const judges = new Map()
let problems, bom, text

function schemaJudge (name, others) {
  const Ajv = require('ajv').default
  const ajv = new Ajv({ strict: false, validateFormats: true, allErrors: true })
  require('ajv-formats')(ajv)
  require('ajv-formats-draft2019')(ajv)
  const load = (name) => JSON.parse(readFileSync(join(schemas, name), 'utf8'))
  for (const other of others) {
    const schema = load(other)
    ajv.addSchema(schema, schema.$id)
  }
  return ajv.compile(load(name))
}

function bySchema (name, others = []) {
  if (!existsSync(join(schemas, name))) return
  if (!judges.has(name)) judges.set(name, schemaJudge(name, others))
  const check = judges.get(name)
  if (!check(bom)) problems.push(`schema file: ${JSON.stringify(check.errors)}`)
}

function checkPurl (text, name, version) {
  const purl = PackageURL.fromString(text)
  const again = PackageURL.fromString(purl.toString())
  for (const part of ['type', 'namespace', 'name', 'version'])
    if (purl[part] !== again[part]) problems.push(`purl ${text} does not read back`)
  if (purl.version !== version) problems.push(`purl ${text} has another version`)
  if (purl.name !== name.slice(name.lastIndexOf('/') + 1)) problems.push(`purl ${text} has another name`)
}

async function checkCycloneDx () {
  const version = bom.specVersion
  if (!judges.has(version)) judges.set(version, new CDX.Validation.JsonStrictValidator(version))
  const refused = await judges.get(version).validate(text)
  if (refused !== null) problems.push(`schema: ${JSON.stringify(refused)}`)
  bySchema(`bom-${version}.schema.json`, ['spdx.schema.json', 'jsf-0.82.schema.json'])
  const references = new Set([bom.metadata.component['bom-ref']])
  for (const component of bom.components) {
    if (references.has(component['bom-ref'])) problems.push(`bom-ref twice: ${component['bom-ref']}`)
    references.add(component['bom-ref'])
    if (component.purl) checkPurl(component.purl, component.name, component.version)
  }
  for (const { ref, dependsOn = [] } of bom.dependencies)
    for (const other of [ref, ...dependsOn]) if (!references.has(other)) problems.push(`edge to nowhere: ${other}`)
  return bom.components.length
}

function checkSpdx () {
  bySchema('spdx23.schema.json')
  const ids = new Set(['SPDXRef-DOCUMENT'])
  const texts = new Set((bom.hasExtractedLicensingInfos ?? []).map((l) => l.licenseId))
  const licensesOf = (node) => node.license ? [node.license] : [...licensesOf(node.left), ...licensesOf(node.right)]
  for (const item of bom.packages) {
    if (ids.has(item.SPDXID)) problems.push(`identifier twice: ${item.SPDXID}`)
    ids.add(item.SPDXID)
    for (const ref of item.externalRefs ?? []) checkPurl(ref.referenceLocator, item.name, item.versionInfo)
    if (item.licenseDeclared === 'NOASSERTION') continue
    for (const license of licensesOf(parseLicense(item.licenseDeclared)))
      if (license.startsWith('LicenseRef-') && !texts.has(license)) problems.push(`no text of ${license}`)
  }
  for (const { spdxElementId, relatedSpdxElement } of bom.relationships)
    for (const id of [spdxElementId, relatedSpdxElement]) if (!ids.has(id)) problems.push(`relationship to nowhere: ${id}`)
  if (!/^https:\/\/[^#]+$/.test(bom.documentNamespace)) problems.push(`namespace: ${bom.documentNamespace}`)
  return bom.packages.length - 1
}

let wrong = 0
for (const file of files) {
  problems = []
  text = readFileSync(file, 'utf8')
  bom = JSON.parse(text)
  const count = bom.bomFormat ? await checkCycloneDx() : checkSpdx()
  for (const problem of problems) console.error(`${file}: ${problem}`)
  console.log(`${count} components, ${problems.length} problems`)
  wrong += problems.length
}
process.exit(wrong === 0 ? 0 : 1)
