// Our side of the flood rows: a Worker for each thread, over one memory and one flow table.
import { LANE_BYTES, LANES_BASE, LANES_MAX } from "@bunnel/abi";
import { Engine } from "@bunnel/engine";
import type { FloodWord } from "./flood-worker.ts";
import { type PacketMix, randomOf } from "./packet-mix.ts";
import type { Sample } from "./rounds.ts";

/** More than twice as many flows as the table has room for, so that none is still known when it comes again. */
const PACKETS = 262_144;
const STRIDE_BYTES = 64;
const SYN_BYTES = 40;
const MAX_FLOWS = 114_688;
/** The mix fills the last lane, which nobody opens. */
const MIX_AT = LANES_BASE + (LANES_MAX - 1) * LANE_BYTES;

/** IPv4 SYNs from random addresses and ports to one server. Checksums stay 0: nothing here looks at them. */
export function makeFloodMix(): PacketMix {
  const random = randomOf(3);
  const packets = new Uint8Array(PACKETS * STRIDE_BYTES);
  const view = new DataView(packets.buffer);
  for (let at = 0; at < packets.length; at += STRIDE_BYTES) {
    view.setUint32(at, 0x4500_0000 + SYN_BYTES);
    view.setUint32(at + 8, 0x4006_0000);
    view.setUint32(at + 12, random());
    view.setUint32(at + 16, 0xcb00_7101);
    view.setUint32(at + 20, (random() & 0xffff_0000) + 443);
    view.setUint16(at + 32, 0x5002);
  }
  return { count: PACKETS, stride: STRIDE_BYTES, lengths: new Uint16Array(PACKETS).fill(SYN_BYTES), packets };
}

export class FloodLanes implements Disposable {
  private constructor(private readonly workers: readonly Worker[]) {}

  static async open(mix: PacketMix, seed: bigint, threads: number): Promise<FloodLanes> {
    const engine = await Engine.create({ seed, maxFlows: MAX_FLOWS });
    new Uint8Array(engine.memory, MIX_AT, mix.packets.length).set(mix.packets);
    const share = Math.floor(mix.count / threads);
    const workers = Array.from(
      { length: threads },
      () => new Worker(new URL("./flood-worker.ts", import.meta.url).href),
    );
    const lanes = new FloodLanes(workers);
    await lanes.#tell((laneIndex) => {
      const at = Uint32Array.from({ length: share }, (_, i) => MIX_AT + (laneIndex * share + i) * mix.stride);
      const lengths = mix.lengths.slice(laneIndex * share, (laneIndex + 1) * share);
      return { part: { engine: engine.transfer, laneIndex, at, lengths } };
    });
    // The table is full from here on.
    await lanes.#tell(() => ({ passes: 1 }));
    return lanes;
  }

  /** Flows made in a second by all threads together, in the fastest pass: the one that nobody disturbed. */
  async flood(passes: number): Promise<Sample> {
    let flowsPerSecond = 0;
    for (let pass = 0; pass < passes; pass++) {
      const start = Bun.nanoseconds();
      const made = await this.#tell(() => ({ passes: 1 }));
      const seconds = (Bun.nanoseconds() - start) / 1e9;
      flowsPerSecond = Math.max(flowsPerSecond, made.reduce((sum, flows) => sum + flows) / seconds);
    }
    return { flowsPerSecond };
  }

  [Symbol.dispose](): void {
    for (const worker of this.workers) worker.terminate();
  }

  /** Says something to each Worker, and waits for what all of them answer. */
  #tell(word: (laneIndex: number) => FloodWord): Promise<readonly number[]> {
    return Promise.all(
      this.workers.map((worker, laneIndex) => {
        const { promise, resolve, reject } = Promise.withResolvers<number>();
        worker.addEventListener("message", ({ data }: MessageEvent<number>) => resolve(data), { once: true });
        worker.addEventListener("error", ({ message }) => reject(new Error(message)), { once: true });
        worker.postMessage(word(laneIndex));
        return promise;
      }),
    );
  }
}
