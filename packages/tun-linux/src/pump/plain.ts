// The pump that every kernel has: a system call for each packet or group.
import { PACKET_MAX_BYTES } from "@bunnel/abi";
import { Wake, type PacketList } from "@bunnel/device";
import { EINTR_RETRIES_MAX } from "../sys.ts";
import {
  AT_WORD,
  FIRST_WORD,
  GROUP_WORDS,
  iovecAt,
  OCTETS_WORD,
  PIECES_WORD,
  PumpBase,
  type PumpParts,
} from "./base.ts";
import { Outcome, outcomeOfRead, outcomeOfWrite } from "./outcome.ts";
import type { LoneSleep } from "./lone-sleep.ts";
import type { Merger, PumpBackend, PumpSleep } from "./pump.ts";
import { Spell } from "./spell.ts";
import { errno } from "./sys.ts";

/** Reads that are tried between two looks at the clock and at whoever wakes. */
const BUSY_READS = 8;
/**
 * A burst ends with the packet that reaches so much: what is read is written soon, and should still lie in the
 * processor's cache then. Sixty-four super-packets of 64 KiB would not.
 */
const BURST_OCTETS = 0x20000;
const NS_PER_US = 1000;
const US_PER_MS = 1000;

export class PlainPump extends PumpBase {
  readonly backend: PumpBackend = "plain";
  readonly sleep: PumpSleep;
  protected readonly spells: readonly Spell[];
  readonly #asleep: LoneSleep | undefined;
  readonly #busyPollUs: number;
  /** How many packets the last `receive` gave. */
  #came = 0;
  #woken = Wake.Timeout;

  constructor(parts: PumpParts) {
    super(parts);
    this.spells = parts.ports.map(() => new Spell());
    this.#asleep = parts.sleep;
    this.#busyPollUs = parts.busyPollUs ?? 0;
    this.sleep = parts.sleep ? "read" : "poll";
  }

