// A lane: one instance of the engine with its own slots, records and counters.
import {
  Answer,
  Coalesce,
  FLOW_BUCKETS_MAX,
  FLOW_WAYS,
  GROUP_BYTES,
  HOST_MAX_BYTES,
  LANE_BYTES,
  LANE_HOST,
  LANE_HOST_BYTES,
  LANE_METAS,
  LANE_NAME,
  LANE_OFFLOAD,
  LANE_QUEUE,
  LANE_QUEUE_BYTES,
  LANE_RINGS,
  LANE_RINGS_BYTES,
  LANE_RX_AT,
  LANE_RX_LENGTHS,
  LANE_RX_SLOTS,
  LANE_TX_AT,
  LANE_TX_DELAYS,
  LANE_TX_LENGTHS,
  LANE_WANTED,
  LANE_WORDS,
  LaneFlag,
  LANES_BASE,
  LANES_MAX,
  META_BYTES,
  META_L7,
  META_REASON,
  META_RULE,
  META_TX_COUNT,
  META_VERDICT,
  OFFLOAD_GROUPS,
  OFFLOAD_ORDER,
  OFFLOAD_PIECES,
  PACKET_MAX_BYTES,
  RX_MAX,
  SLOT_BIG_BYTES,
  SLOT_HEADROOM_BYTES,
  SLOT_SMALL_BYTES,
  SLOT_SMALL_PACKET_BYTES,
  TX_MAX,
  WORD_ANSWER,
  WORD_ANSWERED,
  WORD_ASKED,
  WORD_HELD,
  WORD_OPENED,
  WORD_TX_COUNT,
  WORD_WANTED,
} from "@bunnel/abi";
import type { LaneGroups } from "./groups.ts";
import { readMeta, type PacketMeta } from "./meta.ts";
import type { EngineExports } from "./module.ts";

/** How a lane works on packets. */
export interface LaneOptions {
  /** Octets of the largest packet that the way out takes. Default 1500. */
  readonly mtuBytes?: number;
  /** Packets come with a virtio_net_hdr in the ten octets before them. Default false. */
  readonly rxVnet?: boolean;
  /** The way out takes super-packets and partial checksums. Default false. */
  readonly txVnet?: boolean;
  /** Recognise messages and plan them. Default true. */
  readonly plan?: boolean;
  /** Keep flows. Default true. */
  readonly track?: boolean;
  /** Drop IPv6 packets of link-local scope. Default false. */
  readonly dropLinkScope?: boolean;
  /** Translate flows of stream rules, once `Translations` of the same memory are open. Default false. */
  readonly translate?: boolean;
  /**
   * Take out datagrams and echo requests that a rule has carried on by sockets: they lie where they came to, with
   * `Reason.ReplaceCarried`, until the next burst. Default false: they go as packets.
   */
  readonly carry?: boolean;
}

/** Packets in the engine's memory: where each starts, and its octets. */
export interface LaneList {
  readonly at: Uint32Array;
  readonly lengths: Uint16Array;
}

/** Finds the host name in a datagram that is encrypted with keys everybody can derive (RFC 9001 section 5.2). */
export interface NameFinder {
  /** What is known after this payload: a name; "incomplete": more is to come; "none": there is no name in it. */
  look(payload: Uint8Array, flow: bigint, nowMs: number): { readonly name: string } | "incomplete" | "none";
}

/** What the engine wants to know about one packet: whose name it carries, which only the host can decrypt. */
export interface Question {
  /** Index of the packet in the burst. */
  readonly packet: number;
  /** The payload of its datagram, as a view that is valid until the next poll. */
  readonly payload: Uint8Array;
  /** Keyed hash of its five-tuple. */
  readonly hash: bigint;
}

/** What `Engine` hands to each lane it opens. */
export interface LaneTable {
  readonly buckets: number;
  readonly seed: bigint;
}

