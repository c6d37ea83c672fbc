// The host's end: a query is read out of its packet, answered, and the answer goes to its sender as its server would
// have sent it. It leaves by a raw socket to an address of this machine and arrives through the loopback interface.
import type { PacketList } from "@bunnel/device";
import type { Egress } from "@bunnel/egress";
import { decodePacket, formatAddress, PROTOCOL_UDP, udpPacket, type DecodedPacket } from "@bunnel/wire";
import type { AnswerDns, DnsServer, TakenQuery } from "./taken-query.ts";

const SCRATCH_BYTES = 65536;
/** Behind the scratch range, with room for a virtio header before it. */
const PACKET_AT = SCRATCH_BYTES + 64;
const MEMORY_BYTES = PACKET_AT + 65536;

/** Figures of the answering. */
export interface QueryFigures {
  readonly queriesTaken: number;
  readonly queriesAnswered: number;
}

export class QueryAnswers {
  readonly #octets: Uint8Array;
  readonly #list: PacketList = { at: Uint32Array.of(PACKET_AT), lengths: new Uint16Array(1) };
  #taken = 0;
  #answered = 0;
  #isClosed = false;

  /** @param egress a way out of its own, which delivers to this machine too */
  constructor(
    readonly egress: Egress,
    readonly answer: AnswerDns,
  ) {
    const memory = new ArrayBuffer(MEMORY_BYTES);
    this.#octets = new Uint8Array(memory);
    egress.attach(memory, 0, SCRATCH_BYTES);
  }

  get figures(): QueryFigures {
    return { queriesTaken: this.#taken, queriesAnswered: this.#answered };
  }

  /** Answers a query in its own time. */
  take(query: TakenQuery): void {
    this.#taken++;
    void this.#take(query).catch(() => undefined);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.egress.close();
  }

  async #take({ packet, resolver }: TakenQuery): Promise<void> {
    const decoded = decodePacket(packet);
    if (decoded.family === 0 || decoded.protocol !== PROTOCOL_UDP) return;
    const server = { address: decoded.destination, port: decoded.destinationPort };
    const named = resolver && serverOf(resolver);
    const query = decoded.payload;
    const message = await this.answer(named === undefined ? { query, server } : { query, server, resolver: named });
    if (message !== undefined) this.#send(answerPacket(decoded, message));
  }

  #send(packet: Uint8Array): void {
    if (this.#isClosed) return;
    this.#octets.set(packet, PACKET_AT);
    // No offload: a way out that takes a virtio header finds an empty one.
    this.#octets.fill(0, PACKET_AT - 16, PACKET_AT);
    this.#list.lengths[0] = packet.length;
    const { refused } = this.egress;
    const taken = this.egress.send(this.#list, 0, 1);
    if (taken === 1 && this.egress.refused === refused) this.#answered++;
  }
}

/** Address and port as they stand in a rule table. */
function serverOf(octets: Uint8Array): DnsServer {
  const [high = 0, low = 0] = octets.subarray(-2);
  return { address: formatAddress(octets.slice(0, -2)), port: (high << 8) | low };
}

/** The datagram that answers the one in `query`. */
export function answerPacket(query: DecodedPacket, payload: Uint8Array): Uint8Array {
  return udpPacket({
    source: query.destination,
    destination: query.source,
    sourcePort: query.destinationPort,
    destinationPort: query.sourcePort,
    payload,
  });
}
