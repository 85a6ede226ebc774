/** The server beside which Keyward is measured: oidc-provider as it comes, on Redis. Ends with the bench. */
import { readFileSync } from 'node:fs'
import { createStockProvider, stockSettings } from './stock-provider.ts'

const settings = stockSettings.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')))
const { provider } = await createStockProvider(settings)
provider.listen(settings.port, '127.0.0.1')
process.stdin.resume().once('end', () => process.exit())
