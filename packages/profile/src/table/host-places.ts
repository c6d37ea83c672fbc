// The hash table of host names: places that the engine probes one after the other from a name's home place.
//
//   home = hash & mask        a name lies in one of HOST_PROBES_MAX places from its home on, none before it empty
import { HOST_HASH_OFFSET, HOST_HASH_PRIME, HOST_PLACE_BYTES, HOST_PROBES_MAX, RULES_TABLE_BYTES } from "@bunnel/abi";
import { ProfileError } from "../errors.ts";

/** One name in one host set. */
export interface HostName {
  readonly name: string;
  readonly exact: boolean;
  /** From 1. */
  readonly set: number;
}

export interface PlacedHost extends HostName {
  readonly hash: number;
}

/** FNV-1a, 32 bits, over the octets from last to first; 0 stands for an empty place, so a hash of 0 becomes 1. */
export function hostHash(name: string): number {
  let hash = HOST_HASH_OFFSET;
  for (let index = name.length - 1; index >= 0; index -= 1) hash = hashStep(hash, name.charCodeAt(index));
  return storedHash(hash);
}

/** One octet more, to the left. */
export function hashStep(hash: number, octet: number): number {
  return Math.imul(hash ^ octet, HOST_HASH_PRIME) >>> 0;
}

export function storedHash(hash: number): number {
  return hash === 0 ? 1 : hash;
}

/**
 * Places for all names: a power of two of them, at least twice as many as names, more where names crowd.
 * @throws ProfileError E_RULES_LIMIT when no table that fits holds them
 */
export function placeHosts(hosts: readonly HostName[]): readonly (PlacedHost | undefined)[] {
  let count = 1;
  while (count < hosts.length * 2) count *= 2;
  const fits = count * HOST_PLACE_BYTES <= RULES_TABLE_BYTES;
  const hashed = fits ? hosts.map((host) => ({ ...host, hash: hostHash(host.name) })) : [];
  for (; count * HOST_PLACE_BYTES <= RULES_TABLE_BYTES; count *= 2) {
    const places = tryPlaces(hashed, count);
    if (places) return places;
  }
  throw new ProfileError("E_RULES_LIMIT", [{ message: whyNot(hosts) }], "rule table");
}

function tryPlaces(hosts: readonly PlacedHost[], count: number): (PlacedHost | undefined)[] | undefined {
  const places = Array.from<PlacedHost | undefined>({ length: count });
  for (const host of hosts) {
    let probe = 0;
    while (probe < HOST_PROBES_MAX && places[(host.hash + probe) & (count - 1)] !== undefined) probe += 1;
    if (probe === HOST_PROBES_MAX) return undefined;
    places[(host.hash + probe) & (count - 1)] = host;
  }
  return places;
}

function whyNot(hosts: readonly HostName[]): string {
  const sets = new Map<string, number>();
  for (const { name } of hosts) sets.set(name, (sets.get(name) ?? 0) + 1);
  const [crowded, count] = [...sets].reduce((most, entry) => (entry[1] > most[1] ? entry : most), ["", 0]);
  if (count > HOST_PROBES_MAX) {
    const name = JSON.stringify(crowded);
    return `host ${name}: expected in at most ${HOST_PROBES_MAX} different lists of hosts, found in ${count}`;
  }
  return `hosts: expected names that fit into ${RULES_TABLE_BYTES} octets, found ${hosts.length} names`;
}
