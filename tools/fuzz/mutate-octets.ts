// Changes of an octet string: bits, values, tokens, lengths, pieces of others. They are made in one buffer that all
// inputs share, because a new array for each step would cost more than the execution of what comes out.
import { DICTIONARY, EDGES } from "./dictionary.ts";
import type { Chance } from "./random.ts";

type Mutation = (chance: Chance, other: Uint8Array) => void;

const ROOM_BYTES = 0x20000;
const TURNS_LOG_MAX = 4;

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

const draft = new Uint8Array(ROOM_BYTES);
/** Octets of the draft in use. */
let size = 0;

/** A changed copy of `octets`, at most `maxBytes` long; `other` lends its octets. */
export function mutateOctets(octets: Uint8Array, chance: Chance, other: Uint8Array, maxBytes: number): Uint8Array {
  draft.set(octets);
  size = octets.length;
  for (let turns = 1 << chance.below(TURNS_LOG_MAX); turns > 0; turns--) chance.pick(MUTATIONS)(chance, other);
  return draft.slice(0, Math.min(size, maxBytes));
}

function flipBit(chance: Chance): void {
  const at = chance.below(size);
  draft[at] = (draft[at] ?? 0) ^ (1 << chance.below(8));
}

function setOctet(chance: Chance): void {
  draft[chance.below(size)] = chance.below(256);
}

function setEdge(chance: Chance): void {
  draft[chance.below(size)] = chance.pick(EDGES);
}

function addSmall(chance: Chance): void {
  const at = chance.below(size);
  draft[at] = (draft[at] ?? 0) + chance.below(33) - 16;
}

function writeToken(chance: Chance): void {
  const token = chance.pick(DICTIONARY);
  const at = chance.below(size);
  const end = Math.min(size, at + token.length);
  for (let to = at; to < end; to++) draft[to] = token[to - at] ?? 0;
}

/** Sixteen bits, high octet first, that come close to what is left of the string. */
function writeLength(chance: Chance): void {
  if (size < 2) return;
  const at = chance.below(size - 1);
  const value = size - (chance.oneIn(2) ? at : 0) - chance.below(48) + 8;
  draft[at] = value >> 8;
  draft[at + 1] = value;
}

function insertToken(chance: Chance): void {
  const token = chance.pick(DICTIONARY);
  insert(chance.below(size + 1), token, 0, token.length);
}

function grow(chance: Chance): void {
  const bytes = chance.below(64);
  if (size + bytes > ROOM_BYTES) return;
  draft.fill(chance.oneIn(2) ? 0 : chance.below(256), size, size + bytes);
  size += bytes;
}

function shrink(chance: Chance): void {
  size -= chance.below(Math.min(size, 24));
}

function cutOut(chance: Chance): void {
  const from = chance.below(size);
  const to = Math.min(size, from + chance.below(16));
  draft.copyWithin(from, to, size);
  size -= to - from;
}

/** A piece of another string, put in between or in place of what follows. */
function splice(chance: Chance, other: Uint8Array): void {
  const from = chance.below(other.length);
  const bytes = Math.min(other.length - from, 1 + chance.below(other.length - from));
  const at = chance.below(size);
  if (!chance.oneIn(2)) size = at;
  insert(at, other, from, bytes);
}

function insert(at: number, piece: Uint8Array, from: number, bytes: number): void {
  if (size + bytes > ROOM_BYTES) return;
  draft.copyWithin(at + bytes, at, size);
  for (let i = 0; i < bytes; i++) draft[at + i] = piece[from + i] ?? 0;
  size += bytes;
}
