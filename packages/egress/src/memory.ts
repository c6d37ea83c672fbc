// A way out that ends in a list: for tests and for replay.
import { DeviceError, type PacketList } from "@bunnel/device";
import type { Egress, EgressCapabilities, EgressCounters, EgressHandOver } from "./egress.ts";

/** How a way out in memory behaves. */
export interface MemoryEgressOptions {
  /** Packets it holds before `send` takes no more; `take` makes room. Default: no limit. */
  readonly packetsMax?: number;
  /** Asked for each packet; a name such as "EPERM" refuses and counts it. The octets are valid during the call. */
  readonly refuse?: (packet: Uint8Array) => string | undefined;
}

/** Keeps a copy of every packet sent, in order. */
export class MemoryEgress implements Egress {
  readonly capabilities: EgressCapabilities = { name: "memory", vnetHeader: false };
  readonly #packetsMax: number;
  readonly #refuse: ((packet: Uint8Array) => string | undefined) | undefined;
  readonly #refused = new Map<string, number>();
  #packets: Uint8Array[] = [];
  #refusedCount = 0;
  #sent = 0;
  #octets: Uint8Array | undefined;
  #closed = false;

  constructor(options: MemoryEgressOptions = {}) {
    this.#packetsMax = options.packetsMax ?? Number.POSITIVE_INFINITY;
    this.#refuse = options.refuse;
  }

  /** The scratch range is not used. */
  attach(memory: ArrayBufferLike, _scratchAt: number, _scratchBytes: number): void {
    this.#octets = new Uint8Array(memory);
  }

  /** @throws DeviceError E_DEVICE_STATE before `attach` and after `close` */
  send(list: PacketList, from: number, to: number): number {
    if (this.#closed) throw new DeviceError("E_DEVICE_STATE", "memory egress: send after close");
    if (this.#octets === undefined) throw new DeviceError("E_DEVICE_STATE", "memory egress: send before attach");
    let next = from;
    for (; next < to; next++) {
      const at = list.at[next] ?? 0;
      const packet = this.#octets.subarray(at, at + (list.lengths[next] ?? 0));
      const refusal = this.#refuse?.(packet);
      if (refusal !== undefined) {
        this.#refused.set(refusal, (this.#refused.get(refusal) ?? 0) + 1);
        this.#refusedCount++;
        continue;
      }
      if (this.#packets.length >= this.#packetsMax) break;
      this.#packets.push(packet.slice());
      this.#sent++;
    }
    return next - from;
  }

  /** The packets sent since the last call, oldest first; it forgets them. */
  take(): Uint8Array[] {
    const packets = this.#packets;
    this.#packets = [];
    return packets;
  }

  get refused(): number {
    return this.#refusedCount;
  }

  /** What became of the packets so far. */
  counters(): EgressCounters {
    return { sent: this.#sent, refused: Object.fromEntries(this.#refused) };
  }

  /** @throws DeviceError E_UNSUPPORTED always: the list lives in one thread */
  handOver(): EgressHandOver {
    throw new DeviceError("E_UNSUPPORTED", "memory egress: it cannot be handed over to another thread");
  }

  /** A second call does nothing; what was taken stays there. */
  close(): void {
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
