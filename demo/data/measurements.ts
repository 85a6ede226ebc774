/** Vital signs of each visit, and laboratory results with the specimens that they were made from. */
import type { Resource } from '../fhir/resource.ts'
import { type Code, concept, forPatient, LOINC, meta, quantity, SNOMED } from './codes.ts'
import { measured, observation } from './observations.ts'

/** One row per visit, in the order of visits.ts. */
type Vitals = [
  on: string,
  kilograms: number,
  centimetres: number,
  celsius: number,
  heart: number,
  breaths: number,
  systolic: number,
  diastolic: number
]

const vitals: Record<string, Vitals[]> = {
  leo: [
    ['2022-06-07T14:05:00Z', 18.4, 108.5, 36.7, 98, 22, 94, 58],
    ['2023-06-06T14:05:00Z', 20.9, 115.2, 36.6, 95, 21, 96, 58],
    ['2024-02-15T09:15:00Z', 22.6, 119.1, 38.6, 112, 24, 98, 60],
    ['2024-06-11T14:05:00Z', 23.4, 121.6, 36.7, 92, 20, 98, 61],
    ['2025-06-10T14:05:00Z', 26.2, 127.4, 36.5, 90, 20, 100, 62],
    ['2025-11-18T10:05:00Z', 27.5, 129.9, 36.9, 101, 26, 101, 62]
  ],
  maria: [
    ['2024-03-20T08:35:00Z', 68.2, 163, 36.6, 74, 15, 138, 88],
    ['2025-01-14T11:05:00Z', 69.0, 163, 38.1, 86, 17, 141, 89],
    ['2025-09-09T08:35:00Z', 70.4, 163, 36.5, 76, 15, 146, 92],
    ['2025-12-02T08:35:00Z', 68.9, 163, 36.6, 72, 15, 128, 81]
  ],
  sofia: [['2025-09-23T15:05:00Z', 15.8, 101.3, 36.8, 102, 23, 92, 56]],
  john: [
    ['2025-05-06T13:05:00Z', 88.1, 176, 36.4, 68, 16, 134, 78],
    ['2025-10-28T13:05:00Z', 86.4, 176, 36.5, 66, 16, 130, 76]
  ],
  aisha: [['2025-08-19T16:05:00Z', 59.7, 168, 36.6, 70, 14, 112, 70]]
}

const hemoglobin: Code = [LOINC, '718-7', 'Hemoglobin in blood']
const whiteCells: Code = [LOINC, '6690-2', 'White blood cells']
const platelets: Code = [LOINC, '777-3', 'Platelets']
const lead: Code = [LOINC, '5671-3', 'Lead in blood']
const glucose: Code = [LOINC, '2345-7', 'Glucose in serum or plasma']
const creatinine: Code = [LOINC, '2160-0', 'Creatinine in serum or plasma']
const cholesterol: Code = [LOINC, '2093-3', 'Cholesterol in serum or plasma']
const sugarMemory: Code = [LOINC, '4548-4', 'Hemoglobin A1c']
const thyrotropin: Code = [LOINC, '3016-3', 'Thyrotropin in serum or plasma']

/** One specimen of blood and what was found in it. */
interface BloodTest {
  on: string
  visit: number
  results: [code: Code, value: number, unit: string][]
}

