/** `npm start`: runs the sample clinic until Ctrl-C, and says what to do with it. Options: --ports, --store, --data, --config. */
import { parseArgs } from 'node:util'
import { type Clinic, startClinic } from './clinic.ts'
import { ClinicError } from './clinic-error.ts'
import { tail } from './keyward-process.ts'
import { namedPorts } from './placement.ts'
import { welcome } from './welcome.ts'

const usage = `Usage: npm start -- [options]
  --ports 9000,9001,9002,9003,9004,9005,9006,9007
                                     Keyward, FHIR server, Heart App, EHR, start page, FHIR server of the hospital,
                                     apps with a server, Nightly Report; the last three may be left out: the next numbers
  --store URL                        sqlite:FILE, redis://..., rediss://...
  --data DIR                         folder for the database and the log (data)
  --config FILE                      Keyward's configuration (config/demo.yaml)`

process.exitCode = await run(process.argv.slice(2))

async function run(args: string[]): Promise<number> {
  const options = readOptions(args)
  if (!options) {
    console.error(usage)
    return 1
  }
  const stopping = new AbortController()
  const asked = new Promise<'asked'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        stopping.abort()
        resolve('asked')
      })
    }
  })
  console.log('Starting the sample clinic ...')
  let clinic: Clinic
  try {
    clinic = await startClinic({ ...options, signal: stopping.signal })
  } catch (fault) {
    if (stopping.signal.aborted) return 0
    console.error(fault instanceof ClinicError ? fault.message : fault)
    return 1
  }
  console.log(welcome(clinic))
  const end = await Promise.race([asked, clinic.keywardEnded.then(() => 'keyward ended' as const)])
  if (end === 'asked') console.log('\nStopping the sample clinic ...')
  else
    console.error(`\nKeyward has ended by itself, so the sample clinic ends too. Its last words:\n${await tail(clinic.logFile)}`)
  await clinic.stop()
  if (end === 'asked') console.log('Stopped. Everything is kept for the next start.')
  return end === 'asked' ? 0 : 1
}

function readOptions(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: { ports: { type: 'string' }, store: { type: 'string' }, data: { type: 'string' }, config: { type: 'string' } }
    })
    const ports = values.ports === undefined ? undefined : namedPorts(values.ports.split(',').map(Number))
    if (values.ports !== undefined && !ports) return undefined
    return { ports, store: values.store, dataDir: values.data, config: values.config }
  } catch {
    return undefined
  }
}
