/** The one-time codes of the sample accounts, whose keys are public. No real account's key belongs on a page. */
import { generate } from 'otplib'

const step = 30_000

export interface CurrentCode {
  code: string
  /** Seconds for which this code stays the current one. */
  remaining: number
}

export async function currentCode(secret: string, now: number): Promise<CurrentCode> {
  const code = await generate({ secret, epoch: Math.floor(now / 1000) })
  return { code, remaining: Math.ceil((step - (now % step)) / 1000) }
}
