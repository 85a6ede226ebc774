/** Medicines, who takes them, what was handed out, and vaccines. */
import type { Resource } from '../fhir/resource.ts'
import { type Code, CVX, concept, forPatient, hl7, meta, numbered, quantity, RXNORM, ref } from './codes.ts'

const albuterol: Code = [RXNORM, '745679', 'Albuterol 0.09 mg/actuation metered dose inhaler']
const hydrocortisone: Code = [RXNORM, '106258', 'Hydrocortisone 10 mg/mL topical cream']
const amoxicillin: Code = [RXNORM, '308182', 'Amoxicillin 250 mg oral capsule']
const lisinopril: Code = [RXNORM, '314076', 'Lisinopril 10 mg oral tablet']
const sumatriptan: Code = [RXNORM, '37418', 'Sumatriptan']
const metformin: Code = [RXNORM, '861007', 'Metformin 500 mg oral tablet']
const atorvastatin: Code = [RXNORM, '617310', 'Atorvastatin 20 mg oral tablet']
const levothyroxine: Code = [RXNORM, '10582', 'Levothyroxine']

type Order = [medicine: Code, status: 'active' | 'completed', on: string, visit: number, instruction: string]

const orders: Record<string, Order[]> = {
  leo: [
    [albuterol, 'active', '2025-11-18', 6, '2 puffs when breathing is hard, at most every 4 hours'],
    [hydrocortisone, 'active', '2025-06-10', 5, 'Thin layer on itchy skin twice a day'],
    [amoxicillin, 'completed', '2024-02-15', 3, '1 capsule three times a day for 7 days']
  ],
  maria: [
    [lisinopril, 'active', '2025-09-09', 3, '1 tablet every morning'],
    [sumatriptan, 'active', '2024-03-20', 1, '1 tablet when a migraine begins']
  ],
  sofia: [[hydrocortisone, 'active', '2025-09-23', 1, 'Thin layer on itchy skin once a day']],
  john: [
    [metformin, 'active', '2025-05-06', 1, '1 tablet with breakfast and with dinner'],
    [atorvastatin, 'active', '2025-05-06', 1, '1 tablet every evening']
  ],
  aisha: [[levothyroxine, 'active', '2025-08-19', 1, '1 tablet every morning before breakfast']]
}

const influenza: Code = [CVX, '150', 'Influenza, injectable, quadrivalent, preservative free']
const mmr: Code = [CVX, '03', 'MMR']
const dtap: Code = [CVX, '20', 'DTaP']
const tdap: Code = [CVX, '115', 'Tdap']

const vaccines: Record<string, [vaccine: Code, on: string][]> = {
  leo: [
    [mmr, '2018-06-12'],
    [dtap, '2018-09-18'],
    [mmr, '2021-06-15'],
    [dtap, '2021-06-15'],
    [influenza, '2025-10-14']
  ],
  maria: [
    [tdap, '2020-02-04'],
    [influenza, '2025-10-14']
  ],
  sofia: [
    [mmr, '2022-10-04'],
    [dtap, '2022-12-20']
  ],
  john: [[influenza, '2025-10-07']],
  aisha: [[tdap, '2019-04-16']]
}

const formulary: Resource[] = [
  { id: 'albuterol-inhaler', code: albuterol },
  { id: 'lisinopril-10', code: lisinopril }
].map(({ id, code }) => ({
  resourceType: 'Medication',
  id,
  meta: meta('us-core-medication'),
  code: concept(code),
  status: 'active'
}))

const prescriptions: Resource[] = Object.entries(orders).flatMap(([patient, rows]) =>
  numbered(patient, 'prescription', rows).map(({ id, row: [medicine, status, on, visit, instruction] }) => ({
    resourceType: 'MedicationRequest',
    id,
    meta: meta('us-core-medicationrequest'),
    status,
    intent: 'order',
    category: [concept(hl7('medicationrequest-category', 'community', 'Community'))],
    reportedBoolean: false,
    medicationCodeableConcept: concept(medicine),
    subject: forPatient(patient),
    encounter: ref(`Encounter/${patient}-visit-${visit}`),
    authoredOn: on,
    requester: ref('Practitioner/lee', 'Dr Ana Lee'),
    dosageInstruction: [{ text: instruction }],
    dispenseRequest: { numberOfRepeatsAllowed: 2, quantity: { value: 30 } }
  }))
)

/** What a prescription names by reference shows that apps must follow it. */
const fromFormulary: Resource[] = [
  { patient: 'leo', medication: 'albuterol-inhaler', on: '2024-06-11', visit: 4 },
  { patient: 'maria', medication: 'lisinopril-10', on: '2024-03-20', visit: 1 }
].map(({ patient, medication, on, visit }) => ({
  resourceType: 'MedicationRequest',
  id: `${patient}-prescription-first`,
  meta: meta('us-core-medicationrequest'),
  status: 'completed',
  intent: 'order',
  category: [concept(hl7('medicationrequest-category', 'community', 'Community'))],
  reportedBoolean: false,
  medicationReference: ref(`Medication/${medication}`),
  subject: forPatient(patient),
  encounter: ref(`Encounter/${patient}-visit-${visit}`),
  authoredOn: on,
  requester: ref('Practitioner/lee', 'Dr Ana Lee')
}))

const dispenses: Resource[] = Object.entries(orders).flatMap(([patient, rows]) =>
  numbered(patient, 'dispense', rows).map(({ id, row: [medicine, , on, visit, instruction] }, index) => ({
    resourceType: 'MedicationDispense',
    id,
    meta: meta('us-core-medicationdispense'),
    status: 'completed',
    medicationCodeableConcept: concept(medicine),
    subject: forPatient(patient),
    context: ref(`Encounter/${patient}-visit-${visit}`),
    performer: [{ actor: ref('Organization/clinic', 'Sample Clinic') }],
    authorizingPrescription: [ref(`MedicationRequest/${patient}-prescription-${index + 1}`)],
    type: concept(hl7('v3-ActCode', 'FF', 'First fill')),
    quantity: quantity(30, '1'),
    whenHandedOver: `${on}T17:00:00Z`,
    dosageInstruction: [{ text: instruction }]
  }))
)

const immunizations: Resource[] = Object.entries(vaccines).flatMap(([patient, rows]) =>
  numbered(patient, 'vaccine', rows).map(({ id, row: [vaccine, on] }) => ({
    resourceType: 'Immunization',
    id,
    meta: meta('us-core-immunization'),
    status: 'completed',
    vaccineCode: concept(vaccine),
    patient: forPatient(patient),
    occurrenceDateTime: on,
    primarySource: true,
    location: ref('Location/main', 'Sample Clinic, main building')
  }))
)

export const medicineRecords: Resource[] = [...formulary, ...prescriptions, ...fromFormulary, ...dispenses, ...immunizations]
