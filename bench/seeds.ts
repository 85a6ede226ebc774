/** Tokens and codes that nobody signed in for, written by the engine's own models through a side's own adapter: records as its server writes them. */
import { randomBytes } from 'node:crypto'
import type Provider from 'oidc-provider'
import { APP, CHALLENGE, FHIR_BASE, PRELOADED_LIFETIME } from './clinic.ts'
import { inParallel } from './load.ts'

export interface SeededGrant {
  accountId: string
  grantId: string
}

export interface Seeds {
  /** People among whom what follows is divided, so that they are not counted with it. */
  people(count: number): Promise<void>
  accessTokens(count: number): Promise<string[]>
  codes(count: number, scope: string): Promise<string[]>
  refreshTokens(count: number, scope: string): Promise<string[]>
  close(): Promise<void>
}

interface Deps {
  provider: Provider
  /** Each token has a Grant of its own. */
  newGrant(index: number, scope: string): Promise<SeededGrant>
  /** Whether tokens are for the FHIR server by name, as Keyward's are. */
  named: boolean
  scope: string
}

const AT_ONCE = 32

export function seeds({ provider, newGrant, named, scope: all }: Deps): Omit<Seeds, 'people' | 'close'> {
  const { AccessToken, AuthorizationCode, RefreshToken } = provider
  const resource = named ? { resource: FHIR_BASE } : {}

  async function common(index: number, scope: string) {
    const client = await provider.Client.find(APP.id)
    if (!client) throw new Error('the app is not registered')
    const sessionUid = randomBytes(15).toString('base64url')
    return { ...(await newGrant(index, scope)), client, scope, sessionUid, expiresIn: PRELOADED_LIFETIME }
  }
  const signedIn = () => ({ authTime: Math.floor(Date.now() / 1000), amr: ['pwd'] })

  return {
    accessTokens: (count) =>
      inParallel(count, AT_ONCE, async (index) => {
        const token = new AccessToken({ ...(await common(index, all)), gty: 'authorization_code' })
        if (named) token.aud = FHIR_BASE
        return token.save()
      }),
    codes: (count, scope) =>
      inParallel(count, AT_ONCE, async (index) => {
        const challenge = { codeChallenge: CHALLENGE, codeChallengeMethod: 'S256' }
        const about = { ...(await common(index, scope)), ...signedIn(), ...resource, ...challenge }
        return new AuthorizationCode({ ...about, redirectUri: APP.redirectUri, gty: 'authorization_code' }).save()
      }),
    refreshTokens: (count, scope) =>
      inParallel(count, AT_ONCE, async (index) =>
        new RefreshToken({ ...(await common(index, scope)), ...signedIn(), ...resource, gty: 'authorization_code' }).save()
      )
  }
}
