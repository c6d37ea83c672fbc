// A capture as it is written: two interfaces, what came up and what left, each packet with a sentence about it.
import { LINK_RAW, PcapngWriter, type CaptureSink } from "@bunnel/wire";
import { afterComment, beforeComment } from "./comment.ts";
import type { SeenExchange } from "./message-reader.ts";
import type { SeenPacket } from "./packet-event.ts";

const BEFORE = 0;
const AFTER = 1;
const NS_PER_MS = 1_000_000;

/** Writes exchanges; packets held before a message was whole are written when they came. */
export class CaptureFile {
  readonly #writer: PcapngWriter;
  /** Packets in the file. */
  packets = 0;

  /** @param strategyOf the strategy of a rule by its name, where it is known */
  constructor(
    sink: CaptureSink,
    device: string,
    readonly strategyOf: (rule: string) => string | undefined,
  ) {
    const interfaces = [`${device} before`, `${device} after`].map((name) => ({ linkType: LINK_RAW, name }));
    this.#writer = new PcapngWriter(sink, interfaces);
  }

  write(exchange: SeenExchange): void {
    const { before, after } = exchange;
    this.#put(before, BEFORE, beforeComment(exchange));
    const strategy = before.rule === undefined ? undefined : this.strategyOf(before.rule);
    for (const [index, packet] of after.entries()) this.#put(packet, AFTER, afterComment(exchange, index, strategy));
  }

  /** A packet whose time to be held was over. */
  writeReleased(packet: SeenPacket): void {
    this.#put(packet, AFTER, "its message did not become whole in time: leaves as it came");
  }

  #put({ octets, timeMs, delayMs }: SeenPacket, interfaceId: number, comment: string): void {
    const timestampNs = BigInt(Math.round((timeMs + delayMs) * 1000)) * BigInt(NS_PER_MS / 1000);
    this.#writer.write({ octets, timestampNs, interfaceId, comment });
    this.packets++;
  }
}
