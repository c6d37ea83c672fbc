// The pump over io_uring: one system call for a burst. For few packets plain calls are cheaper, and for a single one
// faster by some microseconds there and back, so they go as in the plain pump. So do super-packets: copying one takes
// ten times as long as its call, and the rings hand them on less directly (13.6 Gbit/s by calls, 12.8 by the rings).
//
// How many reads are submitted follows what came before: one that finds nothing costs a third of a system call or more,
// and a burst that is cut short costs a whole one.
import { PACKET_MAX_BYTES } from "@bunnel/abi";
import type { PacketList } from "@bunnel/device";
import { AT_WORD, FIRST_WORD, GROUP_WORDS, iovecAt, OCTETS_WORD, PIECES_WORD, type PumpParts } from "./base.ts";
import { Outcome, outcomeOfRead, outcomeOfWrite } from "./outcome.ts";
import { PlainPump } from "./plain.ts";
import type { Merger, PumpPort } from "./pump.ts";
import { RING_ENTRIES, RING_READ, RING_WRITE, RING_WRITEV, type Submissions } from "./ring.ts";
import { areLarge } from "./spell.ts";

/** From so many packets on a burst goes by the rings. */
const RING_PACKETS_MIN = 4;

export class UringPump extends PlainPump {
  override readonly backend = "uring";
  readonly #ring: Submissions;
  readonly #octets: Uint8Array;

  constructor(parts: PumpParts, ring: Submissions) {
    super(parts);
    this.#ring = ring;
    this.#octets = new Uint8Array(parts.memory);
  }

  override read(port: number, list: PacketList, from: number, maxBytes: number): number {
    const place = this.portAt(port);
    const spell = this.spells[port];
    const room = list.at.length - from;
    const expected = Math.min(spell?.reads ?? 1, room);
    if (spell === undefined || expected < RING_PACKETS_MIN || spell.areLarge) {
      return super.read(port, list, from, maxBytes);
    }
    let tries = expected;
    let came = this.#readSome(place, list, from, tries, maxBytes);
    // More may wait as long as every read finds a packet.
    for (let found = came; found === tries && came < room; came += found) {
      tries = Math.min(2 * came + 1, room - came, RING_ENTRIES);
      found = this.#readSome(place, list, from + came, tries, maxBytes);
    }
    spell.note(came, octetsOf(list, from, from + came));
    this.readCount += came;
    return came;
  }

  /** Submits so many reads; returns how many packets came. */
  #readSome(place: PumpPort, list: PacketList, from: number, tries: number, maxBytes: number): number {
    const { fd, headerBytes } = place;
    const room = Math.min(maxBytes, PACKET_MAX_BYTES) + headerBytes;
    for (let i = from; i < from + tries; i++) {
      const start = list.at[i] ?? 0;
      this.mustLieInside(start, room - headerBytes, headerBytes);
      this.#ring.put(RING_READ, fd, start - headerBytes, room);
    }
    this.#ring.submit();
    return this.#take(place, list, from, tries);
  }

  /** Sets the lengths of what came, without gaps; returns how many. */
  #take(place: PumpPort, { at, lengths }: PacketList, from: number, tries: number): number {
    const { headerBytes } = place;
    const { results } = this.#ring;
    let next = from;
    for (let i = 0; i < tries; i++) {
      const bytes = results[i] ?? 0;
      if (bytes < headerBytes || bytes <= 0) {
        if (bytes < 0) outcomeOfRead(place, -bytes);
        continue;
      }
      // A packet that came right behind a read that found none.
      if (next !== from + i) this.#move((at[from + i] ?? 0) - headerBytes, (at[next] ?? 0) - headerBytes, bytes);
      lengths[next] = bytes - headerBytes;
      next++;
    }
    return next - from;
  }

  #move(source: number, target: number, bytes: number): void {
    this.#octets.copyWithin(target, source, source + bytes);
  }

  override write(port: number, list: PacketList, from: number, to: number): number {
    const packets = to - from;
    if (packets < RING_PACKETS_MIN || areLarge(packets, octetsOf(list, from, to))) {
      return super.write(port, list, from, to);
    }
    const place = this.portAt(port);
    const { fd, headerBytes } = place;
    const { at, lengths } = list;
    let next = from;
    while (next < to) {
      const count = Math.min(to - next, RING_ENTRIES);
      for (let i = next; i < next + count; i++) {
        const start = at[i] ?? 0;
        const bytes = lengths[i] ?? 0;
        this.mustLieInside(start, bytes, headerBytes);
        this.#ring.put(RING_WRITE, fd, start - headerBytes, bytes + headerBytes);
      }
      this.#ring.submit();
      const taken = this.#taken(place, count);
      for (let i = 0; i < taken; i++) {
        const result = this.#ring.results[i] ?? 0;
        if (result >= 0) this.writtenCount++;
        else this.refuse(-result, 1);
      }
      next += taken;
      if (taken < count) break;
    }
    return next - from;
  }

  override writeGroups(port: number, merger: Merger, count: number): number {
    if (count === 1) return super.writeGroups(port, merger, count);
    const place = this.groupPortAt(port);
    let next = 0;
    while (next < count) {
      const groups = Math.min(count - next, RING_ENTRIES);
      for (let group = next; group < next + groups; group++) this.#putGroup(place.fd, merger, group);
      this.#ring.submit();
      const taken = this.#taken(place, groups);
      for (let i = 0; i < taken; i++) {
        const result = this.#ring.results[i] ?? 0;
        if (result < 0) this.refuseGroup(place, merger, next + i, -result);
        else this.writtenCount += merger.groups.records[(next + i) * GROUP_WORDS + PIECES_WORD] ?? 0;
      }
      next += taken;
      if (taken < groups) break;
    }
    return next;
  }

  #putGroup(fd: number, merger: Merger, group: number): void {
    const { records } = merger.groups;
    const word = group * GROUP_WORDS;
    const pieces = records[word + PIECES_WORD] ?? 0;
    if (pieces === 1) {
      this.#ring.put(RING_WRITE, fd, records[word + AT_WORD] ?? 0, records[word + OCTETS_WORD] ?? 0);
    } else {
      this.#ring.put(RING_WRITEV, fd, iovecAt(merger, records[word + FIRST_WORD] ?? 0), pieces);
    }
  }

  /** How many of the last writes are done with: all but those at the end that found the queue full. */
  #taken(port: PumpPort, count: number): number {
    const { results } = this.#ring;
    let taken = 0;
    for (let i = 0; i < count; i++) {
      const result = results[i] ?? 0;
      if (result >= 0 || outcomeOfWrite(port, -result) === Outcome.Refused) taken = i + 1;
    }
    return taken;
  }

  protected override release(): void {
    super.release();
    this.#ring.close();
  }
}

function octetsOf({ lengths }: PacketList, from: number, to: number): number {
  let octets = 0;
  for (let i = from; i < to; i++) octets += lengths[i] ?? 0;
  return octets;
}
