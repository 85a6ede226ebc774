// What Heart App asks the FHIR server for: one search for each kind of data, for the patient that it was given.
const observationCategory = 'http://terminology.hl7.org/CodeSystem/observation-category'
const conditionCategory = 'http://terminology.hl7.org/CodeSystem/condition-category'
const usCoreCategory = 'http://hl7.org/fhir/us/core/CodeSystem/us-core-category'
const usCoreCondition = 'http://hl7.org/fhir/us/core/CodeSystem/condition-category'

const search = (id, label, type, more = '') => ({ id, label, path: (patient) => `${type}?patient=${patient}${more}` })
const inCategory = (id, label, type, system, code) =>
  search(id, label, type, `&category=${encodeURIComponent(`${system}|${code}`)}`)

const patientRequests = [
  { id: 'Patient', label: 'Name, birth date, address', path: (patient) => `Patient/${patient}` },
  search('AllergyIntolerance', 'Allergies', 'AllergyIntolerance'),
  search('MedicationRequest', 'Prescriptions', 'MedicationRequest'),
  search('MedicationDispense', 'Medicines handed out', 'MedicationDispense'),
  search('Condition', 'All health problems', 'Condition'),
  inCategory('Condition/problem-list-item', 'Problem list', 'Condition', conditionCategory, 'problem-list-item'),
  inCategory('Condition/encounter-diagnosis', 'Diagnoses from visits', 'Condition', conditionCategory, 'encounter-diagnosis'),
  inCategory('Condition/health-concern', 'Concerns noted', 'Condition', usCoreCondition, 'health-concern'),
  search('Immunization', 'Vaccines', 'Immunization'),
  search('Observation', 'All results and measurements', 'Observation'),
  inCategory('Observation/laboratory', 'Lab results', 'Observation', observationCategory, 'laboratory'),
  inCategory('Observation/vital-signs', 'Measurements', 'Observation', observationCategory, 'vital-signs'),
  inCategory('Observation/imaging', 'Scans and X-rays', 'Observation', observationCategory, 'imaging'),
  inCategory('Observation/procedure', 'Other tests', 'Observation', observationCategory, 'procedure'),
  inCategory('Observation/social-history', 'Daily life', 'Observation', observationCategory, 'social-history'),
  inCategory('Observation/survey', 'Questionnaires', 'Observation', observationCategory, 'survey'),
  inCategory('Observation/sdoh', 'Housing, food and work', 'Observation', usCoreCategory, 'sdoh'),
  search('DiagnosticReport', 'Reports', 'DiagnosticReport'),
  search('Encounter', 'Visits', 'Encounter'),
  search('CareTeam', 'Care team', 'CareTeam'),
  search('Procedure', 'Operations and treatments', 'Procedure'),
  search('Device', 'Devices', 'Device'),
  search('ServiceRequest', 'Orders', 'ServiceRequest'),
  search('DocumentReference', 'Notes and documents', 'DocumentReference'),
  search('CarePlan', 'Care plans', 'CarePlan'),
  search('Goal', 'Goals', 'Goal'),
  search('Coverage', 'Insurance', 'Coverage'),
  search('RelatedPerson', 'Family and contacts', 'RelatedPerson')
]

const withoutPatient = [{ id: 'Patient', label: 'Patients', path: () => 'Patient' }]

/** The name by which a person would call this entry. */
function titleOf(resource) {
  const concept =
    resource.code ?? resource.vaccineCode ?? resource.medicationCodeableConcept ?? resource.type ?? resource.category
  const [first] = [concept].flat()
  const name = resource.name?.[0]
  const words = name
    ? (name.text ?? [...(name.given ?? []), name.family].join(' '))
    : (first?.text ?? first?.coding?.[0]?.display ?? resource.description?.text ?? resource.description)
  return [words ?? resource.id, measured(resource)].filter(Boolean).join(': ')
}

function measured({ valueQuantity, valueCodeableConcept, component }) {
  // What stands in braces is a remark of UCUM's, no unit that a person would read.
  if (valueQuantity) return `${valueQuantity.value} ${(valueQuantity.unit ?? '').replace(/\{.*?\}/g, '')}`.trim()
  if (valueCodeableConcept) return valueCodeableConcept.text ?? valueCodeableConcept.coding?.[0]?.display
  return component?.map(measured).filter(Boolean).join(' / ')
}

/** Makes one request and says what came of it. Never throws. */
async function ask(client, { id, label, path }) {
  const request = path(client.patient.id)
  try {
    // All pages, as a list.
    const answer = [await client.request(request, { flat: true, pageLimit: 0 })].flat()
    const [first] = answer
    const born = first?.resourceType === 'Patient' ? { birthDate: first.birthDate } : {}
    return { id, label, request, status: 200, count: answer.length, sample: first ? titleOf(first) : '', ...born }
  } catch (fault) {
    return { id, label, request, status: fault.status ?? fault.statusCode ?? 0, count: 0, sample: '', fault: fault.message }
  }
}

/** Asks for everything, a few at a time, in the order of the list. */
export async function askForAll(client) {
  const waiting = [...(client.patient.id ? patientRequests : withoutPatient)]
  const results = waiting.map(() => undefined)
  let next = 0
  const worker = async () => {
    while (next < waiting.length) {
      const at = next++
      results[at] = await ask(client, waiting[at])
    }
  }
  await Promise.all([worker(), worker(), worker(), worker()])
  return results
}
