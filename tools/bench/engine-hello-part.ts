// ClientHellos, each of a flow of its own, in bursts of 16: planned by a strategy of four passes, and passed as they
// are. The difference is what planning, emitting and remembering cost.
import { LANE_BYTES, LANES_BASE, REMEMBER_MS } from "@bunnel/abi";
import { Engine, type Lane } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { clientHello, tcpPacket } from "@bunnel/wire";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { compileProgram } from "./compile.ts";
import type { EnginePart } from "./engine-part.ts";
import { runTwin } from "./engine-twin.ts";
import { encodePacketMix, MIX_STRIDE_BYTES, type PacketMix } from "./packet-mix.ts";
import type { Sample } from "./rounds.ts";

const HELLOS = 128;
const BURST = 16;
const HELLO_BYTES = 517;
const SEED = 0x1234567890abcdefn;
const MAX_FLOWS = 114_688;
const PASSES = 400;
const DECOY_NAME = "www.example.org";
/** c/planner.c has the same four techniques in it. */
const STRATEGY = `tls: fake(sni=${DECOY_NAME}, ttl=3) split(1, midsld) disorder ipid(group)`;
const HELLOS_AT = LANES_BASE + LANE_BYTES;
const AGAINST = "C";

export const helloPart: EnginePart = {
  rows: [
    { name: "ClientHello, recognised and passed", measure: "passedNs", unit: "ns", against: AGAINST },
    { name: "ClientHello, four passes, in all", measure: "plannedNs", unit: "ns", against: AGAINST },
    {
      name: "ClientHello, plan + emit",
      measure: "planNs",
      unit: "ns",
      against: AGAINST,
      budget: { of: "ours", atMost: 300 },
    },
  ],
  async candidates(stage) {
    const mix = helloMix();
    const program = compileProgram("planner", stage.folder);
    const mixFile = join(stage.folder, "hellos.mix");
    writeFileSync(mixFile, encodePacketMix(mix));
    const twin = (...words: string[]): Uint8Array => runTwin([program, mixFile, String(SEED), DECOY_NAME, ...words]);
    const hellos = await HelloLane.create(mix);
    if (Buffer.compare(twin("dump"), hellos.packets()) !== 0) {
      throw new Error("packets of the C twin and the engine differ: tools/bench/c must follow wasm/assembly");
    }
    return [
      { name: "C", run: async () => withDifference(readSample(twin("time", String(PASSES)))) },
      { name: "ours", run: async () => withDifference(hellos.time(PASSES)) },
    ];
  },
};

function readSample(line: Uint8Array): Sample {
  return JSON.parse(new TextDecoder().decode(line)) as Sample;
}

function withDifference(sample: Sample): Sample {
  return { ...sample, planNs: (sample["plannedNs"] ?? Number.NaN) - (sample["passedNs"] ?? Number.NaN) };
}

/** Segments with time stamps, as on nearly every connection of today. */
function helloMix(): PacketMix {
  const payload = clientHello({ serverName: "video.example.org", padToBytes: HELLO_BYTES });
  const options = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 7);
  const packets = new Uint8Array(HELLOS * MIX_STRIDE_BYTES);
  const lengths = new Uint16Array(HELLOS);
  for (let i = 0; i < HELLOS; i++) {
    const flow = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 1024 + i, destinationPort: 443 };
    const packet = tcpPacket({ ...flow, seq: 1000, ack: 1, flags: 0x18, options, payload });
    packets.set(packet, i * MIX_STRIDE_BYTES);
    lengths[i] = packet.length;
  }
  return { count: HELLOS, stride: MIX_STRIDE_BYTES, lengths, packets };
}

/** Our side: the hellos laid into the memory of a lane that nobody opens. */
class HelloLane {
  readonly #engine: Engine;
  readonly #lane: Lane;
  #nowMs = 0;

  private constructor(engine: Engine, mix: PacketMix) {
    this.#engine = engine;
    this.#lane = engine.lane(0);
    new Uint8Array(engine.memory, HELLOS_AT, mix.packets.length).set(mix.packets);
    this.#lane.rx.lengths.set(mix.lengths.subarray(0, BURST));
  }

  static async create(mix: PacketMix): Promise<HelloLane> {
    return new HelloLane(await Engine.create({ seed: SEED, maxFlows: MAX_FLOWS }), mix);
  }

  /** The packets that leave, each with its length before it. */
  packets(): Uint8Array {
    this.#load(STRATEGY);
    const parts: Uint8Array[] = [];
    for (let from = 0; from < HELLOS; from += BURST) {
      this.#poll(from);
      for (const packet of this.#lane.sent())
        parts.push(Uint8Array.of(packet.length & 255, packet.length >> 8), packet);
    }
    return Buffer.concat(parts);
  }

  time(passes: number): Sample {
    this.#load("tls: pass");
    const passedNs = this.#passes(passes);
    this.#load(STRATEGY);
    return { passedNs, plannedNs: this.#passes(passes) };
  }

  #load(strategy: string): void {
    const rule = `[[rule]]\nname = "bench"\nports = ["443"]\nstrategy = '''${strategy}'''\n`;
    this.#engine.loadRules(encodeRules(parseProfile(rule)));
  }

  #passes(passes: number): number {
    let leastNs = Infinity;
    for (let pass = 0; pass < passes; pass++) {
      this.#forget();
      const start = Bun.nanoseconds();
      for (let from = 0; from < HELLOS; from += BURST) this.#poll(from);
      leastNs = Math.min(leastNs, (Bun.nanoseconds() - start) / HELLOS);
    }
    return leastNs;
  }

  /** Forgets what was planned in the pass before: else these would be looked at as its retransmissions. */
  #forget(): void {
    this.#nowMs += 2 * REMEMBER_MS;
    this.#lane.poll(0, 0, this.#nowMs);
  }

  #poll(from: number): void {
    for (let i = 0; i < BURST; i++) this.#lane.rx.at[i] = HELLOS_AT + (from + i) * MIX_STRIDE_BYTES;
    this.#lane.poll(0, BURST, this.#nowMs++);
  }
}
