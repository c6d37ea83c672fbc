// Receives for ever in a thread of its own, as long as the device is there, and notes what came in shared words.
import { gcAndSweep, heapStats } from "bun:jsc";
import { Wake, type DeviceHandOver } from "@bunnel/device";
import { openTransferred } from "../../src/hand-over.ts";
import { eventOf, openPump, portOf, type PumpBackend, type PumpSleep } from "../../src/pump/index.ts";
import { threadId } from "../../src/sleep/sys.ts";
import { pumpMemory } from "./memory.ts";

export interface ReceiveOrder {
  readonly handOver: DeviceHandOver;
  readonly backend: PumpBackend;
  readonly sleep: PumpSleep;
  readonly busyPollUs: number;
  /** See ReceiveWord, and behind the words the last packet. */
  readonly shared: SharedArrayBuffer;
}

/** Words that the thread writes, and one that it reads. */
export enum ReceiveWord {
  Thread,
  Packets,
  Woken,
  /** Octets of the last packet. */
  Length,
  /** Set by whoever wants the thread to end at the next wake-up. */
  Stop,
  Count,
}

export const PACKET_AT = 4 * ReceiveWord.Count;

export interface ReceiveEnd {
  readonly sleep: PumpSleep;
  readonly why: Wake;
  /** Octets that the heap has grown by since half of the packets that came. */
  readonly grownBytes: number;
  readonly counted: number;
}

/** The packet at which the heap is looked at first. */
export const HEAP_FROM = 16_384;
const SLOTS = 16;

declare const self: Worker;

self.addEventListener("message", ({ data }: MessageEvent<ReceiveOrder>) => {
  const words = new Int32Array(data.shared, 0, ReceiveWord.Count);
  const last = new Uint8Array(data.shared, PACKET_AT);
  const device = openTransferred(data.handOver);
  const { memory, rings, octets, list: listOf } = pumpMemory(SLOTS);
  const { backend, sleep, busyPollUs } = data;
  const place = { memory, rings, ports: [portOf(device)], eventFd: eventOf(device) };
  using pump = openPump({ ...place, backend, sleep, busyPollUs });
  const list = listOf(SLOTS);
  Atomics.store(words, ReceiveWord.Thread, threadId());
  Atomics.notify(words, ReceiveWord.Thread);
  let packets = 0;
  let before = 0;
  for (;;) {
    const came = pump.receive(0, list, 0, 1500, -1);
    if (came === 0) {
      if (pump.woken === Wake.Closed || Atomics.load(words, ReceiveWord.Stop) !== 0) break;
      tell(words, ReceiveWord.Woken, 1);
      continue;
    }
    packets += came;
    if (packets === HEAP_FROM) {
      gcAndSweep();
      before = heapStats().heapCapacity;
    }
    const at = list.at[came - 1] ?? 0;
    const length = list.lengths[came - 1] ?? 0;
    for (let i = 0; i < length; i++) last[i] = octets[at + i] ?? 0;
    Atomics.store(words, ReceiveWord.Length, length);
    tell(words, ReceiveWord.Packets, came);
  }
  const grownBytes = before === 0 ? 0 : heapStats().heapCapacity - before;
  const why = pump.woken;
  const counted = pump.counters().read;
  pump.close();
  self.postMessage({ sleep: pump.sleep, why, grownBytes, counted } satisfies ReceiveEnd);
});

function tell(words: Int32Array, word: ReceiveWord, more: number): void {
  Atomics.add(words, word, more);
  Atomics.notify(words, word);
}
