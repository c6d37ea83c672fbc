// C6: a box that emulates the server. It is the honest negative control: nothing that leaves the endpoint with the real
// name may pass it, so a technique that does is broken, or the model is.
import { TCP_ACK, TCP_SYN, verifyChecksums } from "@bunnel/wire";
import { Datagrams } from "../ip/datagrams.ts";
import { firstMessage } from "../message.ts";
import { concat } from "../octets.ts";
import { STREAM_KEPT_BYTES } from "../tcp/octet-window.ts";
import { acknowledged, TcpReceiver } from "../tcp/receiver.ts";
import type { SentSide } from "../tcp/receiver.ts";
import { has, sequenceBytes, timestampOf } from "../tcp/segment.ts";
import type { TcpSegment } from "../tcp/segment.ts";
import { sequenceAfter, sequenceDistance } from "../tcp/sequence.ts";
import type { Censor, CensorOptions, Judgement } from "./censor.ts";
import { FORWARD } from "./censor.ts";
import { FlowCensor } from "./flow-censor.ts";
import type { FlowReader, SeenSegment } from "./flow-censor.ts";

export interface StrictOptions extends CensorOptions {
  /** Routers between the box and the server; a packet whose hop limit is not above it never arrives. Default 0. */
  readonly hopsToServer?: number;
}

/**
 * Discards what the server would discard (hop limit, checksums, window, timestamps, flags, MD5 option, fragments that
 * overlap) and keeps the octets that the server would keep. RSTs and FINs of the client do not end its watch.
 */
export function strictCensor(options: StrictOptions): Censor {
  const hopsToServer = options.hopsToServer ?? 0;
  const flows = new FlowCensor(
    {
      name: "strict",
      says: "The box knows how far the server is and reads exactly what the server will read.",
      reopens: "syn-ack",
      open: (opening) => new StrictReader(opening),
    },
    options,
  );
  let datagrams = new Datagrams();
  return {
    name: flows.name,
    says: flows.says,
    reset() {
      flows.reset();
      datagrams = new Datagrams();
    },
    judge(packet, direction, nowMs): Judgement {
      if (direction === "outbound" && !arrives(packet, hopsToServer)) return FORWARD;
      const whole = datagrams.take(packet, nowMs);
      return whole === undefined ? FORWARD : flows.judge(whole, direction, nowMs);
    },
  };
}

/** Whether the packet gets as far as the server's TCP. */
function arrives(packet: Uint8Array, hopsToServer: number): boolean {
  const hopLimit = (packet[0] ?? 0) >> 4 === 6 ? packet[7] : packet[8];
  return (hopLimit ?? 0) > hopsToServer && verifyChecksums(packet).ip !== false;
}

class StrictReader implements FlowReader {
  readonly #opening: TcpSegment;
  #receiver: TcpReceiver;
  /** Undefined: the server was not heard yet, so acknowledgements are not judged. */
  #server: SentSide | undefined;
  #stream = new Uint8Array(0);
  #done = false;

  constructor(opening: TcpSegment) {
    this.#opening = opening;
    this.#receiver = new TcpReceiver(sequenceAfter(opening.seq, has(opening, TCP_SYN) ? 1 : 0));
  }

  outbound({ segment, packet }: SeenSegment): string | undefined {
    // A server without fast open leaves the payload of a SYN alone.
    if (has(segment, TCP_SYN) || this.#done || verifyChecksums(packet).transport === false) return undefined;
    const reception = this.#receiver.receive(segment, this.#server);
    if (reception.kind !== "taken") return undefined;
    if (this.#server !== undefined) this.#server = acknowledged(this.#server, segment.ack);
    if (reception.octets.length === 0) return undefined;
    this.#stream = concat(this.#stream, reception.octets);
    const message = firstMessage(this.#stream);
    this.#done = message?.complete === true || this.#stream.length > STREAM_KEPT_BYTES;
    return message?.host;
  }

  /** Learns which acknowledgements make sense, and from the SYN,ACK whether timestamps were agreed on. */
  inbound(segment: TcpSegment): void {
    const next = sequenceAfter(segment.seq, sequenceBytes(segment));
    if (this.#server !== undefined) {
      if (sequenceDistance(this.#server.next, next) > 0) this.#server = { ...this.#server, next };
    } else if (has(segment, TCP_SYN | TCP_ACK)) {
      const stamp = timestampOf(segment) === undefined ? undefined : timestampOf(this.#opening);
      this.#receiver = new TcpReceiver(segment.ack, stamp);
      this.#server = { unacknowledged: next, next, acknowledgedBytes: 0 };
    }
  }
}
