/**
 * Which IP addresses Keyward may be made to connect to by a URL that somebody
 * else wrote: those that are reached over the public internet. Everything that
 * could be this machine, its network or a way around to them is not. The
 * registries: IANA IPv4 and IPv6 Special-Purpose Address Space.
 */
import { BlockList, isIP, isIPv4 } from 'node:net'

const SPECIAL_IPV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8',
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local: metadata services of clouds
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24', // documentation
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4', // multicast
  '240.0.0.0/4' // reserved, and broadcast
]

/** Of 2000::/3, the only part that is given out; all else is special. */
const SPECIAL_IPV6 = [
  '2001::/23', // Teredo, benchmarks, ORCHID
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address within
  '2620:4f:8000::/48',
  '3fff::/20' // documentation
]

const special = blockList(SPECIAL_IPV4, 'ipv4', blockList(SPECIAL_IPV6, 'ipv6'))
const givenOut = blockList(['2000::/3'], 'ipv6')

/** Whether an address, as a resolver gives it, is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, 'ipv4')
  // With a zone, or as IPv4-mapped, NAT64, unique local, link-local, multicast: not within what is given out.
  return isIP(address) === 6 && !address.includes('%') && givenOut.check(address, 'ipv6') && !special.check(address, 'ipv6')
}

function blockList(networks: readonly string[], family: 'ipv4' | 'ipv6', list = new BlockList()): BlockList {
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    list.addSubnet(address, Number(prefix), family)
  }
  return list
}
