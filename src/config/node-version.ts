/** Says what to do on a Node that is too old, before anything fails in words of its own. Imported first, for that effect. */
const NEEDED = 24

if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  process.stderr.write(
    `Keyward runs on Node ${NEEDED}, and this is ${process.version}. npm ci has brought one along: start it with node_modules/.bin/node.\n`
  )
  process.exit(1)
}
