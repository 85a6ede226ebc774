/** Reports, notes, a scanned page, answered questionnaires, and where records came from. */
import type { Resource } from '../fhir/resource.ts'
import { CLINIC, type Code, concept, forPatient, hl7, LOINC, meta, numbered, ref, US_CORE_DOCUMENT_CATEGORY } from './codes.ts'
import { bloodTestReports } from './measurements.ts'

const radiology: Code = [LOINC, 'LP29684-5', 'Radiology']
const cardiology: Code = [LOINC, 'LP29708-2', 'Cardiology']
const pathology: Code = [LOINC, 'LP7839-6', 'Pathology']
const encoded = (text: string) => Buffer.from(text).toString('base64')

type Report = [category: Code, code: Code, on: string, visit: number, conclusion: string]

const reports: Record<string, Report[]> = {
  leo: [
    [radiology, [LOINC, '36643-5', 'Chest X-ray, two views'], '2025-11-18', 6, 'Clear lungs. Heart of normal size.'],
    [cardiology, [LOINC, '11524-6', 'Electrocardiogram'], '2025-06-10', 5, 'Usual for his age.'],
    [pathology, [LOINC, '11526-1', 'Pathology study'], '2024-06-11', 4, 'Small skin mole, harmless.']
  ],
  maria: [
    [radiology, [LOINC, '24606-6', 'Screening mammogram'], '2025-03-11', 3, 'No sign of disease. Next screening in two years.'],
    [cardiology, [LOINC, '11524-6', 'Electrocardiogram'], '2025-09-09', 3, 'Regular rhythm, no sign of strain.'],
    [pathology, [LOINC, '11526-1', 'Pathology study'], '2024-03-20', 1, 'Cervical cells without change.']
  ],
  john: [[cardiology, [LOINC, '11524-6', 'Electrocardiogram'], '2025-05-06', 1, 'Paced rhythm.']]
}

type Note = [type: Code, on: string, visit: number, text: string]
const progress: Code = [LOINC, '11506-3', 'Progress note']
const history: Code = [LOINC, '34117-2', 'History and physical note']

const notes: Record<string, Note[]> = {
  leo: [
    [
      history,
      '2025-06-10T14:40:00Z',
      5,
      'Leo grows well. He wheezes when he plays with the neighbour’s cat. Skin is dry at the elbows.'
    ],
    [
      progress,
      '2025-11-18T10:30:00Z',
      6,
      'Leo coughed for three nights. The inhaler helps. Come back if it does not get better in a week.'
    ]
  ],
  maria: [
    [
      history,
      '2025-09-09T09:10:00Z',
      3,
      'Headaches twice a month, often after bad sleep. Blood pressure too high at three visits.'
    ],
    [
      progress,
      '2025-12-02T08:50:00Z',
      4,
      'Blood pressure is better with the tablet. Tired since she lost her job. We talk again in a month.'
    ]
  ],
  sofia: [[progress, '2025-09-23T15:30:00Z', 1, 'Sofia is well. Itching wakes her twice a week.']],
  john: [[progress, '2025-10-28T13:30:00Z', 2, 'Sugar is better. Walks less since the summer. Lives alone on weekdays.']],
  aisha: [[progress, '2025-08-19T16:30:00Z', 1, 'Feels well with her tablet.']]
}

const answers: Record<string, [question: string, answer: string][]> = {
  leo: [
    ['How is your asthma today?', 'Good'],
    ['Do you cough because of your asthma?', 'Some of the time']
  ],
  maria: [
    ['Little interest or pleasure in doing things', 'Several days'],
    ['Feeling tired or having little energy', 'More than half the days']
  ],
  john: [['Have you fallen in the past year?', 'No']]
}

const lastVisit: Record<string, number> = { leo: 6, maria: 4, john: 2 }

const author = ref('Practitioner/lee', 'Dr Ana Lee')
const visitOf = (patient: string, visit: number) => ref(`Encounter/${patient}-visit-${visit}`)

