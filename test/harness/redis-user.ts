/** A Redis user who may do what docs/operators.md says, and nothing else. */
export const PERMISSIONS =
  '~kw:* resetchannels -@all +@read +@write +@connection -@dangerous +eval +evalsha +info +time +wait +cluster|slots +cluster|info'
const NAME = 'keyward'
/** Of characters that an address has to encode. */
const PASSWORD = 'p@ss/word:?of#the-t%st'

/** What redis-server has to be told. */
export const userArguments: readonly string[] = ['--user', NAME, 'on', `>${PASSWORD}`, ...PERMISSIONS.split(' ')]

/** What stands before the hosts of an address. */
export const userInfo = (password = PASSWORD): string => `${NAME}:${encodeURIComponent(password)}@`
