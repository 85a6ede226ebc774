import { describe, expect, test } from 'vitest'
import { readRedisUrl, STORE_FORMS } from '../../../src/config/store-url.ts'

const here = { host: 'a.example', port: 7000 }
const bare = { login: {}, db: 0, primary: '', replicas: 0, sentinelLogin: {}, tls: undefined }

describe('the address of a Redis', () => {
  test.each([
    ['redis://a.example', { ...bare, form: 'single', hosts: [{ host: 'a.example', port: 6379 }] }],
    ['redis://a.example:7000/', { ...bare, form: 'single', hosts: [here] }],
    ['redis://a.example:7000/3', { ...bare, form: 'single', hosts: [here], db: 3 }],
    ['redis://[::1]:7000', { ...bare, form: 'single', hosts: [{ host: '::1', port: 7000 }] }],
    ['redis://:word@a.example:7000', { ...bare, form: 'single', hosts: [here], login: { password: 'word' } }],
    [
      'rediss://kw:p%40ss%2Fw%3A@a.example:7000',
      { ...bare, form: 'single', hosts: [here], login: { username: 'kw', password: 'p@ss/w:' }, tls: {} }
    ],
    [
      'rediss://a.example:7000?ca=/etc/ca.pem&cert=c.pem&key=k.pem',
      { ...bare, form: 'single', hosts: [here], tls: { ca: '/etc/ca.pem', cert: 'c.pem', key: 'k.pem' } }
    ],
    [
      'redis+sentinel://kw:word@a.example:7000,b/main?sentinelUser=s&sentinelPassword=sw',
      {
        ...bare,
        form: 'sentinel',
        hosts: [here, { host: 'b', port: 26_379 }],
        login: { username: 'kw', password: 'word' },
        primary: 'main',
        sentinelLogin: { username: 's', password: 'sw' }
      }
    ],
    ['redis+cluster://a.example:7000,b', { ...bare, form: 'cluster', hosts: [here, { host: 'b', port: 6379 }] }],
    ['redis://a.example:7000?replicas=2', { ...bare, form: 'single', hosts: [here], replicas: 2 }],
    ['rediss+cluster://a.example:7000/?ca=x', { ...bare, form: 'cluster', hosts: [here], tls: { ca: 'x' } }]
  ])('%s', (text, expected) => {
    expect(readRedisUrl(text)).toEqual(expected)
  })

  const secret = 'hidden-word'
  test.each([
    ['mysql://a', STORE_FORMS],
    ['redis:a', STORE_FORMS],
    ['redis://', STORE_FORMS],
    ['redis+other://a', STORE_FORMS],
    [`redis://u:${secret}@a,b`, STORE_FORMS],
    [`redis://u:${secret}@a:70000`, STORE_FORMS],
    [`redis://u:${secret}@a:x`, STORE_FORMS],
    ['redis+cluster://a,,b', STORE_FORMS],
    [`redis://${secret}@a`, 'user:password@'],
    [`redis://u:${secret}%@a`, 'user:password@'],
    [`redis://a?sentinelPassword=${secret}`, 'no other options'],
    ['redis://a?ca=x', 'no other options'],
    ['redis://a?commandTimeout=0', 'no other options'],
    ['rediss://a?cert=x', 'both of the options'],
    ['redis+sentinel://a/main?sentinelUser=s', 'sentinelPassword'],
    ['redis://a?replicas=all', 'a number from 0 to 9'],
    ['redis://a?replicas=10', 'a number from 0 to 9'],
    ['redis+sentinel://a', 'must name the primary'],
    ['redis://a/main', 'the number of a database'],
    ['redis+cluster://a/1', 'a Cluster has one database']
  ])('%s is refused, and nothing of it repeated', (text, problem) => {
    const found = readRedisUrl(text)
    expect(found).toEqual(expect.stringContaining(problem))
    expect(found).not.toContain(secret)
  })
})
