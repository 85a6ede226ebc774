/** Plans, teams, goals, orders, procedures, devices and insurance. */
import type { Resource } from '../fhir/resource.ts'
import { CLINIC, type Code, concept, forPatient, hl7, LOINC, meta, ref, SNOMED } from './codes.ts'

interface Care {
  patient: string
  /** The problem that the plan, the goal and the team are about. */
  condition: string
  lead: 'lee' | 'novak'
  family: string
  plan: string
  goal: string
  since: string
  visit: number
  order: Code
  procedure: Code
  performed: string
  device?: Code
}

const care: Care[] = [
  {
    patient: 'leo',
    condition: 'leo-condition-1',
    lead: 'lee',
    family: 'maria-for-leo',
    plan: 'Asthma plan: inhaler when breathing is hard, avoid cats, check-up every 6 months',
    goal: 'Play football without wheezing',
    since: '2025-06-10',
    visit: 5,
    order: [LOINC, '20150-9', 'FEV1'],
    procedure: [SNOMED, '127783003', 'Spirometry'],
    performed: '2025-11-18',
    device: [CLINIC, 'inhaler-spacer', 'Spacer for an inhaler']
  },
  {
    patient: 'maria',
    condition: 'maria-condition-1',
    lead: 'novak',
    family: 'rosa-for-maria',
    plan: 'Blood pressure plan: less salt, a walk every day, one tablet in the morning',
    goal: 'Blood pressure under 130 over 80',
    since: '2025-09-09',
    visit: 3,
    order: [LOINC, '11524-6', 'Electrocardiogram'],
    procedure: [SNOMED, '29303009', 'Electrocardiographic procedure'],
    performed: '2025-09-09',
    device: [SNOMED, '43770009', 'Sphygmomanometer']
  },
  {
    patient: 'john',
    condition: 'john-condition-1',
    lead: 'novak',
    family: 'helen-for-john',
    plan: 'Diabetes plan: check sugar twice a day, foot check every visit',
    goal: 'Hemoglobin A1c under 7.5 %',
    since: '2025-05-06',
    visit: 1,
    order: [LOINC, '4548-4', 'Hemoglobin A1c'],
    procedure: [SNOMED, '41976001', 'Cardiac catheterization'],
    performed: '2016-03-22',
    device: [SNOMED, '14106009', 'Cardiac pacemaker']
  },
  {
    patient: 'sofia',
    condition: 'sofia-condition-1',
    lead: 'lee',
    family: 'maria-for-sofia',
    plan: 'Skin plan: cream every day, short baths',
    goal: 'Sleep through the night without itching',
    since: '2025-09-23',
    visit: 1,
    order: [LOINC, '718-7', 'Hemoglobin in blood'],
    procedure: [SNOMED, '82078001', 'Collection of blood specimen'],
    performed: '2025-09-23'
  },
  {
    patient: 'aisha',
    condition: 'aisha-condition-1',
    lead: 'lee',
    family: 'omar-for-aisha',
    plan: 'Thyroid plan: one tablet before breakfast, blood test every 6 months',
    goal: 'Thyrotropin in the usual range',
    since: '2025-08-19',
    visit: 1,
    order: [LOINC, '3016-3', 'Thyrotropin in serum or plasma'],
    procedure: [SNOMED, '82078001', 'Collection of blood specimen'],
    performed: '2025-08-19'
  }
]

export const careRecords: Resource[] = care.flatMap((entry): Resource[] => {
  const { patient, lead, since } = entry
  const subject = forPatient(patient)
  const encounter = ref(`Encounter/${patient}-visit-${entry.visit}`)
  const condition = ref(`Condition/${entry.condition}`)
  const records: Resource[] = [
    {
      resourceType: 'CarePlan',
      id: `${patient}-plan`,
      meta: meta('us-core-careplan'),
      text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${entry.plan}</div>` },
      status: 'active',
      intent: 'plan',
      category: [
        concept(['http://hl7.org/fhir/us/core/CodeSystem/careplan-category', 'assess-plan', 'Assessment and plan of treatment'])
      ],
      description: entry.plan,
      subject,
      encounter,
      period: { start: since },
      careTeam: [ref(`CareTeam/${patient}-team`)],
      addresses: [condition],
      goal: [ref(`Goal/${patient}-goal`)]
    },
    {
      resourceType: 'CareTeam',
      id: `${patient}-team`,
      meta: meta('us-core-careteam'),
      status: 'active',
      category: [concept([LOINC, 'LA28865-6', 'Longitudinal care-coordination focused care team'])],
      name: 'Care team',
      subject,
      period: { start: since },
      participant: [
        { role: [concept([SNOMED, '17561000', 'Cardiologist'])], member: ref('Practitioner/novak', 'Dr Peter Novak') },
        { role: [concept([SNOMED, '62247001', 'Family doctor'])], member: ref('Practitioner/lee', 'Dr Ana Lee') },
        { role: [concept([SNOMED, '133932002', 'Caregiver'])], member: ref(`RelatedPerson/${entry.family}`) }
      ].filter(({ member }) => lead === 'novak' || member.reference !== 'Practitioner/novak')
    },
    {
      resourceType: 'Goal',
      id: `${patient}-goal`,
      meta: meta('us-core-goal'),
      lifecycleStatus: 'active',
      category: [concept(hl7('goal-category', 'treatment', 'Treatment'))],
      description: { text: entry.goal },
      subject,
      startDate: since,
      addresses: [condition]
    },
    {
      resourceType: 'ServiceRequest',
      id: `${patient}-order`,
      meta: meta('us-core-servicerequest'),
      status: 'completed',
      intent: 'order',
      category: [concept([SNOMED, '103693007', 'Diagnostic procedure'])],
      code: concept(entry.order),
      subject,
      encounter,
      occurrenceDateTime: since,
      authoredOn: since,
      requester: ref(`Practitioner/${lead}`),
      reasonReference: [condition]
    },
    {
      resourceType: 'Procedure',
      id: `${patient}-procedure`,
      meta: meta('us-core-procedure'),
      status: 'completed',
      category: concept([SNOMED, '103693007', 'Diagnostic procedure']),
      code: concept(entry.procedure),
      subject,
      performedDateTime: entry.performed,
      performer: [{ actor: ref(`Practitioner/${lead}`) }]
    },
    {
      resourceType: 'Coverage',
      id: `${patient}-coverage`,
      meta: meta('us-core-coverage'),
      status: 'active',
      type: concept(hl7('v3-ActCode', 'HIP', 'health insurance plan policy')),
      subscriberId: `SHP-${patient.toUpperCase()}-01`,
      beneficiary: subject,
      relationship: concept(hl7('subscriber-relationship', entry.family.startsWith('maria') ? 'child' : 'self')),
      period: { start: '2025-01-01', end: '2026-12-31' },
      payor: [ref('Organization/health-plan', 'Springfield Health Plan')]
    }
  ]
  if (entry.device === undefined) return records
  return [
    ...records,
    {
      resourceType: 'Device',
      id: `${patient}-device`,
      meta: meta(),
      status: 'active',
      type: concept(entry.device),
      patient: subject
    }
  ]
})
