/** What a person may let Heart App ask for, from everything to a few numbers. */
interface ScopeChoice {
  label: string
  explains: string
  scope: string
}

const observationCategory = 'http://terminology.hl7.org/CodeSystem/observation-category'
const signIn = 'openid fhirUser launch/patient'

export const scopeChoices: ScopeChoice[] = [
  {
    label: 'All kinds of data',
    explains: 'You can turn single kinds off at your clinic. Heart App may look again later.',
    scope: `${signIn} offline_access patient/*.rs`
  },
  {
    label: 'Only lab results and measurements',
    explains: 'Your name, lab results, and measurements such as blood pressure. Heart App may look again later.',
    scope: [
      `${signIn} offline_access patient/Patient.r`,
      `patient/Observation.rs?category=${observationCategory}|laboratory`,
      `patient/Observation.rs?category=${observationCategory}|vital-signs`
    ].join(' ')
  },
  {
    label: 'Medicines, allergies and health problems, today only',
    explains: 'Heart App can’t come back without you.',
    scope: `${signIn} patient/Patient.rs patient/MedicationRequest.rs patient/AllergyIntolerance.rs patient/Condition.rs`
  }
]
