// An engine with rules in it, and a receiver: what the suites of this folder share.
import { Engine, type EngineBuild, type LaneOptions } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { decodePacket, verifyChecksums } from "@bunnel/wire";

export const BUILDS: readonly EngineBuild[] = ["release", "debug"];

/** A rule table of one rule: this strategy for every host, on any port. */
export function tableOf(strategy: string): Uint8Array {
  const ports = strategy.includes("http:") ? 'ports = ["1-65535"]\n' : "";
  return encodeRules(parseProfile(`[[rule]]\nname = "test"\n${ports}strategy = '''${strategy}'''\n`));
}

/** An engine with a fixed seed, its own memory and no warm-up: the same for every run. */
export function engineOf(build: EngineBuild): Promise<Engine> {
  return Engine.create({ build, seed: 0x1234_5678_9abc_def0n, warm: false });
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
 * What an endpoint reads that follows the RFCs: segments with a wrong checksum and segments whose hop limit differs
 * from
 * the real one (they end on the way) are discarded, the rest is put in order; of two copies of an octet the first
 * counts. Undefined: octets are missing.
 */
export function readByEndpoint(packets: readonly Uint8Array[], original: Uint8Array): Uint8Array | undefined {
  const sent = decodePacket(original);
  const octets = new Uint8Array(sent.payloadBytes);
  const known = new Uint8Array(sent.payloadBytes);
  for (const packet of packets) {
    const segment = decodePacket(packet);
    const sums = verifyChecksums(packet);
    if (segment.hopLimit !== sent.hopLimit || sums.ip === false || sums.transport === false) continue;
    if (segment.sourcePort !== sent.sourcePort || segment.destination !== sent.destination) continue;
    const from = (segment.seq - sent.seq) | 0;
    for (const [i, octet] of segment.payload.entries()) {
      const at = from + i;
      if (at < 0 || at >= octets.length) return undefined;
      if (known[at] === 0) octets[at] = octet;
      known[at] = 1;
    }
  }
  return known.every((mark) => mark === 1) ? octets : undefined;
}
