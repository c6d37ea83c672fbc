// What a connection is known by: a text, so that maps find it. Most packets of a simulation are of the same connection,
// so the texts that were made last, one for each direction, are kept: to compare numbers costs less than to make one.

/** Source, destination and ports as one text of 16-bit letters; `turned`: the other way round. */
export function flowKey(packet: Uint8Array, family: 4 | 6, near: number, far: number, turned: boolean): string {
  const at = family === 4 ? 12 : 8;
  const bytes = family === 4 ? 4 : 16;
  const from = turned ? at + bytes : at;
  const to = turned ? at : at + bytes;
  if (family === 4) return ipv4Key(be32(packet, from), be32(packet, to), near, far);
  return ipv6Key(packet, from, to, near, far);
}

interface Ipv4Key {
  from: number;
  to: number;
  near: number;
  far: number;
  text: string;
}

const lastKeys: readonly [Ipv4Key, Ipv4Key] = [
  { from: -1, to: -1, near: -1, far: -1, text: "" },
  { from: -1, to: -1, near: -1, far: -1, text: "" },
];

function ipv4Key(from: number, to: number, near: number, far: number): string {
  const last = lastKeys[near > far ? 1 : 0];
  if (last.from === from && last.to === to && last.near === near && last.far === far) return last.text;
  last.from = from;
  last.to = to;
  last.near = near;
  last.far = far;
  last.text = String.fromCharCode(from >>> 16, from & 0xffff, to >>> 16, to & 0xffff, near, far);
  return last.text;
}

interface Ipv6Key {
  readonly words: Uint16Array;
  text: string;
}

/** 16-bit words of both addresses in turn, then the ports. */
const lastKeys6: readonly [Ipv6Key, Ipv6Key] = [
  { words: new Uint16Array(18), text: "" },
  { words: new Uint16Array(18), text: "" },
];

function ipv6Key(packet: Uint8Array, from: number, to: number, near: number, far: number): string {
  const last = lastKeys6[near > far ? 1 : 0];
  const { words } = last;
  let isSame = last.text !== "" && words[16] === near && words[17] === far;
  for (let word = 0; isSame && word < 16; word += 2) {
    isSame = words[word] === be16(packet, from + word) && words[word + 1] === be16(packet, to + word);
  }
  if (isSame) return last.text;
  for (let word = 0; word < 16; word += 2) {
    words[word] = be16(packet, from + word);
    words[word + 1] = be16(packet, to + word);
  }
  words[16] = near;
  words[17] = far;
  last.text = String.fromCharCode(...words);
  return last.text;
}

function be16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}

function be32(octets: Uint8Array, at: number): number {
  return (be16(octets, at) * 0x10000 + be16(octets, at + 2)) >>> 0;
}
