/** Observations that are neither vital signs nor laboratory results: daily life, questionnaires, tests, and what people wish for. */
import type { Resource } from '../fhir/resource.ts'
import { CLINIC, LOINC, numbered, SNOMED } from './codes.ts'
import { coded, type Finding, measured, observation, said } from './observations.ts'

const answerNo = coded([LOINC, 'LA32-8', 'No'])

const findings: Record<string, Finding[]> = {
  leo: [
    {
      category: 'social',
      code: [LOINC, '72166-2', 'Tobacco smoking status'],
      on: '2025-06-10',
      visit: 5,
      value: coded([SNOMED, '266919005', 'Never smoked tobacco'])
    },
    {
      category: 'survey',
      code: [CLINIC, 'childhood-asthma-control', 'Childhood asthma control score'],
      on: '2025-11-18',
      visit: 6,
      value: measured(17, '{score}')
    },
    {
      category: 'needs',
      code: [LOINC, '88124-3', 'Food insecurity risk'],
      on: '2024-06-11',
      visit: 4,
      value: coded([LOINC, 'LA19952-3', 'At risk'])
    },
    {
      category: 'needs',
      code: [LOINC, '71802-3', 'Housing status'],
      on: '2025-06-10',
      visit: 5,
      value: coded([LOINC, 'LA30189-7', 'I have housing'])
    },
    {
      category: 'imaging',
      code: [LOINC, '36643-5', 'Chest X-ray, two views'],
      on: '2025-11-18',
      visit: 6,
      value: said('Clear lungs. Heart of normal size.')
    },
    { category: 'test', code: [LOINC, '20150-9', 'FEV1'], on: '2025-11-18', visit: 6, value: measured(1.42, 'L') },
    {
      category: 'activity',
      code: [LOINC, '41950-7', 'Number of steps in 24 hours'],
      on: '2025-11-17',
      value: measured(9120, '{steps}')
    },
    {
      category: 'functional',
      code: [LOINC, '54522-8', 'Functional status'],
      on: '2025-06-10',
      visit: 5,
      value: said('Dresses, eats and plays as expected at his age')
    },
    {
      category: 'disability',
      code: [LOINC, '69856-3', 'Deaf or serious difficulty hearing'],
      on: '2025-06-10',
      visit: 5,
      value: answerNo
    },
    {
      category: 'cognitive',
      code: [LOINC, '11332-4', 'Cognitive function'],
      on: '2025-06-10',
      visit: 5,
      value: said('Learns and remembers as expected at his age')
    },
    {
      category: 'treatmentWish',
      code: [LOINC, '75773-2', 'Preferences for medical treatment'],
      on: '2025-06-10',
      visit: 5,
      value: said('Prefers an inhaler with a spacer to a nebulizer')
    },
    {
      category: 'careWish',
      code: [LOINC, '95541-9', 'Care experience preference'],
      on: '2025-06-10',
      visit: 5,
      value: said('Would like his mother in the room, and to be told before a needle')
    }
  ],
  maria: [
    {
      category: 'social',
      code: [LOINC, '72166-2', 'Tobacco smoking status'],
      on: '2025-09-09',
      visit: 3,
      value: coded([SNOMED, '8517006', 'Former smoker'])
    },
    {
      category: 'social',
      code: [LOINC, '82810-3', 'Pregnancy status'],
      on: '2025-09-09',
      visit: 3,
      value: coded([SNOMED, '60001007', 'Not pregnant'])
    },
    {
      category: 'survey',
      code: [LOINC, '44261-6', 'PHQ-9 total score'],
      on: '2025-12-02',
      visit: 4,
      value: measured(6, '{score}')
    },
    {
      category: 'needs',
      code: [LOINC, '88124-3', 'Food insecurity risk'],
      on: '2025-09-09',
      visit: 3,
      value: coded([LOINC, 'LA19983-8', 'No risk'])
    },
    { category: 'imaging', code: [LOINC, '24606-6', 'Screening mammogram'], on: '2025-03-11', value: said('No sign of disease') },
    {
      category: 'test',
      code: [LOINC, '11524-6', 'Electrocardiogram'],
      on: '2025-09-09',
      visit: 3,
      value: said('Regular rhythm, no sign of strain')
    },
    {
      category: 'activity',
      code: [LOINC, '41950-7', 'Number of steps in 24 hours'],
      on: '2025-12-01',
      value: measured(5840, '{steps}')
    },
    {
      category: 'functional',
      code: [LOINC, '54522-8', 'Functional status'],
      on: '2025-09-09',
      visit: 3,
      value: said('Independent in everything')
    },
    {
      category: 'disability',
      code: [LOINC, '69856-3', 'Deaf or serious difficulty hearing'],
      on: '2025-09-09',
      visit: 3,
      value: answerNo
    },
    {
      category: 'cognitive',
      code: [LOINC, '11332-4', 'Cognitive function'],
      on: '2025-09-09',
      visit: 3,
      value: said('No difficulty reported')
    },
    {
      category: 'treatmentWish',
      code: [LOINC, '75773-2', 'Preferences for medical treatment'],
      on: '2024-03-20',
      visit: 1,
      value: said('No blood transfusion unless life is at risk')
    },
    {
      category: 'careWish',
      code: [LOINC, '95541-9', 'Care experience preference'],
      on: '2024-03-20',
      visit: 1,
      value: said('Would like talks about results in Spanish')
    }
  ],
  sofia: [
    {
      category: 'social',
      code: [LOINC, '72166-2', 'Tobacco smoking status'],
      on: '2025-09-23',
      visit: 1,
      value: coded([SNOMED, '266919005', 'Never smoked tobacco'])
    }
  ],
  john: [
    {
      category: 'social',
      code: [LOINC, '72166-2', 'Tobacco smoking status'],
      on: '2025-05-06',
      visit: 1,
      value: coded([SNOMED, '8517006', 'Former smoker'])
    },
    {
      category: 'imaging',
      code: [LOINC, '36643-5', 'Chest X-ray, two views'],
      on: '2025-05-06',
      visit: 1,
      value: said('Mild enlargement of the heart')
    },
    {
      category: 'cognitive',
      code: [LOINC, '72106-8', 'Mini-mental state total score'],
      on: '2025-10-28',
      visit: 2,
      value: measured(27, '{score}')
    },
    {
      category: 'disability',
      code: [LOINC, '69856-3', 'Deaf or serious difficulty hearing'],
      on: '2025-10-28',
      visit: 2,
      value: coded([LOINC, 'LA33-6', 'Yes'])
    },
    {
      category: 'treatmentWish',
      code: [LOINC, '75773-2', 'Preferences for medical treatment'],
      on: '2025-10-28',
      visit: 2,
      value: said('Wishes to be treated at home where that is possible')
    }
  ],
  aisha: [
    {
      category: 'social',
      code: [LOINC, '82810-3', 'Pregnancy status'],
      on: '2025-08-19',
      visit: 1,
      value: coded([SNOMED, '60001007', 'Not pregnant'])
    }
  ]
}

export const findingRecords: Resource[] = Object.entries(findings).flatMap(([patient, rows]) =>
  numbered(patient, 'finding', rows).map(({ id, row }) => observation(patient, id, row))
)
