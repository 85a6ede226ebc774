/** Runs inside a Keyward under test (`--import`): requests for these paths throw, or reject, where nobody catches it. */
import { subscribe } from 'node:diagnostics_channel'

const FAULTS: Record<string, () => void> = {
  '/throws-later': () =>
    setImmediate(() => {
      throw new Error('thrown where nobody catches it')
    }),
  '/rejects': () => void Promise.reject(new Error('rejected where nobody catches it'))
}

subscribe('http.server.request.start', (message) => {
  if (typeof message !== 'object' || message === null || !('request' in message)) return
  const { request } = message
  if (typeof request === 'object' && request !== null && 'url' in request) FAULTS[String(request.url)]?.()
})
