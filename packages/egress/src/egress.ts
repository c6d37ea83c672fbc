// The contract of a way out: it takes finished packets from one memory and sends them.
import type { PacketList } from "@bunnel/device";

/** What a way out can do, as data. */
export interface EgressCapabilities {
  /** "raw-linux", "device", "memory"… */
  readonly name: string;
  /** Takes super-packets with a virtio_net_hdr in the ten octets before them, and partial checksums. */
  readonly vnetHeader: boolean;
}

/** What became of the packets: sent + the refused of every name = all that were given to it. */
export interface EgressCounters {
  readonly sent: number;
  /** By the system's name of the error: EPERM, EMSGSIZE, ENETUNREACH… */
  readonly refused: Readonly<Record<string, number>>;
}

/** What a way out is opened from in another thread; it can be cloned, and only its own file looks inside. */
export interface EgressHandOver {
  readonly egress: string;
  readonly [key: string]: string | number | boolean | undefined;
}

/** A way out for packets: in bursts, from where they lie in one memory. */
export interface Egress extends Disposable {
  readonly capabilities: EgressCapabilities;
  /**
   * Names the memory in which packets lie, and a range of it (octets) that the egress may use for its system calls,
   * at least 64 KiB.
   */
  attach(memory: ArrayBufferLike, scratchAt: number, scratchBytes: number): void;
  /**
   * Sends packets `from` up to `to` (not included). Never blocks. Returns how many were taken, in order from `from`:
   * sent, or refused and counted. Fewer than asked: the system's queue is full, try again.
   */
  send(list: PacketList, from: number, to: number): number;
  /** Packets refused, under whatever name: for who asks after each burst. */
  readonly refused: number;
  /** What became of the packets so far. */
  counters(): EgressCounters;
  /** Structured-cloneable; `openTransferred` of the same file takes it in another thread. */
  handOver(): EgressHandOver;
  /** Closes it. A second call does nothing. */
  close(): void;
}
