/** The visits of the sample patients, which other records refer to as `leo-visit-1` and so on. */
import type { Resource } from '../fhir/resource.ts'
import { type Code, concept, forPatient, hl7, meta, numbered, ref, SNOMED } from './codes.ts'

type Visit = [start: string, end: string, practitioner: 'lee' | 'novak', reason: Code]

const checkUp: Code = [SNOMED, '185349003', 'Check-up']
const followUp: Code = [SNOMED, '390906007', 'Follow-up visit']

const visits: Record<string, Visit[]> = {
  leo: [
    ['2022-06-07T14:00:00Z', '2022-06-07T14:30:00Z', 'lee', checkUp],
    ['2023-06-06T14:00:00Z', '2023-06-06T14:30:00Z', 'lee', checkUp],
    ['2024-02-15T09:10:00Z', '2024-02-15T09:30:00Z', 'lee', [SNOMED, '3110003', 'Acute otitis media']],
    ['2024-06-11T14:00:00Z', '2024-06-11T14:30:00Z', 'lee', checkUp],
    ['2025-06-10T14:00:00Z', '2025-06-10T14:40:00Z', 'lee', checkUp],
    ['2025-11-18T10:00:00Z', '2025-11-18T10:30:00Z', 'lee', [SNOMED, '195967001', 'Asthma']]
  ],
  maria: [
    ['2024-03-20T08:30:00Z', '2024-03-20T09:00:00Z', 'lee', checkUp],
    ['2025-01-14T11:00:00Z', '2025-01-14T11:20:00Z', 'lee', [SNOMED, '363746003', 'Acute pharyngitis']],
    ['2025-09-09T08:30:00Z', '2025-09-09T09:10:00Z', 'novak', [SNOMED, '59621000', 'Essential hypertension']],
    ['2025-12-02T08:30:00Z', '2025-12-02T08:50:00Z', 'lee', followUp]
  ],
  sofia: [['2025-09-23T15:00:00Z', '2025-09-23T15:30:00Z', 'lee', checkUp]],
  john: [
    ['2025-05-06T13:00:00Z', '2025-05-06T13:40:00Z', 'novak', [SNOMED, '44054006', 'Type 2 diabetes']],
    ['2025-10-28T13:00:00Z', '2025-10-28T13:30:00Z', 'novak', followUp]
  ],
  aisha: [['2025-08-19T16:00:00Z', '2025-08-19T16:30:00Z', 'lee', checkUp]]
}

export const encounters: Resource[] = Object.entries(visits).flatMap(([patient, rows]) =>
  numbered(patient, 'visit', rows).map(({ id, row: [start, end, practitioner, reason] }) => ({
    resourceType: 'Encounter',
    id,
    meta: meta('us-core-encounter'),
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB', display: 'ambulatory' },
    type: [concept([SNOMED, '308335008', 'Patient encounter procedure'])],
    subject: forPatient(patient),
    participant: [
      {
        type: [concept(hl7('v3-ParticipationType', 'PPRF', 'primary performer'))],
        period: { start, end },
        individual: ref(`Practitioner/${practitioner}`)
      }
    ],
    period: { start, end },
    reasonCode: [concept(reason)],
    location: [{ location: ref('Location/main', 'Sample Clinic, main building') }],
    serviceProvider: ref('Organization/clinic', 'Sample Clinic')
  }))
)
