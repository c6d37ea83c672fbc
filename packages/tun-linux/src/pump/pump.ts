// The contract of a pump: bursts of packets between descriptors and one memory, in as few system calls as may be.
//
// In:  1 `wait` sleeps until a port has packets · 2 `read` fills a list.
// Out: 3 `write` sends packets of a list, `writeGroups` what was merged of them, each group as one packet.
// A packet that was read is the caller's until he writes it; each that he writes is sent, or counted in `refused` under
// the system's name of the error, or stays his. One pump belongs to one thread.
import type { PacketList, Wake } from "@bunnel/device";

/** A descriptor that takes and gives one packet a call. */
export interface PumpPort {
  /** For messages. */
  readonly name: string;
  readonly fd: number;
  /** Octets that stand before each packet and go with it: 10 with a virtio_net_hdr. */
  readonly headerBytes: number;
  /** Whether `wait` ends when it has packets. Default true. */
  readonly polled?: boolean;
  /** What whoever wakes a thread looks at that sleeps in read(2) of it; without it none does. */
  readonly sleeper?: SharedArrayBuffer;
}

/** Packets that were merged: a group is written as one, out of pieces. See Group in `@bunnel/abi`. */
export interface PumpGroups {
  readonly records: Uint32Array;
  /** Where the iovecs lie in the memory. */
  readonly piecesAt: number;
  /** For each piece the packet that it comes from. */
  readonly order: Uint16Array;
}

/** Who merges: a lane of the engine. */
export interface Merger {
  /** The list whose packets it merges. */
  readonly tx: PacketList;
  readonly groups: PumpGroups;
  /** Merges packets `from` up to `to` (not included) of `tx`; returns how many groups there are. */
  coalesce(from: number, to: number, base: number, allowed: number): number;
  /** Takes one group apart: its packets are then whole in `tx`. */
  loosen(group: number): void;
}

/** Packets, not groups: read = written + refused of every name + what is still the caller's. */
export interface PumpCounters {
  readonly read: number;
  readonly written: number;
  /** By the system's name of the error. EAGAIN: the queue was full for this one, while later ones found room. */
  readonly refused: Readonly<Record<string, number>>;
}

/** "plain": a system call for each packet or group. "uring": one for a burst (io_uring(7)). */
export type PumpBackend = "plain" | "uring";

/**
 * Where `receive` sleeps. "poll": in poll(2), always. "read": in read(2) itself while packets come alone, one behind
 * the other, which spares each a system call; one thread alone then reads the device.
 */
export type PumpSleep = "poll" | "read";

/** Moves packets of several descriptors between the kernel and one memory, by plain calls or by io_uring. */
export interface Pump extends Disposable {
  readonly backend: PumpBackend;
  /** Why it is not "uring", in words; empty when it is, or was not asked to be. */
  readonly reason: string;
  /** "poll", too, where "read" was asked for and this process has no signal left for it. */
  readonly sleep: PumpSleep;
  /** The address of its memory in this process. */
  readonly base: number;
  /** Packets refused, under whatever name, since it was opened. */
  readonly refused: number;
  /** Packets that were merged and went one by one, because the system would not take the group. */
  readonly loosened: number;

  /**
   * Reads waiting packets of a port to `list.at[from…]`, at most `list.at.length - from` and at most `maxBytes` octets
   * each, and fills `list.lengths`. Never blocks. Returns how many came; 0: none waits.
   * @throws DeviceError E_DEVICE_GONE when the interface was deleted
   */
  read(port: number, list: PacketList, from: number, maxBytes: number): number;

  /**
   * Whether another `read` is worth its call before `wait`. False behind a packet that came alone, as those before it
   * did: whoever goes to sleep then saves a call that would find nothing, and is woken at once if something waits.
   */
  mayHaveMore(port: number): boolean;

  /**
   * Writes packets `from` up to `to` (not included). Never blocks. Returns how many were taken in order from `from`;
   * the rest stays the caller's.
   * @throws DeviceError E_DEVICE_GONE when the interface was deleted
   */
  write(port: number, list: PacketList, from: number, to: number): number;

  /**
   * Writes the first `count` groups of the merger. Never blocks. Returns how many were taken in order; of the rest no
   * packet was sent. A group that the system does not take as one goes packet by packet, behind later ones.
   * @throws DeviceError E_DEVICE_GONE when the interface was deleted
   */
  writeGroups(port: number, merger: Merger, count: number): number;

  /** Blocks the thread until a polled port has packets, `wake` is called or the time is over (-1: for ever). */
  wait(timeoutMs: number): Wake;

  /**
   * `read`, and where nothing waits `wait` and `read`, in as few system calls as may be; with `busyPollUs` it looks for
   * packets that long before it waits. Returns how many came; 0: the wait ended otherwise, and `woken` says how.
   */
  receive(port: number, list: PacketList, from: number, maxBytes: number, timeoutMs: number): number;

  /** How the last `receive` ended. */
  readonly woken: Wake;

  /** What it did so far. */
  counters(): PumpCounters;

  /** Gives back what the pump itself opened; the ports stay open. A second call does nothing. */
  close(): void;
}
