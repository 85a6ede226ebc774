/** How hard a text is to read. An estimate that keeps pages plain; people decide whether they are. */

/** What a person sees of a page: no technical names, no names of apps and people, no numbers to quote. */
export function visibleTextOf(html: string): string {
  return (html.split('<main')[1] ?? '')
    .replace(/<svg[\s\S]*?<\/svg>|<code[\s\S]*?<\/code>|<!--[\s\S]*?-->/g, ' ')
    .replace(/^[^>]*>/, '')
    .replace(/<\/(?:p|h[1-6]|li|label|legend|button|dt|dd|summary|div|span|a)>/g, '. ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#39;|&quot;|&lt;|&gt;|&amp;/g, ' ')
    .replace(/\S+\.example\.\S+/g, 'site')
    .replace(/\s+/g, ' ')
}

export function sentencesOf(text: string): string[] {
  return text.split(/[.!?:·]+(?=\s|$)/).filter((sentence) => wordsOf(sentence).length > 0)
}

export function wordsOf(text: string): string[] {
  return text.match(/[\p{L}][\p{L}’'-]*/gu) ?? []
}

/** Flesch-Kincaid grade level, of the sentences as they stand: labels of one or two words count as sentences. */
export function gradeOf(text: string): number {
  const sentences = sentencesOf(text)
  const words = sentences.flatMap(wordsOf)
  const syllables = words.reduce((sum, word) => sum + syllablesOf(word), 0)
  return 0.39 * (words.length / sentences.length) + 11.8 * (syllables / words.length) - 15.59
}

function syllablesOf(word: string): number {
  const spoken = word
    .toLowerCase()
    .replace(/[^a-z]/g, '')
    .replace(/(?:[^laeiouy]es|[^aeiou]ed|[^l]e)$/, (end) => end[0] ?? '')
  return Math.max(1, spoken.match(/[aeiouy]{1,2}/g)?.length ?? 1)
}
