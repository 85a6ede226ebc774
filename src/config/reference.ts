/** The operators' page about the configuration, made from its JSON Schema; config/generate.ts writes it. */
import type { JsonSchema } from './json-schema.ts'

const OPENING = `# Configuration

Made from the schema by \`node config/generate.ts\`; not edited by hand.

Keyward reads one YAML file: \`node src/main.ts --config keyward.yaml\`. A file with mistakes stops the start (exit code 1), and
all of them are listed, each with its place: \`clients[1].redirect_uris[0]: must not have a fragment\`. A name that is not in the
tables below is a mistake too. \`config/production.example.yaml\` is a complete file to start from, \`config/demo.yaml\` is what the
sample clinic runs on. Editors complete and check the file with \`config/keyward.schema.json\`:

\`\`\`yaml
# yaml-language-server: $schema=./keyward.schema.json
\`\`\`

## Secrets and the environment

- \`\${NAME}\` in any text is replaced by the environment variable \`NAME\`; one that is empty or not set is a mistake. \`$\${\` stands for \`\${\` itself.
- Settings marked **secret** can be given as \`<setting>File\`, the path of a file that holds the value (a line break at its end is
  dropped). A relative path starts at the folder of the configuration file.
- In production (\`demo\` absent or false) each secret must come in one of these two ways. So must a password within \`store\`.
- A key is made by \`node -e "console.log(crypto.randomBytes(32).toString('base64url'))"\`.

Besides, production refuses an http \`issuer\` or \`baseUrl\`, a missing \`store\` or \`secrets\`, a store in memory, client secrets of less
than 32 characters, and passwords, keys and secrets that Keyward's own examples print.

A length of time is a whole number and a unit: \`60s\`, \`15m\`, \`12h\`, \`93d\`.
`

export function configReference(schema: JsonSchema): string {
  return [OPENING, ...sections(schema, '')].join('\n')
}

function sections(schema: JsonSchema, place: string): string[] {
  const properties = Object.entries(schema.properties ?? {})
  const rows = properties
    .filter(([name]) => !isFileVariant(name, schema))
    .map(([name, setting]) => {
      const secret = isFileVariant(`${name}File`, schema) ? ' **secret**' : ''
      return `| \`${name}\` | ${typeOf(setting)}${secret} | ${defaultOf(name, setting, schema)} | ${setting.description ?? ''} |`
    })
  const heading = place === '' ? '## Top level' : `## \`${place}\``
  const table = [heading, '', '| setting | value | default | meaning |', '|---|---|---|---|', ...rows, ''].join('\n')
  const inner = properties.flatMap(([name, setting]) => {
    const path = place === '' ? name : `${place}.${name}`
    const value = concrete(setting)
    if (value.properties !== undefined) return sections(value, path)
    return value.items?.properties === undefined ? [] : sections(value.items, `${path}[]`)
  })
  return [table, ...inner]
}

function isFileVariant(name: string, schema: JsonSchema): boolean {
  return schema.properties?.[name]?.description?.startsWith('Instead of') === true
}

function concrete(setting: JsonSchema): JsonSchema {
  return setting.anyOf?.[0] ?? setting
}

function typeOf(setting: JsonSchema): string {
  const value = concrete(setting)
  const orNull = setting.anyOf === undefined ? '' : ' or null'
  if (value.enum !== undefined) return `${value.enum.map((member) => `\`${String(member)}\``).join(', ')}${orNull}`
  if (value.const !== undefined) return `\`${String(value.const)}\``
  if (value.type === 'array') return `list of ${value.items?.type === 'object' ? 'mappings' : typeOf(value.items ?? {})}${orNull}`
  if (value.type === 'object') return `mapping${orNull}`
  if (value.type === 'boolean') return '`true`, `false`'
  if (value.type === 'integer') return 'whole number'
  if (value.pattern?.endsWith('[smhd]$')) return 'length of time'
  return 'text'
}

function defaultOf(name: string, setting: JsonSchema, schema: JsonSchema): string {
  if (setting.default === undefined) return isRequired(name, schema) ? 'required' : ''
  const written = JSON.stringify(setting.default)
  return written === '{}' ? 'as below' : `\`${written}\``
}

function isRequired(name: string, schema: JsonSchema): boolean {
  const ways = schema.allOf?.flatMap((condition) => condition.oneOf ?? []) ?? []
  return [schema, ...ways].some(({ required }) => required?.includes(name) === true)
}
