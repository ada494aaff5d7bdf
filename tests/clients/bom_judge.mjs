// node bom_judge.mjs SCHEMA-DIRECTORY FILE...   "ok FILE" or "refused FILE: why" for each, by the validators of record:
// CycloneDX's own library in its strict mode, ajv with the schema of SPDX 2.3.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(import.meta.url)
const CDX = require('@cyclonedx/cyclonedx-library')
const Ajv = require('ajv').default

const [schemas, ...files] = process.argv.slice(2)
const judges = new Map()
const ajv = new Ajv({ strict: false })
const spdx = ajv.compile(JSON.parse(readFileSync(join(schemas, 'spdx23.schema.json'), 'utf8')))

for (const file of files) {
  const text = readFileSync(file, 'utf8')
  let refused = null
  const format = file.match(/\.(cyclonedx-(1\.[456])|spdx-2\.3)\.json$/)
  if (format[2]) {
    if (!judges.has(format[2])) judges.set(format[2], new CDX.Validation.JsonStrictValidator(format[2]))
    refused = await judges.get(format[2]).validate(text)
  } else if (!spdx(JSON.parse(text))) {
    refused = spdx.errors
  }
  console.log(refused === null ? `ok ${file}` : `refused ${file}: ${JSON.stringify(refused).slice(0, 300)}`)
}