/** Buckets that hold at least so many flows. */
export function bucketsFor(maxFlows: number): number {
  let buckets = 1;
  while (buckets * FLOW_WAYS < maxFlows && buckets < FLOW_BUCKETS_MAX) buckets *= 2;
  return buckets;
}

const NONE_WANTED: readonly number[] = [];

/** What one thread has of the engine: its lists of packets in and out, and the calls that work on them. */
export class Lane {
  /** Packets that come in: a driver fills the places that `at` names and sets `lengths`. */
  readonly rx: LaneList;
  /** Packets that go out after a poll, in order; valid until the next poll. */
  readonly tx: LaneList;
  /** Octets that fit at one place of `rx`. */
  readonly slotPacketBytes: number;
  /** A range of the memory for the host's own system calls. */
  readonly scratch: { readonly at: number; readonly bytes: number };
  /** A range of the memory, from a page on, for rings that the kernel shares with the host. */
  readonly rings: { readonly at: number; readonly bytes: number };
  /** What the last `coalesce` made of `tx`. */
  readonly groups: LaneGroups;
  /** A range of the memory for packets that wait until the way out takes them. */
  readonly queue: { readonly at: number; readonly bytes: number };
  /** Milliseconds that each packet of `tx` waits before it leaves; 0: at once. */
  readonly txDelaysMs: Uint16Array;
  readonly #words: Uint32Array;
  readonly #view: DataView;
  readonly #base: number;

