/**
 * When two user names are the same one. What is typed, what is stored and what
 * tries are counted under all pass through here, so that no spelling of a name
 * gets a second account or a second set of tries.
 */

// Invisible characters (zero-width spaces, soft hyphens, variation selectors) that come along when a name is pasted.
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu

/** Compatibility forms, letter case, invisible characters and spaces around make no difference. */
export function normalizeUsername(typed: string): string {
  // Down, up and down again: lower case alone keeps apart what case folding joins (ß and SS, the two small sigmas).
  const folded = typed.normalize('NFKC').replace(INVISIBLE, '').toLowerCase().toUpperCase().toLowerCase()
  return folded.normalize('NFKC').trim()
}
