/** The people of the sample clinic. All are invented, with telephone numbers that nobody has. */
import type { Resource } from '../fhir/resource.ts'
import { type Code, concept, forPatient, hl7, meta, ref, SNOMED } from './codes.ts'

interface Patient {
  id: string
  given: string[]
  family: string
  birthDate: string
  gender: 'female' | 'male'
  record: string
  address: string
  language: string
}

const patients: Patient[] = [
  {
    id: 'maria',
    given: ['Maria', 'Elena'],
    family: 'Diaz',
    birthDate: '1984-03-12',
    gender: 'female',
    record: '100001',
    address: '12 Orchard Lane',
    language: 'es'
  },
  {
    id: 'leo',
    given: ['Leo', 'Mateo'],
    family: 'Diaz',
    birthDate: '2017-06-03',
    gender: 'male',
    record: '100002',
    address: '12 Orchard Lane',
    language: 'en'
  },
  {
    id: 'sofia',
    given: ['Sofia'],
    family: 'Diaz',
    birthDate: '2021-09-21',
    gender: 'female',
    record: '100003',
    address: '12 Orchard Lane',
    language: 'en'
  },
  {
    id: 'john',
    given: ['John', 'Arthur'],
    family: 'Smith',
    birthDate: '1949-11-30',
    gender: 'male',
    record: '100004',
    address: '4 Harbor Street',
    language: 'en'
  },
  {
    id: 'aisha',
    given: ['Aisha'],
    family: 'Khan',
    birthDate: '1992-01-25',
    gender: 'female',
    record: '100005',
    address: '77 Mill Road',
    language: 'en'
  }
]

const practitioners = [
  { id: 'lee', given: 'Ana', family: 'Lee', npi: '9999999901', specialty: [SNOMED, '394814009', 'General practice'] },
  { id: 'novak', given: 'Peter', family: 'Novak', npi: '9999999902', specialty: [SNOMED, '394579002', 'Cardiology'] }
] as const satisfies { specialty: Code; [member: string]: unknown }[]

const relatives: [id: string, patient: string, given: string, family: string, code: string, display: string][] = [
  ['maria-for-leo', 'leo', 'Maria', 'Diaz', 'MTH', 'mother'],
  ['maria-for-sofia', 'sofia', 'Maria', 'Diaz', 'MTH', 'mother'],
  ['rosa-for-maria', 'maria', 'Rosa', 'Vega', 'SIS', 'sister'],
  ['helen-for-john', 'john', 'Helen', 'Smith', 'WIFE', 'wife'],
  ['omar-for-aisha', 'aisha', 'Omar', 'Khan', 'BRO', 'brother']
]

export const people: Resource[] = [
  ...patients.map((patient) => ({
    resourceType: 'Patient',
    id: patient.id,
    meta: meta('us-core-patient'),
    identifier: [
      {
        use: 'usual',
        type: concept(hl7('v2-0203', 'MR', 'Medical record number')),
        system: 'https://sampleclinic.example/records',
        value: patient.record
      }
    ],
    active: true,
    name: [{ use: 'official', text: `${patient.given[0]} ${patient.family}`, family: patient.family, given: patient.given }],
    telecom: [{ system: 'phone', value: '+1 555 0123', use: 'home' }],
    gender: patient.gender,
    birthDate: patient.birthDate,
    address: [{ use: 'home', line: [patient.address], city: 'Springfield', state: 'MA', postalCode: '01101', country: 'US' }],
    communication: [{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: patient.language }] } }],
    generalPractitioner: [ref('Practitioner/lee', 'Dr Ana Lee')],
    managingOrganization: ref('Organization/clinic', 'Sample Clinic')
  })),
  ...practitioners.flatMap(({ id, given, family, npi, specialty }) => [
    {
      resourceType: 'Practitioner',
      id,
      meta: meta('us-core-practitioner'),
      identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: npi }],
      active: true,
      name: [{ text: `Dr ${given} ${family}`, family, given: [given], prefix: ['Dr'] }],
      telecom: [{ system: 'phone', value: '+1 555 0100', use: 'work' }]
    },
    {
      resourceType: 'PractitionerRole',
      id: `${id}-at-clinic`,
      meta: meta('us-core-practitionerrole'),
      active: true,
      practitioner: ref(`Practitioner/${id}`, `Dr ${given} ${family}`),
      organization: ref('Organization/clinic', 'Sample Clinic'),
      code: [concept([SNOMED, '158965000', 'Doctor'])],
      specialty: [concept(specialty)],
      location: [ref('Location/main')],
      telecom: [{ system: 'phone', value: '+1 555 0100', use: 'work' }],
      endpoint: [ref('Endpoint/fhir')]
    }
  ]),
  ...relatives.map(([id, patient, given, family, code, display]) => ({
    resourceType: 'RelatedPerson',
    id,
    meta: meta('us-core-relatedperson'),
    active: true,
    patient: forPatient(patient),
    relationship: [concept(hl7('v3-RoleCode', code, display))],
    name: [{ text: `${given} ${family}`, family, given: [given] }],
    telecom: [{ system: 'phone', value: '+1 555 0124', use: 'home' }]
  }))
]

export const places: Resource[] = [
  {
    resourceType: 'Organization',
    id: 'clinic',
    meta: meta('us-core-organization'),
    identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '9999999900' }],
    active: true,
    type: [concept(hl7('organization-type', 'prov', 'Healthcare provider'))],
    name: 'Sample Clinic',
    telecom: [{ system: 'phone', value: '+1 555 0100' }],
    address: [{ line: ['1 Clinic Square'], city: 'Springfield', state: 'MA', postalCode: '01101', country: 'US' }],
    endpoint: [ref('Endpoint/fhir')]
  },
  {
    resourceType: 'Organization',
    id: 'health-plan',
    meta: meta('us-core-organization'),
    active: true,
    type: [concept(hl7('organization-type', 'pay', 'Payer'))],
    name: 'Springfield Health Plan',
    telecom: [{ system: 'phone', value: '+1 555 0150' }]
  },
  location('main', 'Sample Clinic, main building', 'OF', 'Outpatient facility'),
  location('lab', 'Sample Clinic, laboratory', 'OUTLAB', 'Outpatient laboratory'),
  {
    resourceType: 'Endpoint',
    id: 'fhir',
    meta: meta(),
    status: 'active',
    connectionType: { system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', code: 'hl7-fhir-rest' },
    name: 'FHIR server of the Sample Clinic',
    managingOrganization: ref('Organization/clinic'),
    payloadType: [concept(hl7('endpoint-payload-type', 'any', 'Any'))],
    address: 'https://fhir.sampleclinic.example/fhir'
  }
]

function location(id: string, name: string, code: string, display: string): Resource {
  return {
    resourceType: 'Location',
    id,
    meta: meta('us-core-location'),
    status: 'active',
    name,
    type: [concept(hl7('v3-RoleCode', code, display))],
    telecom: [{ system: 'phone', value: '+1 555 0100' }],
    address: { line: ['1 Clinic Square'], city: 'Springfield', state: 'MA', postalCode: '01101', country: 'US' },
    managingOrganization: ref('Organization/clinic', 'Sample Clinic')
  }
}