  constructor(
    readonly index: number,
    readonly memory: SharedArrayBuffer,
    readonly exports: EngineExports,
    table: LaneTable,
    options: LaneOptions = {},
  ) {
    if (!Number.isInteger(index) || index < 0 || index >= LANES_MAX) {
      throw new RangeError(`lane number: expected 0..${LANES_MAX - 1}, found ${index}`);
    }
    const mtuBytes = options.mtuBytes ?? 1500;
    if (!Number.isInteger(mtuBytes) || mtuBytes < 68 || mtuBytes > PACKET_MAX_BYTES) {
      throw new RangeError(`lane MTU: expected 68..${PACKET_MAX_BYTES}, found ${mtuBytes}`);
    }
    this.#base = LANES_BASE + index * LANE_BYTES;
    this.#view = new DataView(memory);
    this.#words = new Uint32Array(memory, this.#base + LANE_WORDS, 16);
    this.rx = list(memory, this.#base + LANE_RX_AT, this.#base + LANE_RX_LENGTHS, RX_MAX);
    this.tx = list(memory, this.#base + LANE_TX_AT, this.#base + LANE_TX_LENGTHS, TX_MAX);
    this.txDelaysMs = new Uint16Array(memory, this.#base + LANE_TX_DELAYS, TX_MAX);
    this.scratch = { at: this.#base + LANE_HOST, bytes: LANE_HOST_BYTES };
    this.rings = { at: this.#base + LANE_RINGS, bytes: LANE_RINGS_BYTES };
    const offload = this.#base + LANE_OFFLOAD;
    this.groups = {
      records: new Uint32Array(memory, offload + OFFLOAD_GROUPS, (TX_MAX * GROUP_BYTES) / 4),
      piecesAt: offload + OFFLOAD_PIECES,
      order: new Uint16Array(memory, offload + OFFLOAD_ORDER, TX_MAX),
    };
    this.queue = { at: this.#base + LANE_QUEUE, bytes: LANE_QUEUE_BYTES };
    const isBig = options.rxVnet === true || mtuBytes > SLOT_SMALL_PACKET_BYTES;
    const stride = isBig ? SLOT_BIG_BYTES : SLOT_SMALL_BYTES;
    this.slotPacketBytes = isBig ? PACKET_MAX_BYTES : SLOT_SMALL_PACKET_BYTES;
    for (let i = 0; i < RX_MAX; i++) {
      this.rx.at[i] = this.#base + LANE_RX_SLOTS + i * stride + SLOT_HEADROOM_BYTES;
    }
    this.#words[WORD_OPENED / 4] = 1;
    const low = Number(table.seed & 0xffffffffn);
    exports.open(index, flagsOf(options), mtuBytes, table.buckets, low, Number((table.seed >> 32n) & 0xffffffffn));
  }

  /**
   * Works through packets `from` up to `to` (not included) of `rx` and lists what goes out in `tx`. Returns the index
   * behind the last packet done; less than `to`: send what is listed, answer what was asked, then poll again from
   * there.
   * `poll(0, 0, now)` releases what was held too long.
   * @param nowMs the host's clock in milliseconds, modulo 2^32
   */
  poll(from: number, to: number, nowMs: number): number {
    return this.exports.poll(from, to, nowMs);
  }

  /**
   * Polls until packets 0 up to `to` are done. `send` is called as often as `tx` has something that leaves; questions
   * are
   * answered by `names`, or with "none" where there is nobody to answer.
   */
  work(to: number, nowMs: number, send: () => void, names?: NameFinder): void {
    for (let done = 0; done < to;) {
      done = this.poll(done, to, nowMs);
      if (this.txCount > 0) send();
      const { question } = this;
      if (question) this.answer(question, names ? names.look(question.payload, question.hash, nowMs) : "none");
    }
  }

  /**
   * Merges packets `from` up to `to` (not included) of `tx`, for a device with segmentation offload: consecutive
   * segments
   * or datagrams of one flow become one super-packet. Packets of a flow keep their order. Cut again, the super-packets
   * give the same octets; only the identification of IPv4 packets with DF may differ, which has no meaning (RFC 6864).
   * The lane must be open with `txVnet`. Returns how many `groups` there are; they are valid until the next poll.
   * @param base the memory's address in this process, for the iovecs
   * @param allowed Coalesce bits. Default: TCP and UDP, appended only
   */
  coalesce(from: number, to: number, base: number, allowed: number = Coalesce.Tcp | Coalesce.Udp): number {
    return this.exports.coalesce(from, to, allowed, base >>> 0, Math.floor(base / 0x1_0000_0000));
  }

  /** Takes a group apart again: its packets are then whole where `tx` says, with complete checksums. */
  loosen(group: number): void {
    this.exports.loosen(group);
  }

  /**
   * Cuts the super-packet of `bytes` octets at `at`, a place of `rx`, by the virtio_net_hdr before it; the pieces are
   * then the whole of `tx`. Returns how many; 0: its header contradicts the packet; -1: `tx` has no room for them.
   */
  split(at: number, bytes: number): number {
    return this.exports.split(at, bytes);
  }

  /** Packets in `tx` since the last poll. */
  get txCount(): number {
    return this.#words[WORD_TX_COUNT / 4] ?? 0;
  }

  /** Translations whose SYNs are held, since the last call: each waits until `admit` says what its server answered. */
  wanted(): readonly number[] {
    const count = this.#words[WORD_WANTED / 4] ?? 0;
    if (count === 0) return NONE_WANTED;
    this.#words[WORD_WANTED / 4] = 0;
    return [...new Uint32Array(this.memory, this.#base + LANE_WANTED, count)];
  }

  /**
   * Answers for a SYN that is held; what leaves because of it is in `tx`. False: nobody waits there any more.
   * @param admission an Admission of @bunnel/abi
   */
  admit(translation: number, admission: number, nowMs: number): boolean {
    return this.exports.admit(translation, admission, nowMs) === 1;
  }

  /** Packets held for messages that are not whole yet. While it is not 0, poll again within a few milliseconds. */
  get heldCount(): number {
    return this.#words[WORD_HELD / 4] ?? 0;
  }

  /** What the last poll wants to know before it goes on; undefined: nothing. */
  get question(): Question | undefined {
    const packet = (this.#words[WORD_ASKED / 4] ?? 0) - 1;
    if (packet < 0) return undefined;
    const { payloadOffset, payloadBytes, hash } = this.meta(packet);
    const at = (this.rx.at[packet] ?? 0) + payloadOffset;
    return { packet, payload: new Uint8Array(this.memory, at, payloadBytes), hash };
  }

  /** Answers a question: the host name, "incomplete" when later packets have the rest, "none" when there is none. */
  answer(question: Question, name: { readonly name: string } | "incomplete" | "none"): void {
    let answer: number = Answer.None;
    if (name === "incomplete") answer = Answer.Incomplete;
    else if (name !== "none") {
      const octets = new TextEncoder().encode(name.name).subarray(0, HOST_MAX_BYTES);
      new Uint8Array(this.memory, this.#base + LANE_NAME, octets.length).set(octets);
      answer = octets.length;
    }
    this.#words[WORD_ANSWER / 4] = answer;
    this.#words[WORD_ANSWERED / 4] = question.packet + 1;
  }

  /** The reason of a packet of the burst (Reason): what `meta` tells of it, without making an object. */
  reason(i: number): number {
    return this.#view.getUint8(this.#base + LANE_METAS + i * META_BYTES + META_REASON);
  }

  /** The kind of message in a packet of the burst (L7): what `meta` tells of it, without making an object. */
  l7(i: number): number {
    return this.#view.getUint8(this.#base + LANE_METAS + i * META_BYTES + META_L7);
  }

  /** What was decided about a packet of the burst (Verdict): what `meta` tells of it, without making an object. */
  verdict(i: number): number {
    return this.#view.getUint8(this.#base + LANE_METAS + i * META_BYTES + META_VERDICT);
  }

  /** The rule that decided it, -1: none: what `meta` tells of it, without making an object. */
  rule(i: number): number {
    return this.#view.getUint16(this.#base + LANE_METAS + i * META_BYTES + META_RULE, true) - 1;
  }

  /** How many packets of `tx` stand for it: what `meta` tells of it, without making an object. */
  standIns(i: number): number {
    return this.#view.getUint16(this.#base + LANE_METAS + i * META_BYTES + META_TX_COUNT, true);
  }

  /** What the engine found in packet `i` of the last burst. */
  meta(i: number): PacketMeta {
    return readMeta(this.#view, this.#base + LANE_METAS + i * META_BYTES);
  }

  /** Copies a packet (and its virtio header, for a lane with `rxVnet`) to place `i`. */
  place(i: number, packet: Uint8Array, vnetHeader?: Uint8Array): void {
    const at = this.rx.at[i];
    if (at === undefined || packet.length > this.slotPacketBytes) {
      throw new RangeError(`packet of ${packet.length} octets: expected at most ${this.slotPacketBytes}`);
    }
    const octets = new Uint8Array(this.memory);
    octets.set(packet, at);
    octets.fill(0, at - 10, at);
    if (vnetHeader) octets.set(vnetHeader, at - vnetHeader.length);
    this.rx.lengths[i] = packet.length;
  }

  /** Copies of the packets that go out. */
  sent(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (let i = 0; i < this.txCount; i++) {
      const at = this.tx.at[i] ?? 0;
      packets.push(new Uint8Array(this.memory, at, this.tx.lengths[i] ?? 0).slice());
    }
    return packets;
  }
}

function list(memory: SharedArrayBuffer, at: number, lengths: number, count: number): LaneList {
  return { at: new Uint32Array(memory, at, count), lengths: new Uint16Array(memory, lengths, count) };
}

function flagsOf(options: LaneOptions): number {
  let flags = 0;
  if (options.rxVnet === true) flags |= LaneFlag.RxVnet;
  if (options.txVnet === true) flags |= LaneFlag.TxVnet;
  if (options.plan !== false) flags |= LaneFlag.Plan;
  if (options.track !== false) flags |= LaneFlag.Track;
  if (options.dropLinkScope === true) flags |= LaneFlag.DropLinkScope;
  if (options.translate === true) flags |= LaneFlag.Translate;
  if (options.carry === true) flags |= LaneFlag.Carry;
  return flags;
}
