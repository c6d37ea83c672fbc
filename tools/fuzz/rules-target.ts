// Rule tables by themselves: the table lies flush with the end of the memory, so that a look-up that leaves it traps.
// A packet of an input is an address and a host name; the rule that decides must be the one that the plain matcher of
// `@bunnel/profile` finds.
import { CONTROL_BASE, CONTROL_RULES, HEADER_FILTER_BITS, HOST_MAX_BYTES, META_RULE } from "@bunnel/abi";
import type { Lane } from "@bunnel/engine";
import { checkRules, matchRule, ProfileError } from "@bunnel/profile";
import { formatAddress, tcpPacket } from "@bunnel/wire";
import type { EngineUnderTest } from "./engine-under-test.ts";
import type { FuzzInput } from "./input.ts";
import type { ProbeScan } from "./probe-scan.ts";
import { type FuzzTarget, law } from "./target.ts";

const ADDRESS_BYTES = 16;
const TCP_HEADER_BYTES = 20;
/** A hello whose only extension is its name (RFC 8446 section 4.1.2, RFC 6066 section 3), lengths still to come. */
const HELLO = Uint8Array.fromHex(
  `1603010000 01000000 0303 ${"00".repeat(32)} 00 00021301 0100 0000 00000000 0000 00 0000`.replaceAll(" ", ""),
);
/** Where its lengths stand, 16 bits each, and what they are for a name of no octets. */
const HELLO_LENGTHS: readonly (readonly [at: number, bytes: number])[] = [
  [3, 56],
  [7, 52],
  [50, 9],
  [54, 5],
  [56, 3],
  [59, 0],
];
const HEADERS4 = tcpPacket({
  ...{ source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443, flags: "PA" },
});
const HEADERS6 = tcpPacket({
  ...{ source: "2001:db8::7", destination: "2001:db8:1::9", sourcePort: 40000, destinationPort: 443, flags: "PA" },
});

export class RulesTarget implements FuzzTarget {
  readonly name = "rules";
  readonly probeCount: number;
  readonly counters: Uint8Array;
  readonly scan: ProbeScan;
  readonly #lane: Lane;
  readonly #slot: number;
  readonly #view: DataView;
  readonly #ruleAt: number;
  #loaded: Uint8Array | undefined;
  #isLoaded = false;

  constructor(private readonly under: EngineUnderTest) {
    this.probeCount = under.probeCount;
    this.counters = under.counters;
    this.scan = under.scan;
    this.#view = new DataView(under.memory.buffer);
    this.#lane = under.lane({ track: false, mtuBytes: 9000 });
    this.#slot = this.#lane.rx.at[0] ?? 0;
    this.#ruleAt = under.metasAt + META_RULE;
  }

  run({ options, table, packets }: FuzzInput): void {
    if (!this.#load(table)) return;
    for (const { octets } of packets) this.#decide(options, octets);
  }

  confirm({ options, table, packets }: FuzzInput): void {
    // What means nothing to the plain matcher may mean anything to the engine, as long as nothing traps.
    if (!this.#load(table) || !isSound(table)) return;
    for (const { octets } of packets) {
      const found = this.#decide(options, octets);
      const isV6 = isOverV6(options);
      const host = String.fromCharCode(...nameOf(octets));
      const address = formatAddress(addressOf(octets, isV6));
      const facts = { kind: "tls", family: isV6 ? "ipv6" : "ipv4", port: portOf(options), address } as const;
      const expected = matchRule(table, host === "" ? facts : { ...facts, host });
      law(found === expected, () => `rules: expected rule ${expected}, found ${found}`);
    }
  }

  /** Only what passes the door gets to the engine. */
  #load(table: Uint8Array): boolean {
    if (this.#loaded === table) return this.#isLoaded;
    this.#loaded = table;
    try {
      this.under.engine.loadRules(table);
      this.#isLoaded = true;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#isLoaded = false;
      return false;
    }
    const at = this.under.placeAtEnd(table);
    // The filter of a long list stands far behind a table where the host loads it; here it would stand outside.
    this.#view.setUint32(at + HEADER_FILTER_BITS, 0, true);
    Atomics.store(new Uint32Array(this.under.memory.buffer, CONTROL_BASE, 16), CONTROL_RULES / 4, at);
    return true;
  }

  /** The rule that the engine chose; -1: none. */
  #decide(options: Uint8Array, octets: Uint8Array): number {
    const isV6 = isOverV6(options);
    const header = isV6 ? HEADERS6 : HEADERS4;
    const name = nameOf(octets);
    const at = this.#slot;
    const payloadAt = at + header.length;
    const memory = this.under.octets;
    memory.set(header, at);
    memory.set(addressOf(octets, isV6), isV6 ? at + 24 : at + 16);
    memory.set(HELLO, payloadAt);
    memory.set(name, payloadAt + HELLO.length);
    const view = this.#view;
    const bytes = header.length + HELLO.length + name.length;
    view.setUint16(at + (isV6 ? 4 : 2), isV6 ? bytes - 40 : bytes);
    view.setUint16(payloadAt - TCP_HEADER_BYTES + 2, portOf(options));
    for (const [offset, least] of HELLO_LENGTHS) view.setUint16(payloadAt + offset, least + name.length);
    this.#lane.rx.at[0] = at;
    this.#lane.rx.lengths[0] = bytes;
    this.#lane.poll(0, 1, 0);
    return view.getUint16(this.#ruleAt, true) - 1;
  }
}

function isOverV6(options: Uint8Array): boolean {
  return ((options[0] ?? 0) & 1) !== 0;
}

/** Mostly 443, where most rules are for. */
function portOf(options: Uint8Array): number {
  const port = ((options[1] ?? 0) << 8) | (options[2] ?? 0);
  return port === 0 ? 443 : port;
}

function addressOf(octets: Uint8Array, isV6: boolean): Uint8Array {
  const address = new Uint8Array(isV6 ? ADDRESS_BYTES : 4);
  address.set(octets.subarray(0, address.length));
  return address;
}

function nameOf(octets: Uint8Array): Uint8Array {
  return octets.subarray(ADDRESS_BYTES, ADDRESS_BYTES + HOST_MAX_BYTES);
}

function isSound(table: Uint8Array): boolean {
  try {
    checkRules(table);
    return true;
  } catch (error) {
    if (error instanceof ProfileError) return false;
    throw error;
  }
}