  read(port: number, list: PacketList, from: number, maxBytes: number): number {
    const place = this.portAt(port);
    if (this.#asleep?.isOn === true) this.#asleep.end();
    const { fd, headerBytes } = place;
    const { at, lengths } = list;
    const base = this.base - headerBytes;
    const room = (maxBytes < PACKET_MAX_BYTES ? maxBytes : PACKET_MAX_BYTES) + headerBytes;
    let interrupted = 0;
    let octets = 0;
    const spell = this.spells[port];
    let end = at.length;
    if (spell !== undefined && spell.reads === 1 && end > from) end = from + 1;
    let i = from;
    while (i < end && octets < BURST_OCTETS) {
      const start = at[i] ?? 0;
      this.mustLieInside(start, room - headerBytes, headerBytes);
      const bytes = this.calls.read(fd, base + start, room);
      if (bytes >= headerBytes && bytes > 0) {
        lengths[i] = bytes - headerBytes;
        octets += bytes;
        i++;
      } else if (bytes >= 0 || !mayReadAgain(outcomeOfRead(place, errno()), interrupted++)) {
        break;
      }
    }
    spell?.note(i - from, octets);
    this.readCount += i - from;
    return i - from;
  }

  mayHaveMore(port: number): boolean {
    return this.spells[port]?.mayHaveMore ?? true;
  }

  get woken(): Wake {
    return this.#woken;
  }

  receive(port: number, list: PacketList, from: number, maxBytes: number, timeoutMs: number): number {
    const asleep = this.#asleep;
    this.#woken = Wake.Readable;
    if (asleep !== undefined && asleep.port === port && timeoutMs < 0 && from < list.at.length) {
      if (asleep.begin() && this.#readAsleep(port, list, from, maxBytes)) return 1;
    }
    let came = 0;
    if (asleep?.isOn === true) {
      // More waits, somebody woke us, the device has gone, or a signal came: poll(2) tells which.
      asleep.end();
      this.spells[port]?.expectMore();
    } else if (this.mayHaveMore(port)) {
      came = this.read(port, list, from, maxBytes);
    }
    let leftMs = timeoutMs;
    if (came === 0 && this.#mayBusyPoll(timeoutMs)) {
      came = this.#busyPoll(port, list, from, maxBytes);
      // Rather a moment longer than asked for than less.
      if (leftMs > 0) leftMs -= Math.floor(this.#busyPollUs / US_PER_MS);
    }
    if (came === 0 && this.#woken === Wake.Readable) {
      this.#woken = this.wait(leftMs);
      if (this.#woken === Wake.Readable) came = this.read(port, list, from, maxBytes);
    }
    asleep?.note(came);
    this.#came = came;
    return came;
  }

  /** Only behind packets: a thread that has waited in vain sleeps at once the next time. */
  #mayBusyPoll(timeoutMs: number): boolean {
    if (this.#busyPollUs === 0 || this.#came === 0) return false;
    return timeoutMs < 0 || timeoutMs * US_PER_MS > this.#busyPollUs;
  }

  /** Tries reads until one finds something, somebody wakes us, or the time for it is over. */
  #busyPoll(port: number, list: PacketList, from: number, maxBytes: number): number {
    this.#rest();
    const end = Bun.nanoseconds() + this.#busyPollUs * NS_PER_US;
    do {
      for (let i = 0; i < BUSY_READS; i++) {
        const came = this.read(port, list, from, maxBytes);
        if (came > 0) return came;
      }
      const woken = super.wait(0);
      if (woken === Wake.Readable) return this.read(port, list, from, maxBytes);
      if (woken !== Wake.Timeout) {
        this.#woken = woken;
        return 0;
      }
    } while (Bun.nanoseconds() < end);
    return 0;
  }

  /** One read that sleeps until there is a packet. False: it ended otherwise. */
  #readAsleep(port: number, { at, lengths }: PacketList, from: number, maxBytes: number): boolean {
    const { fd, headerBytes } = this.portAt(port);
    const room = (maxBytes < PACKET_MAX_BYTES ? maxBytes : PACKET_MAX_BYTES) + headerBytes;
    const start = at[from] ?? 0;
    this.mustLieInside(start, room - headerBytes, headerBytes);
    const bytes = this.calls.read(fd, this.base + start - headerBytes, room);
    if (bytes <= 0 || bytes < headerBytes) return false;
    lengths[from] = bytes - headerBytes;
    this.readCount++;
    return true;
  }

  override wait(timeoutMs: number): Wake {
    this.#rest();
    return super.wait(timeoutMs);
  }

  #rest(): void {
    for (let i = 0; i < this.spells.length; i++) this.spells[i]?.rest();
  }

  write(port: number, list: PacketList, from: number, to: number): number {
    const place = this.portAt(port);
    const { fd, headerBytes } = place;
    const { at, lengths } = list;
    const base = this.base - headerBytes;
    let interrupted = 0;
    let refused = 0;
    let i = from;
    while (i < to) {
      const start = at[i] ?? 0;
      const bytes = lengths[i] ?? 0;
      this.mustLieInside(start, bytes, headerBytes);
      if (this.calls.write(fd, base + start, bytes + headerBytes) < 0) {
        const error = errno();
        const outcome = outcomeOfWrite(place, error);
        if (outcome === Outcome.Again && interrupted++ < EINTR_RETRIES_MAX) continue;
        if (outcome !== Outcome.Refused) break;
        this.refuse(error, 1);
        refused++;
      }
      i++;
    }
    this.writtenCount += i - from - refused;
    return i - from;
  }

  writeGroups(port: number, merger: Merger, count: number): number {
    const place = this.groupPortAt(port);
    const { records } = merger.groups;
    let interrupted = 0;
    let group = 0;
    while (group < count) {
      const word = group * GROUP_WORDS;
      const pieces = records[word + PIECES_WORD] ?? 0;
      const written =
        pieces === 1
          ? this.calls.write(place.fd, this.base + (records[word + AT_WORD] ?? 0), records[word + OCTETS_WORD] ?? 0)
          : this.calls.writev(place.fd, this.base + iovecAt(merger, records[word + FIRST_WORD] ?? 0), pieces);
      if (written < 0) {
        const error = errno();
        const outcome = outcomeOfWrite(place, error);
        if (outcome === Outcome.Again && interrupted++ < EINTR_RETRIES_MAX) continue;
        if (outcome !== Outcome.Refused) break;
        this.refuseGroup(place, merger, group, error);
      } else {
        this.writtenCount += pieces;
      }
      group++;
    }
    return group;
  }

  protected release(): void {
    this.#asleep?.end();
  }
}

function mayReadAgain(outcome: Outcome, interrupted: number): boolean {
  return outcome === Outcome.Again && interrupted < EINTR_RETRIES_MAX;
}