const bloodTests: Record<string, BloodTest[]> = {
  leo: [
    {
      on: '2022-06-07T15:00:00Z',
      visit: 1,
      results: [
        [hemoglobin, 12.1, 'g/dL'],
        [lead, 1.2, 'ug/dL']
      ]
    },
    {
      on: '2024-06-11T15:00:00Z',
      visit: 4,
      results: [
        [hemoglobin, 12.6, 'g/dL'],
        [whiteCells, 7.4, '10*3/uL'],
        [platelets, 288, '10*3/uL']
      ]
    },
    {
      on: '2025-11-18T11:00:00Z',
      visit: 6,
      results: [
        [hemoglobin, 12.9, 'g/dL'],
        [whiteCells, 9.8, '10*3/uL'],
        [platelets, 301, '10*3/uL']
      ]
    }
  ],
  maria: [
    {
      on: '2024-03-20T09:30:00Z',
      visit: 1,
      results: [
        [glucose, 98, 'mg/dL'],
        [cholesterol, 214, 'mg/dL'],
        [creatinine, 0.8, 'mg/dL']
      ]
    },
    {
      on: '2025-09-09T09:30:00Z',
      visit: 3,
      results: [
        [hemoglobin, 13.2, 'g/dL'],
        [glucose, 104, 'mg/dL'],
        [cholesterol, 221, 'mg/dL'],
        [creatinine, 0.9, 'mg/dL']
      ]
    }
  ],
  sofia: [
    {
      on: '2025-09-23T15:40:00Z',
      visit: 1,
      results: [
        [hemoglobin, 11.8, 'g/dL'],
        [lead, 0.9, 'ug/dL']
      ]
    }
  ],
  john: [
    {
      on: '2025-05-06T13:50:00Z',
      visit: 1,
      results: [
        [sugarMemory, 7.4, '%'],
        [creatinine, 1.3, 'mg/dL'],
        [cholesterol, 172, 'mg/dL']
      ]
    }
  ],
  aisha: [{ on: '2025-08-19T16:40:00Z', visit: 1, results: [[thyrotropin, 2.1, 'm[IU]/L']] }]
}

const vitalSigns: Resource[] = Object.entries(vitals).flatMap(([patient, rows]) =>
  rows.flatMap(([on, kilograms, centimetres, celsius, heart, breaths, systolic, diastolic], index) => {
    const visit = index + 1
    const bodyMass = Math.round((kilograms / (centimetres / 100) ** 2) * 10) / 10
    const sign = (name: string, code: string, display: string, value: ReturnType<typeof measured> | { component: object[] }) =>
      observation(patient, `${patient}-${name}-${visit}`, { category: 'vital', code: [LOINC, code, display], on, visit, value })
    const pressure = (code: string, display: string, value: number) => ({
      code: concept([LOINC, code, display]),
      valueQuantity: quantity(value, 'mmHg', 'mm[Hg]')
    })
    return [
      sign('weight', '29463-7', 'Body weight', measured(kilograms, 'kg')),
      sign('height', '8302-2', 'Body height', measured(centimetres, 'cm')),
      sign('bmi', '39156-5', 'Body mass index', measured(bodyMass, 'kg/m2')),
      sign('temperature', '8310-5', 'Body temperature', measured(celsius, '°C', 'Cel')),
      sign('heart-rate', '8867-4', 'Heart rate', measured(heart, '/min')),
      sign('breathing', '9279-1', 'Respiratory rate', measured(breaths, '/min')),
      sign('pressure', '85354-9', 'Blood pressure', {
        component: [
          pressure('8480-6', 'Systolic blood pressure', systolic),
          pressure('8462-4', 'Diastolic blood pressure', diastolic)
        ]
      })
    ]
  })
)

const laboratory: Resource[] = Object.entries(bloodTests).flatMap(([patient, tests]) =>
  tests.flatMap(({ on, visit, results }, index) => {
    const specimen = `${patient}-blood-${index + 1}`
    return [
      {
        resourceType: 'Specimen',
        id: specimen,
        meta: meta('us-core-specimen'),
        status: 'available',
        type: concept([SNOMED, '119297000', 'Blood specimen']),
        subject: forPatient(patient),
        collection: { collectedDateTime: on }
      },
      ...results.map(([code, value, unit], place) =>
        observation(patient, `${specimen}-result-${place + 1}`, {
          category: 'lab',
          code,
          on,
          visit,
          specimen,
          value: measured(value, unit)
        })
      )
    ]
  })
)

/** The laboratory results of each blood test, for the report about it. */
export const bloodTestReports = Object.entries(bloodTests).flatMap(([patient, tests]) =>
  tests.map(({ on, visit, results }, index) => ({
    patient,
    on,
    visit,
    specimen: `${patient}-blood-${index + 1}`,
    results: results.map((_, place) => `${patient}-blood-${index + 1}-result-${place + 1}`)
  }))
)

export const measurements: Resource[] = [...vitalSigns, ...laboratory]