const laboratoryReports: Resource[] = bloodTestReports.map(({ patient, on, visit, specimen, results }) => ({
  resourceType: 'DiagnosticReport',
  id: `${specimen}-report`,
  meta: meta('us-core-diagnosticreport-lab'),
  status: 'final',
  category: [concept(hl7('v2-0074', 'LAB', 'Laboratory'))],
  code: concept([LOINC, '11502-2', 'Laboratory report']),
  subject: forPatient(patient),
  encounter: visitOf(patient, visit),
  effectiveDateTime: on,
  issued: on,
  performer: [ref('Organization/clinic', 'Sample Clinic')],
  specimen: [ref(`Specimen/${specimen}`)],
  result: results.map((id) => ref(`Observation/${id}`))
}))

const noteReports: Resource[] = Object.entries(reports).flatMap(([patient, rows]) =>
  numbered(patient, 'report', rows).map(({ id, row: [category, code, on, visit, conclusion] }) => ({
    resourceType: 'DiagnosticReport',
    id,
    meta: meta('us-core-diagnosticreport-note'),
    status: 'final',
    category: [concept(category)],
    code: concept(code),
    subject: forPatient(patient),
    encounter: visitOf(patient, visit),
    effectiveDateTime: on,
    issued: `${on}T18:00:00Z`,
    performer: [author],
    conclusion,
    presentedForm: [{ contentType: 'text/plain', data: encoded(conclusion) }]
  }))
)

const clinicalNotes: Resource[] = Object.entries(notes).flatMap(([patient, rows]) =>
  numbered(patient, 'note', rows).flatMap(({ id, row: [type, on, visit, text] }, index) => {
    // The first note of each patient is a Binary of its own, as documents often are; the others are inline.
    const content = { contentType: 'text/plain; charset=utf-8' }
    const apart = index === 0
    const document: Resource = {
      resourceType: 'DocumentReference',
      id,
      meta: meta('us-core-documentreference'),
      status: 'current',
      type: concept(type),
      category: [concept([US_CORE_DOCUMENT_CATEGORY, 'clinical-note', 'Clinical note'])],
      subject: forPatient(patient),
      date: on,
      author: [author],
      content: [{ attachment: { ...content, ...(apart ? { url: `Binary/${id}-text` } : { data: encoded(text) }) } }],
      context: { encounter: [visitOf(patient, visit)], period: { start: on, end: on } }
    }
    if (!apart) return [document]
    const binary = { resourceType: 'Binary', id: `${id}-text`, meta: meta(), ...content }
    return [document, { ...binary, securityContext: forPatient(patient), data: encoded(text) }]
  })
)

const questionnaires: Resource[] = Object.entries(answers).map(([patient, items]) => ({
  resourceType: 'QuestionnaireResponse',
  id: `${patient}-questionnaire`,
  meta: meta('us-core-questionnaireresponse'),
  questionnaire: `${CLINIC}/questionnaire/${patient === 'leo' ? 'asthma' : 'how-are-you'}`,
  status: 'completed',
  subject: forPatient(patient),
  encounter: visitOf(patient, lastVisit[patient] ?? 1),
  authored: '2025-12-02T08:20:00Z',
  author: forPatient(patient),
  item: items.map(([text, answer], index) => ({ linkId: String(index + 1), text, answer: [{ valueString: answer }] }))
}))

const provenance: Resource[] = ['maria', 'leo', 'sofia', 'john', 'aisha'].flatMap((patient) =>
  [`Condition/${patient}-condition-1`, `DocumentReference/${patient}-note-1`].map((target, index) => ({
    resourceType: 'Provenance',
    id: `${patient}-provenance-${index + 1}`,
    meta: meta('us-core-provenance'),
    target: [ref(target)],
    recorded: '2025-12-15T12:00:00Z',
    agent: [
      {
        type: concept(hl7('provenance-participant-type', 'author', 'Author')),
        who: author,
        onBehalfOf: ref('Organization/clinic', 'Sample Clinic')
      }
    ]
  }))
)

export const documentRecords: Resource[] = [
  ...laboratoryReports,
  ...noteReports,
  ...clinicalNotes,
  ...questionnaires,
  ...provenance
]
