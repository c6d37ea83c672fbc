// Numbered packets into a device, and the threads that read them there.
import type { LinuxTun } from "../../src/index.ts";
import type { PumpBackend } from "../../src/pump/index.ts";
import { ipPacket } from "../rows/packets.ts";
import type { PacketSocket } from "../sys.ts";
import type { TrafficEnd, TrafficOrder } from "./traffic-worker.ts";

/** Where a packet carries its number, be32. */
export const PAYLOAD_AT = 28;
const FLOWS = 32;
const FIRST_PORT = 40_000;
const PACKET_BYTES = 100;
const WAIT_MS = 20_000;

/** A thread that reads a queue. */
export interface Reader {
  readonly reading: Promise<void>;
  readonly ended: Promise<TrafficEnd>;
  end(): void;
}

export class Traffic {
  readonly #seen: SharedArrayBuffer;
  readonly #octets: SharedArrayBuffer;
  #next = 0;

  /** @param packetsMax how many can be numbered */
  constructor(packetsMax: number) {
    this.#seen = new SharedArrayBuffer(packetsMax * 4);
    this.#octets = new SharedArrayBuffer(packetsMax * 4);
  }

  read(device: LinuxTun, backend: PumpBackend): Reader {
    const worker = new Worker(new URL("./traffic-worker.ts", import.meta.url));
    const reading = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<TrafficEnd>();
    worker.addEventListener("message", ({ data }: MessageEvent<"reading" | TrafficEnd>) => {
      if (data === "reading") reading.resolve();
      else ended.resolve(data);
    });
    worker.addEventListener("error", ({ message }) => ended.reject(new Error(message)));
    const parts = { seen: this.#seen, octets: this.#octets };
    worker.postMessage({ ...parts, device: device.handOver(), backend } satisfies TrafficOrder);
    return { reading: reading.promise, ended: ended.promise, end: () => worker.terminate() };
  }

  /** Sends so many packets of many flows into the interface; gives their numbers. */
  send(socket: PacketSocket, count: number, bytes = PACKET_BYTES): readonly number[] {
    return Array.from({ length: count }, () => {
      const number = this.#next++;
      const packet = ipPacket("192.0.2.7", "203.0.113.9", bytes, FIRST_PORT + (number % FLOWS));
      new DataView(packet.buffer).setUint32(PAYLOAD_AT, number);
      socket.send(packet);
      return number;
    });
  }

  /** Waits until each of them was read. @throws Error that names the first that was not */
  async arrived(numbers: readonly number[]): Promise<void> {
    const seen = new Int32Array(this.#seen);
    for (const number of numbers) {
      while (Atomics.load(seen, number) === 0) {
        const { value } = Atomics.waitAsync(seen, number, 0, WAIT_MS);
        if ((await value) === "timed-out") throw new Error(`packet ${number}: expected it read, found it lost`);
      }
    }
  }

  /** How often the packet was read that was read most often. */
  get most(): number {
    return Math.max(...new Int32Array(this.#seen));
  }

  /** The octets of a packet as it was read. */
  octetsOf(number: number): number {
    return new Int32Array(this.#octets)[number] ?? 0;
  }
}
