// What the octets of an input's options mean for a poll.
import type { LaneOptions, NameFinder } from "@bunnel/engine";
import type { FuzzInput, FuzzPacket } from "./input.ts";

const MTUS: readonly number[] = [1500, 576, 68, 1280, 9000, 1400, 300, 65535];
const CLOCKS: readonly number[] = [1000, 0, 0xffff_ff00, 0x7fff_ff00];
const NAMES: readonly string[] = ["video.example.org", "example.org", "a", "x".repeat(253)];

export interface Scenario {
  readonly lane: LaneOptions;
  /** Packets of one burst lie in slots side by side; otherwise each comes alone, flush with the memory's end. */
  readonly isBurst: boolean;
  readonly startMs: number;
  /** Answers the engine's questions. */
  readonly names: NameFinder;
  readonly bursts: readonly (readonly FuzzPacket[])[];
}

/** Every input is a scenario. */
export function scenarioOf({ options, packets }: FuzzInput): Scenario {
  const [flags = 0, mtu = 0, clock = 0, answer = 0] = options;
  const bit = (i: number): boolean => (flags & (1 << i)) !== 0;
  const isBurst = bit(5);
  return {
    lane: {
      rxVnet: bit(0),
      txVnet: bit(1),
      plan: !bit(2),
      track: !bit(3),
      dropLinkScope: bit(4),
      mtuBytes: MTUS[mtu % MTUS.length] ?? 1500,
    },
    isBurst,
    startMs: CLOCKS[clock % CLOCKS.length] ?? 0,
    names: { look: (payload) => answerTo(payload, answer) },
    bursts: isBurst ? burstsOf(packets) : packets.map((packet) => [packet]),
  };
}

/** The answer depends on the packet too, so that one scenario has several. */
function answerTo(payload: Uint8Array, answer: number): { readonly name: string } | "incomplete" | "none" {
  const choice = answer ^ (payload.at(-1) ?? 0);
  if (choice % 4 === 0) return { name: NAMES[(choice >> 2) % NAMES.length] ?? "" };
  return choice % 4 === 1 ? "none" : "incomplete";
}

/** Packets with no time between them come in one burst. */
function burstsOf(packets: readonly FuzzPacket[]): FuzzPacket[][] {
  const bursts: FuzzPacket[][] = [];
  for (const packet of packets) {
    const last = bursts.at(-1);
    if (last === undefined || packet.gapMs > 0) bursts.push([packet]);
    else last.push(packet);
  }
  return bursts;
}
