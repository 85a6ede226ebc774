/** Makes Observations of rows: what they share is here, the findings themselves are in measurements.ts and findings.ts. */
import type { Resource } from '../fhir/resource.ts'
import { type Code, concept, forPatient, meta, OBSERVATION_CATEGORY, quantity, ref, US_CORE_CATEGORY } from './codes.ts'

const observationCategory = (code: string, display: string): Code => [OBSERVATION_CATEGORY, code, display]
const usCoreCategory = (code: string, display: string): Code => [US_CORE_CATEGORY, code, display]

/** Every category of Observation that US Core names, and the profile that an entry of it follows. */
export const categories = {
  lab: { codes: [observationCategory('laboratory', 'Laboratory')], profile: 'us-core-observation-lab' },
  vital: { codes: [observationCategory('vital-signs', 'Vital signs')], profile: 'us-core-vital-signs' },
  social: { codes: [observationCategory('social-history', 'Social history')], profile: 'us-core-simple-observation' },
  survey: { codes: [observationCategory('survey', 'Survey')], profile: 'us-core-observation-screening-assessment' },
  needs: {
    codes: [observationCategory('survey', 'Survey'), usCoreCategory('sdoh', 'Social needs')],
    profile: 'us-core-observation-screening-assessment'
  },
  imaging: { codes: [observationCategory('imaging', 'Imaging')], profile: 'us-core-observation-clinical-result' },
  test: { codes: [observationCategory('procedure', 'Procedure')], profile: 'us-core-observation-clinical-result' },
  activity: { codes: [observationCategory('activity', 'Activity')], profile: 'us-core-simple-observation' },
  functional: { codes: [usCoreCategory('functional-status', 'Functional status')], profile: 'us-core-simple-observation' },
  disability: { codes: [usCoreCategory('disability-status', 'Disability status')], profile: 'us-core-simple-observation' },
  cognitive: { codes: [usCoreCategory('cognitive-status', 'Cognitive status')], profile: 'us-core-simple-observation' },
  treatmentWish: {
    codes: [usCoreCategory('treatment-intervention-preference', 'Treatment intervention preference')],
    profile: 'us-core-treatment-intervention-preference'
  },
  careWish: {
    codes: [usCoreCategory('care-experience-preference', 'Care experience preference')],
    profile: 'us-core-care-experience-preference'
  }
}

export interface Finding {
  category: keyof typeof categories
  code: Code
  on: string
  value:
    | { valueQuantity: ReturnType<typeof quantity> }
    | { valueCodeableConcept: object }
    | { valueString: string }
    | { component: object[] }
  visit?: number | undefined
  specimen?: string | undefined
}

export const measured = (value: number, unit: string, code?: string) => ({ valueQuantity: quantity(value, unit, code) })
export const coded = (code: Code) => ({ valueCodeableConcept: concept(code) })
export const said = (text: string) => ({ valueString: text })

export function observation(patient: string, id: string, finding: Finding): Resource {
  const { codes, profile } = categories[finding.category]
  return {
    resourceType: 'Observation',
    id,
    meta: meta(profile),
    status: 'final',
    category: codes.map((category) => concept(category)),
    code: concept(finding.code),
    subject: forPatient(patient),
    ...(finding.visit !== undefined && { encounter: ref(`Encounter/${patient}-visit-${finding.visit}`) }),
    effectiveDateTime: finding.on,
    performer: [ref('Practitioner/lee', 'Dr Ana Lee')],
    ...(finding.specimen !== undefined && { specimen: ref(`Specimen/${finding.specimen}`) }),
    ...finding.value
  }
}
