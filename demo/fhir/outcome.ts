/** A refusal as FHIR says it: a status and an OperationOutcome. */
export class FhirError extends Error {
  readonly status: number
  readonly issue: string
  readonly headers: Record<string, string>

  /** `issue` is a code of http://hl7.org/fhir/issue-type; `diagnostics` is public. */
  constructor(status: number, issue: string, diagnostics: string, headers: Record<string, string> = {}) {
    super(diagnostics)
    this.status = status
    this.issue = issue
    this.headers = headers
  }
}

export function operationOutcome(issue: string, diagnostics: string) {
  return { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: issue, diagnostics }] }
}

/** RFC 6750, section 3.1 */
export function invalidToken(why: string): FhirError {
  return new FhirError(401, 'login', why, { 'WWW-Authenticate': `Bearer error="invalid_token", error_description="${why}"` })
}

/** RFC 6750, section 3.1 */
export function insufficientScope(why: string): FhirError {
  return new FhirError(403, 'forbidden', why, { 'WWW-Authenticate': 'Bearer error="insufficient_scope"' })
}
