// A client that sends one message in datagrams and waits for an answer: sent again after a silence that doubles, given
// up after some (RFC 9002 section 6.2 and RFC 1035 section 4.2.1 leave the times to the client).
import { decodePacket, PROTOCOL_UDP, udpPacket, verifyChecksums } from "@bunnel/wire";
import { concat } from "../octets.ts";
import { RetransmitTimer } from "../tcp/retransmission.ts";
import type { SegmentEnds } from "../tcp/segment-writer.ts";
import type { ClientState } from "./client.ts";
import type { Host } from "./host.ts";

export interface DatagramClientOptions extends SegmentEnds {
  /** The payloads that are sent first, in order, and what is sent after each answer but the last one. */
  readonly flights: readonly (readonly Uint8Array[])[];
  /** The answers, where nobody can forge them: others are ignored, as those to another connection are in QUIC. */
  readonly answers?: readonly Uint8Array[];
}

export class DatagramClient implements Host {
  readonly #options: DatagramClientOptions;
  readonly #timer = new RetransmitTimer();
  #state: ClientState = "sending";
  #received = new Uint8Array(0);
  #ipId = 1;
  #flight = 0;

  constructor(options: DatagramClientOptions) {
    this.#options = options;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** The answers, one behind the other. */
  get received(): Uint8Array {
    return this.#received;
  }

  get dueMs(): number | undefined {
    return this.#timer.dueMs;
  }

  start(nowMs: number): Uint8Array[] {
    this.#timer.start(nowMs);
    return this.#datagrams();
  }

  tick(nowMs: number): Uint8Array[] {
    const due = this.#timer.check(nowMs);
    if (due === "over") this.#state = "gave-up";
    return due === "repeat" ? this.#datagrams() : [];
  }

  receive(packet: Uint8Array, nowMs: number): Uint8Array[] {
    const { protocol, source, sourcePort, destinationPort, payload } = decodePacket(packet);
    const { destination, destinationPort: serverPort, sourcePort: ownPort } = this.#options;
    const isMine = source === destination && sourcePort === serverPort && destinationPort === ownPort;
    if (protocol !== PROTOCOL_UDP || !isMine || this.#state !== "sending") return [];
    if (verifyChecksums(packet).transport === false) return [];
    const expected = this.#options.answers?.[this.#flight];
    if (expected !== undefined && !Buffer.from(expected).equals(payload)) return [];
    this.#received = concat(this.#received, payload);
    this.#flight += 1;
    if (this.#flight < this.#options.flights.length) return this.start(nowMs);
    this.#state = "answered";
    this.#timer.stop();
    return [];
  }

  #datagrams(): Uint8Array[] {
    const { source, destination, sourcePort, destinationPort, flights } = this.#options;
    return (flights[this.#flight] ?? []).map((payload) => {
      this.#ipId = (this.#ipId + 1) & 0xffff;
      const ends = { source, destination, sourcePort, destinationPort };
      return udpPacket({ ...ends, payload, id: this.#ipId, dontFragment: false });
    });
  }
}
