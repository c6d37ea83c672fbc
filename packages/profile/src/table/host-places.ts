// The hash table of host names: places that the engine probes one after the other from a name's home place.
//
//   home = hash & mask        a name lies in one of HOST_PROBES_MAX places from its home on, none before it empty
import { HOST_PLACE_BYTES, HOST_PROBES_MAX, RULES_TABLE_BYTES } from "@bunnel/abi";
import { ProfileError } from "../errors.ts";
import { hostHash } from "./host-hash.ts";

/** One name in one host set. */
export interface HostName {
  readonly name: string;
  readonly exact: boolean;
  /** From 1. */
  readonly set: number;
}

/** Names and where they lie. */
export interface HostPlaces {
  readonly hosts: readonly HostName[];
  /** Of each name. */
  readonly hashes: Uint32Array;
  /** For each place the index of its name, -1 where it is empty. */
  readonly places: Int32Array;
}

/**
 * Places for all names: a power of two of them, twice as many as names where there is room, more where names crowd.
 * @throws ProfileError E_RULES_LIMIT when no table that fits holds them
 */
export function placeHosts(hosts: readonly HostName[]): HostPlaces {
  const roomMax = RULES_TABLE_BYTES / HOST_PLACE_BYTES / 2;
  if (hosts.length > roomMax) throw limitError(hosts);
  const hashes = Uint32Array.from(hosts, ({ name }) => hostHash(name));
  let count = 1;
  while (count < hosts.length * 2 && count < roomMax) count *= 2;
  for (; count <= roomMax; count *= 2) {
    const places = tryPlaces(hashes, count);
    if (places) return { hosts, hashes, places };
  }
  throw limitError(hosts);
}

/** A name that is further from its home takes the place of one that is nearer, so that none gets far (Robin Hood). */
function tryPlaces(hashes: Uint32Array, count: number): Int32Array | undefined {
  const mask = count - 1;
  const places = new Int32Array(count).fill(-1);
  for (let index = 0; index < hashes.length; index += 1) {
    let moving = index;
    for (let distance = 0; moving >= 0; distance += 1) {
      if (distance === HOST_PROBES_MAX) return undefined;
      const place = ((hashes[moving] ?? 0) + distance) & mask;
      const there = places[place] ?? -1;
      const thereDistance = there < 0 ? -1 : (place - (hashes[there] ?? 0)) & mask;
      if (thereDistance >= distance) continue;
      places[place] = moving;
      moving = there;
      distance = thereDistance;
    }
  }
  return places;
}

function limitError(hosts: readonly HostName[]): ProfileError {
  return new ProfileError("E_RULES_LIMIT", [{ message: whyNot(hosts) }], "rule table");
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
