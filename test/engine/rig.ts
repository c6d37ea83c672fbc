// An engine with rules in it, and a receiver: what the suites of this folder share.
import { Engine, type EngineBuild, type LaneOptions } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { decodePacket } from "@bunnel/wire";
import { foolingsIn } from "./connection.ts";
import { joinFragments } from "./fragments.ts";

/** A coverage run puts the debug build with probes in the place of both; once is then enough. */
export const BUILDS: readonly EngineBuild[] =
  process.env["BUNNEL_COVERAGE_DIR"] === undefined ? ["release", "debug"] : ["debug"];

/** A rule table of one rule: this strategy for every host, on any port. */
export function tableOf(strategy: string): Uint8Array {
  // Delays as long as the notation takes them.
  const limits = "[limits]\nmax_jitter_ms = 20000\n";
  const text = `${limits}[[rule]]\nname = "test"\nports = ["1-65535"]\nstrategy = '''${strategy}'''\n`;
  return encodeRules(parseProfile(text));
}

/** Few enough to be wiped between one case and the next. */
const FLOWS = 100;

/** An engine with a fixed seed, its own memory and no warm-up: the same for every run. */
export function engineOf(build: EngineBuild): Promise<Engine> {
  return Engine.create({ build, seed: 0x1234_5678_9abc_def0n, warm: false, maxFlows: FLOWS });
}

/** One packet through a lane; with a virtio header before it, when one is given. */
export function carry(
  engine: Engine,
  packet: Uint8Array,
  options: LaneOptions = {},
  header?: Uint8Array,
): Uint8Array[] {
  const lane = engine.lane(0, options);
  lane.place(0, packet, header);
  const done = lane.poll(0, 1, 0);
  if (done !== 1) throw new Error(`poll: expected 1 packet done, found ${done}`);
  return lane.sent();
}

/**
 * What an endpoint reads of the packets, in order of arrival, that follows the RFCs: it joins fragments, discards what
 * is fooled, trims what lies before the message, and of what waits out of order gives the octets that follow.
 * Undefined: octets are missing.
 */
export function readByEndpoint(packets: readonly Uint8Array[], original: Uint8Array): Uint8Array | undefined {
  const first = decodePacket(original);
  const octets = new Uint8Array(first.payloadBytes);
  let next = 0;
  let waiting: { from: number; payload: Uint8Array }[] = [];
  for (const packet of joinFragments(packets)) {
    const { seq, payload } = decodePacket(packet);
    if (foolingsIn(packet, original) !== 0) continue;
    const from = (seq - first.seq) | 0;
    if (from + payload.length > octets.length) return undefined;
    waiting = [...waiting, { from, payload }].toSorted((a, b) => a.from - b.from);
    while (waiting[0] !== undefined && waiting[0].from <= next) {
      const [piece, ...rest] = waiting;
      waiting = rest;
      const fresh = piece.payload.subarray(next - piece.from);
      octets.set(fresh, next);
      next += fresh.length;
    }
  }
  return next === octets.length ? octets : undefined;
}
