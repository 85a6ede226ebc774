/** What `npm start` prints once everything runs. */
import type { Clinic } from './clinic.ts'

export function welcome({ addresses, accounts, logFile }: Pick<Clinic, 'addresses' | 'accounts' | 'logFile'>): string {
  const passwords = new Set(accounts.map(({ password }) => password))
  const [password] = passwords
  return `
The sample clinic is running. Start here:  ${addresses.home}

Addresses
${columns([
  ['Start page', addresses.home],
  ['Keyward', addresses.keyward],
  ['FHIR server', addresses.fhir],
  ['Heart App', addresses.app],
  ['Clinic EHR', addresses.ehr],
  ['Hospital’s FHIR server', addresses.hospital],
  ['My Visits', addresses.visits],
  ['My Care Plan', addresses.carePlan],
  ['Nightly Report', addresses.report]
])}

Accounts${passwords.size === 1 ? `, each with the password: ${password}` : ''}
${columns([
  ['User name', ...(passwords.size === 1 ? [] : ['Password']), 'Key of the one-time code', 'Who'],
  ...accounts.map((account) => [
    account.username,
    ...(passwords.size === 1 ? [] : [account.password]),
    account.totp ?? '(set up at the first sign-in)',
    `${account.name}. ${account.describes}`
  ])
])}
  The start page shows each account's code of the moment; or type the key into an authenticator app.

What to try
  1. A parent shares her child's record: open Heart App (${addresses.app}), sign in as maria, pick Leo, turn off one kind, share.
  2. A doctor opens the app from the chart: open the EHR (${addresses.ehr}), choose a visit of Leo's, sign in as dr.lee.
  3. The parent stops the app: open ${addresses.keyward}/account as maria, choose Stop, and look at Heart App again.
  4. The doctor opens an app within the chart, without a second sign-in: in the EHR, choose what the app is told about Leo,
     take Heart App for doctors, tick Tell Keyward who I am, open it in this page.
  5. An app with a server: connect My Visits (${addresses.visits}) or My Care Plan as maria.
  6. Another house: in Heart App choose Riverside Hospital. What is given for one house is refused by the other.
  7. A program without a person: run Nightly Report (${addresses.report}).
  8. A doctor looks for the patient herself: connect Heart App as dr.lee and search for Diaz.
  9. Somebody adds an app: open ${addresses.keyward}/developer as devi.

Keyward writes its log to ${logFile}
Stop with Ctrl-C. Everything is kept for the next start.
`
}

function columns(rows: string[][]): string {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(width(column))).join('  ')}`.trimEnd()).join('\n')
}
