/** What the sample clinic tells about itself: where its parts are, and who may sign in. */

export interface Addresses {
  keyward: string
  /** The FHIR base URL. */
  fhir: string
  smartConfiguration: string
  app: string
  ehr: string
  home: string
  /** The FHIR base URL of the second house. */
  hospital: string
  visits: string
  carePlan: string
  report: string
}

export interface SampleAccount {
  username: string
  password: string
  totp?: string | undefined
  name: string
  /** Who this is, in words. */
  describes: string
}
