/** Allergies, health problems under each of US Core's headings, and family history. */
import type { Resource } from '../fhir/resource.ts'
import {
  CONDITION_CATEGORY,
  type Code,
  concept,
  forPatient,
  hl7,
  meta,
  numbered,
  RXNORM,
  ref,
  SNOMED,
  US_CORE_CATEGORY,
  US_CORE_CONDITION_CATEGORY
} from './codes.ts'

type Heading = 'problem' | 'visit' | 'concern' | 'social'
type Problem = [heading: Heading, code: Code, since: string, status: 'active' | 'resolved', visit: number]

const headings: Record<Heading, Code[]> = {
  problem: [[CONDITION_CATEGORY, 'problem-list-item', 'Problem list item']],
  visit: [[CONDITION_CATEGORY, 'encounter-diagnosis', 'Encounter diagnosis']],
  concern: [[US_CORE_CONDITION_CATEGORY, 'health-concern', 'Health concern']],
  social: [
    [US_CORE_CONDITION_CATEGORY, 'health-concern', 'Health concern'],
    [US_CORE_CATEGORY, 'sdoh', 'Social needs']
  ]
}

const problems: Record<string, Problem[]> = {
  leo: [
    ['problem', [SNOMED, '195967001', 'Asthma'], '2022-10-04', 'active', 1],
    ['problem', [SNOMED, '24079001', 'Atopic dermatitis'], '2019-04-02', 'active', 1],
    ['visit', [SNOMED, '3110003', 'Acute otitis media'], '2024-02-15', 'resolved', 3],
    ['visit', [SNOMED, '195967001', 'Asthma'], '2025-11-18', 'active', 6],
    ['concern', [SNOMED, '161891005', 'Backache'], '2025-06-10', 'active', 5],
    ['social', [SNOMED, '733423003', 'Food insecurity'], '2024-06-11', 'resolved', 4]
  ],
  maria: [
    ['problem', [SNOMED, '59621000', 'Essential hypertension'], '2021-05-18', 'active', 1],
    ['problem', [SNOMED, '37796009', 'Migraine'], '2009-02-01', 'active', 1],
    ['visit', [SNOMED, '363746003', 'Acute pharyngitis'], '2025-01-14', 'resolved', 2],
    ['visit', [SNOMED, '59621000', 'Essential hypertension'], '2025-09-09', 'active', 3],
    ['concern', [SNOMED, '84229001', 'Fatigue'], '2025-12-02', 'active', 4],
    ['social', [SNOMED, '73438004', 'Unemployed'], '2025-09-09', 'active', 3]
  ],
  sofia: [
    ['problem', [SNOMED, '24079001', 'Atopic dermatitis'], '2022-03-15', 'active', 1],
    ['visit', [SNOMED, '82272006', 'Common cold'], '2025-09-23', 'resolved', 1]
  ],
  john: [
    ['problem', [SNOMED, '44054006', 'Type 2 diabetes'], '2008-07-10', 'active', 1],
    ['problem', [SNOMED, '53741008', 'Coronary arteriosclerosis'], '2016-03-22', 'active', 1],
    ['visit', [SNOMED, '44054006', 'Type 2 diabetes'], '2025-05-06', 'active', 1],
    ['concern', [SNOMED, '129839007', 'At risk for falls'], '2025-10-28', 'active', 2],
    ['social', [SNOMED, '422650009', 'Social isolation'], '2025-10-28', 'active', 2]
  ],
  aisha: [['problem', [SNOMED, '40930008', 'Hypothyroidism'], '2020-11-05', 'active', 1]]
}

const allergies: Record<
  string,
  [category: 'food' | 'medication' | 'environment', code: Code, reaction: Code, recorded: string][]
> = {
  leo: [
    ['food', [SNOMED, '91935009', 'Allergy to peanut'], [SNOMED, '247472004', 'Hives'], '2020-08-11'],
    ['environment', [SNOMED, '232347008', 'Dander (animal) allergy'], [SNOMED, '56018004', 'Wheezing'], '2022-10-04']
  ],
  maria: [['medication', [RXNORM, '7980', 'Penicillin G'], [SNOMED, '271807003', 'Skin rash'], '2003-06-19']],
  sofia: [['food', [SNOMED, '91930004', 'Allergy to egg'], [SNOMED, '247472004', 'Hives'], '2023-02-07']],
  john: [['medication', [RXNORM, '10831', 'Sulfamethoxazole / trimethoprim'], [SNOMED, '271807003', 'Skin rash'], '1998-01-15']]
}

const relatives: Record<string, [relationship: Code, condition: Code][]> = {
  leo: [[hl7('v3-RoleCode', 'MTH', 'mother'), [SNOMED, '59621000', 'Essential hypertension']]],
  maria: [
    [hl7('v3-RoleCode', 'FTH', 'father'), [SNOMED, '22298006', 'Myocardial infarction']],
    [hl7('v3-RoleCode', 'MTH', 'mother'), [SNOMED, '44054006', 'Type 2 diabetes']]
  ],
  john: [[hl7('v3-RoleCode', 'FTH', 'father'), [SNOMED, '230690007', 'Stroke']]]
}

const conditions: Resource[] = Object.entries(problems).flatMap(([patient, rows]) =>
  numbered(patient, 'condition', rows).map(({ id, row: [heading, code, since, status, visit] }) => ({
    resourceType: 'Condition',
    id,
    meta: meta(heading === 'visit' ? 'us-core-condition-encounter-diagnosis' : 'us-core-condition-problems-health-concerns'),
    clinicalStatus: concept(hl7('condition-clinical', status)),
    verificationStatus: concept(hl7('condition-ver-status', 'confirmed')),
    category: headings[heading].map((category) => concept(category)),
    code: concept(code),
    subject: forPatient(patient),
    encounter: ref(`Encounter/${patient}-visit-${visit}`),
    onsetDateTime: since,
    recordedDate: since,
    ...(status === 'resolved' && { abatementDateTime: '2025-12-15' }),
    recorder: ref('Practitioner/lee', 'Dr Ana Lee')
  }))
)

const allergyRecords: Resource[] = Object.entries(allergies).flatMap(([patient, rows]) =>
  numbered(patient, 'allergy', rows).map(({ id, row: [category, code, reaction, recorded] }) => ({
    resourceType: 'AllergyIntolerance',
    id,
    meta: meta('us-core-allergyintolerance'),
    clinicalStatus: concept(hl7('allergyintolerance-clinical', 'active')),
    verificationStatus: concept(hl7('allergyintolerance-verification', 'confirmed')),
    type: 'allergy',
    category: [category],
    criticality: category === 'environment' ? 'low' : 'high',
    code: concept(code),
    patient: forPatient(patient),
    recordedDate: recorded,
    recorder: ref('Practitioner/lee', 'Dr Ana Lee'),
    reaction: [{ manifestation: [concept(reaction)] }]
  }))
)

const familyHistory: Resource[] = Object.entries(relatives).flatMap(([patient, rows]) =>
  numbered(patient, 'family', rows).map(({ id, row: [relationship, condition] }) => ({
    resourceType: 'FamilyMemberHistory',
    id,
    meta: meta(),
    status: 'completed',
    patient: forPatient(patient),
    date: '2024-06-11',
    relationship: concept(relationship),
    condition: [{ code: concept(condition) }]
  }))
)

export const problemRecords: Resource[] = [...conditions, ...allergyRecords, ...familyHistory]
