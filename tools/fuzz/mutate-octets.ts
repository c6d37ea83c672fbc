// Changes of an octet string: bits, values, tokens, lengths, pieces of others.
import { DICTIONARY, EDGES } from "./dictionary.ts";
import type { Chance } from "./random.ts";

type Mutation = (octets: Uint8Array, chance: Chance, other: Uint8Array) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setOctet,
  setEdge,
  addSmall,
  writeToken,
  writeToken,
  writeLength,
  insertToken,
  grow,
  shrink,
  cutOut,
  splice,
];

/** A changed copy of `octets`, at most `maxBytes` long; `other` lends its octets. */
export function mutateOctets(octets: Uint8Array, chance: Chance, other: Uint8Array, maxBytes: number): Uint8Array {
  let changed: Uint8Array = octets.slice();
  for (let turns = 1 << chance.below(4); turns > 0; turns--) {
    changed = chance.pick(MUTATIONS)(changed, chance, other);
  }
  return changed.length > maxBytes ? changed.slice(0, maxBytes) : changed;
}

function flipBit(octets: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.below(octets.length);
  octets[at] = (octets[at] ?? 0) ^ (1 << chance.below(8));
  return octets;
}

function setOctet(octets: Uint8Array, chance: Chance): Uint8Array {
  octets[chance.below(octets.length)] = chance.below(256);
  return octets;
}

function setEdge(octets: Uint8Array, chance: Chance): Uint8Array {
  octets[chance.below(octets.length)] = chance.pick(EDGES);
  return octets;
}

function addSmall(octets: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.below(octets.length);
  octets[at] = (octets[at] ?? 0) + chance.below(33) - 16;
  return octets;
}

function writeToken(octets: Uint8Array, chance: Chance): Uint8Array {
  const token = chance.pick(DICTIONARY);
  const at = chance.below(octets.length);
  octets.set(token.subarray(0, octets.length - at), at);
  return octets;
}

/** Sixteen bits, high octet first, that come close to what is left of the string. */
function writeLength(octets: Uint8Array, chance: Chance): Uint8Array {
  if (octets.length < 2) return octets;
  const at = chance.below(octets.length - 1);
  const value = octets.length - (chance.oneIn(2) ? at : 0) - chance.below(48) + 8;
  octets[at] = value >> 8;
  octets[at + 1] = value;
  return octets;
}

function insertToken(octets: Uint8Array, chance: Chance): Uint8Array {
  return insert(octets, chance.below(octets.length + 1), chance.pick(DICTIONARY));
}

function grow(octets: Uint8Array, chance: Chance): Uint8Array {
  const more = new Uint8Array(chance.below(64)).fill(chance.oneIn(2) ? 0 : chance.below(256));
  return insert(octets, octets.length, more);
}

function shrink(octets: Uint8Array, chance: Chance): Uint8Array {
  return octets.slice(0, octets.length - chance.below(Math.min(octets.length, 24)));
}

function cutOut(octets: Uint8Array, chance: Chance): Uint8Array {
  const from = chance.below(octets.length);
  const to = Math.min(octets.length, from + chance.below(16));
  return insert(octets.slice(0, from), from, octets.subarray(to));
}

function splice(octets: Uint8Array, chance: Chance, other: Uint8Array): Uint8Array {
  const from = chance.below(other.length);
  const piece = other.subarray(from, from + 1 + chance.below(other.length - from));
  const at = chance.below(octets.length);
  return chance.oneIn(2) ? insert(octets, at, piece) : insert(octets.slice(0, at), at, piece);
}

function insert(octets: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
  const longer = new Uint8Array(octets.length + piece.length);
  longer.set(octets.subarray(0, at));
  longer.set(piece, at);
  longer.set(octets.subarray(at), at + piece.length);
  return longer;
}
