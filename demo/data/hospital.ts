/**
 * The records of Riverside Hospital, the second FHIR server of the sample clinic: other patients, other ids. Maria Diaz is
 * known here too, under a number that the clinic doesn't know.
 */
import type { Resource } from '../fhir/resource.ts'
import { CONDITION_CATEGORY, type Code, concept, forPatient, hl7, LOINC, meta, numbered, RXNORM, ref, SNOMED } from './codes.ts'
import { type Finding, measured, observation, said } from './observations.ts'

interface Stay {
  id: string
  given: string
  family: string
  birthDate: string
  gender: 'female' | 'male'
  /** The first hour of the stay. */
  from: string
  hours: number
  reason: Code
  treatment: Code
  medicine: Code
  /** The first pulse; it calms by one a measurement. */
  pulse: number
}

const stays: Stay[] = [
  {
    id: 'r-20417',
    given: 'Maria',
    family: 'Diaz',
    birthDate: '1984-03-12',
    gender: 'female',
    from: '2025-07-05T01:00:00Z',
    hours: 12,
    reason: [SNOMED, '80313002', 'Palpitations'],
    treatment: [SNOMED, '268400002', 'Electrocardiogram, 12 leads'],
    medicine: [RXNORM, '866427', 'Metoprolol 25 mg tablet'],
    pulse: 112
  },
  {
    id: 'r-20418',
    given: 'Ben',
    family: 'Okafor',
    birthDate: '1978-08-19',
    gender: 'male',
    from: '2025-10-02T14:00:00Z',
    hours: 20,
    reason: [SNOMED, '74400008', 'Appendicitis'],
    treatment: [SNOMED, '80146002', 'Removal of the appendix'],
    medicine: [RXNORM, '313782', 'Acetaminophen 325 mg tablet'],
    pulse: 104
  },
  {
    id: 'r-20419',
    given: 'Grace',
    family: 'Lind',
    birthDate: '1941-05-06',
    gender: 'female',
    from: '2025-12-11T07:00:00Z',
    hours: 16,
    reason: [SNOMED, '263102004', 'Fracture of the wrist'],
    treatment: [SNOMED, '274474001', 'Plaster cast of the wrist'],
    medicine: [RXNORM, '313782', 'Acetaminophen 325 mg tablet'],
    pulse: 92
  }
]

const hospital = ref('Organization/riverside', 'Riverside Hospital')
const doctor = ref('Practitioner/ortiz', 'Dr Ruth Ortiz')
const HOUR = 3_600_000

const after = (start: string, hours: number) => `${new Date(Date.parse(start) + hours * HOUR).toISOString().slice(0, 19)}Z`

const house: Resource[] = [
  {
    resourceType: 'Organization',
    id: 'riverside',
    meta: meta('us-core-organization'),
    identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '9999999800' }],
    active: true,
    type: [concept(hl7('organization-type', 'prov', 'Healthcare provider'))],
    name: 'Riverside Hospital',
    telecom: [{ system: 'phone', value: '+1 555 0180' }]
  },
  ...[
    { id: 'ortiz', given: 'Ruth', family: 'Ortiz' },
    { id: 'novak', given: 'Peter', family: 'Novak' }
  ].map(({ id, given, family }) => ({
    resourceType: 'Practitioner',
    id,
    meta: meta('us-core-practitioner'),
    active: true,
    name: [{ text: `Dr ${given} ${family}`, family, given: [given], prefix: ['Dr'] }]
  }))
]

function recordOf(stay: Stay): Resource[] {
  const { id, given, family, birthDate, gender, from, hours, reason, treatment, medicine } = stay
  const subject = forPatient(id)
  const encounter = ref(`Encounter/${id}-visit-1`)
  const day = from.slice(0, 10)
  return [
    {
      resourceType: 'Patient',
      id,
      meta: meta('us-core-patient'),
      identifier: [
        {
          use: 'usual',
          type: concept(hl7('v2-0203', 'MR', 'Medical record number')),
          system: 'https://riverside.example/records',
          value: id
        }
      ],
      active: true,
      name: [{ use: 'official', text: `${given} ${family}`, family, given: [given] }],
      gender,
      birthDate,
      managingOrganization: hospital
    },
    {
      resourceType: 'Encounter',
      id: `${id}-visit-1`,
      meta: meta('us-core-encounter'),
      status: 'finished',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'EMER', display: 'emergency' },
      type: [concept([SNOMED, '4525004', 'Emergency department visit'])],
      subject,
      period: { start: from, end: after(from, hours) },
      reasonCode: [concept(reason)],
      serviceProvider: hospital
    },
    {
      resourceType: 'Condition',
      id: `${id}-problem-1`,
      meta: meta('us-core-condition-encounter-diagnosis'),
      clinicalStatus: concept(hl7('condition-clinical', 'resolved')),
      verificationStatus: concept(hl7('condition-ver-status', 'confirmed')),
      category: [concept([CONDITION_CATEGORY, 'encounter-diagnosis', 'Encounter diagnosis'])],
      code: concept(reason),
      subject,
      encounter,
      onsetDateTime: day,
      recordedDate: day
    },
    {
      resourceType: 'Procedure',
      id: `${id}-procedure-1`,
      meta: meta('us-core-procedure'),
      status: 'completed',
      code: concept(treatment),
      subject,
      encounter,
      performedDateTime: after(from, 2)
    },
    {
      resourceType: 'MedicationRequest',
      id: `${id}-medicine-1`,
      meta: meta('us-core-medicationrequest'),
      status: 'completed',
      intent: 'order',
      medicationCodeableConcept: concept(medicine),
      subject,
      encounter,
      authoredOn: day,
      requester: doctor
    },
    ...findingsOf(stay).map((finding) => ({ ...finding, performer: [doctor] }))
  ]
}

/** Pulse and breathing at every hour, and what the doctor wrote down at the end. */
function findingsOf({ id, from, hours, pulse }: Stay): Resource[] {
  const measurements = Array.from({ length: hours }, (_none, hour): Finding[] => [
    {
      category: 'vital',
      code: [LOINC, '8867-4', 'Heart rate'],
      on: after(from, hour),
      visit: 1,
      value: measured(pulse - hour, 'beats/minute', '/min')
    },
    {
      category: 'vital',
      code: [LOINC, '9279-1', 'Respiratory rate'],
      on: after(from, hour),
      visit: 1,
      value: measured(20 - Math.floor(hour / 4), 'breaths/minute', '/min')
    }
  ]).flat()
  const summary: Finding = {
    category: 'test',
    code: [LOINC, '8601-7', 'Electrocardiogram'],
    on: after(from, hours),
    visit: 1,
    value: said('Regular beat, nothing that needs treatment')
  }
  return numbered(id, 'finding', [...measurements, summary]).map(({ id: name, row }) => observation(id, name, row))
}

export function hospitalRecords(): Resource[] {
  return [...house, ...stays.flatMap(recordOf)]
}
