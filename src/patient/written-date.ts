/** A FHIR date in words, as exact as it is: the day as it is written there, whatever the time zone. */
export function writtenDate(date: string | undefined, lang: string): string | undefined {
  const [whole, year, month, day] = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?/.exec(date ?? '') ?? []
  if (whole === undefined) return undefined
  const at = Date.UTC(Number(year), Number(month ?? 1) - 1, Number(day ?? 1))
  const parts: Intl.DateTimeFormatOptions = { year: 'numeric', timeZone: 'UTC' }
  if (month) parts.month = 'long'
  if (day) parts.day = 'numeric'
  return new Intl.DateTimeFormat(lang, parts).format(at)
}
