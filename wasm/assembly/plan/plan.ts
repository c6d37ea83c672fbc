// A plan says how a message leaves: steps in the order of sending. It starts as one step, and each technique is a pass
// over it. Emission executes it and decides nothing.
//
//   at the lane's plan region: | message 64 | plan 64 | steps … |
import { LANE_PLAN, PLAN_STEPS_MAX } from "@bunnel/abi/src/index";
import { clearRecord, copyRecord, swapRecords } from "../mem/copy";
import { lane } from "../mem/lane";
import { BELONGS_BEFORE, BELONGS_BEHIND, Step, STEP_BYTES, STEP_FAKE, STEP_REAL } from "./step";

/** Octets of a hop-by-hop header of padding alone (RFC 8200 section 4.3). */
export const HOP_BY_HOP_BYTES: i32 = 8;

const PLAN_AT: usize = 64;
const STEPS_AT: usize = 128;

@unmanaged
export class Plan {
  count: i32;
  /** Octets behind the IP header that the first fragment of each packet has; 0: no fragments. */
  fragmentBytes: i32;
  /** IPv6: a hop-by-hop header before the transport header. */
  hopByHop: u8;
  /** IpIdScheme */
  idScheme: u8;
  /** Traffic class of the real steps, where `hasTos` is set. */
  tos: u8;
  hasTos: u8;
  /** TCP window of the real steps, where `hasWindow` is set. */
  window: u16;
  hasWindow: u8;
  /** Window scale of a SYN plus one; 0: as it is. */
  windowScale: u8;
  /** MSS of a SYN; 0: as it is. */
  mss: u16;
  /** The packet goes nowhere. */
  isDropped: u8;
  /** The packet goes nowhere, because the host answers it. */
  isAnswered: u8;
  /** Datagrams may be cut: the packet is a super-packet of many. */
  cutsDatagrams: u8;
  /** Some step has, or had, an overlap. */
  hasOverlap: u8;

  static get current(): Plan {
    return changetype<Plan>(lane + LANE_PLAN + PLAN_AT);
  }

  step(i: i32): Step {
    return changetype<Step>(lane + LANE_PLAN + STEPS_AT + <usize>i * STEP_BYTES);
  }

  /** One step: all octets, for real. */
  start(bytes: i32): void {
    clearRecord(lane + LANE_PLAN + PLAN_AT);
    this.count = 1;
    this.step(0).start(0, bytes, STEP_REAL);
  }

  get realSteps(): i32 {
    let n = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.step(i).kind == STEP_REAL) n++;
    }
    return n;
  }

  /** Index of the first real step. */
  get firstReal(): i32 {
    let i = 0;
    while (i < this.count && this.step(i).kind != STEP_REAL) i++;
    return i;
  }

  /** Index of the first step that belongs to real octets: decoys that stand before all pieces go here. */
  get front(): i32 {
    let i = this.firstReal;
    while (i > 0 && this.step(i - 1).belongs == BELONGS_BEHIND) i--;
    return i;
  }

  /** Whether a real step's overlap lies on octets of the message itself. */
  get hasInnerOverlap(): bool {
    if (this.hasOverlap == 0) return false;
    for (let i = 0; i < this.count; i++) {
      const step = this.step(i);
      if (step.kind == STEP_REAL && step.overlap > 0 && step.from > 0) return true;
    }
    return false;
  }

  /** Index of the real step that has `offset` strictly inside; -1: none. */
  stepAround(offset: i32): i32 {
    for (let i = 0; i < this.count; i++) {
      const step = this.step(i);
      if (step.kind == STEP_REAL && step.from < offset && offset < step.to) return i;
    }
    return -1;
  }

  /** Makes room for one step at `i`; what the room holds is a copy of what stood there. False: the plan is full. */
  insert(i: i32): bool {
    const n = this.count;
    if (n >= PLAN_STEPS_MAX) return false;
    for (let j = n; j > i; j--) copyRecord(changetype<usize>(this.step(j)), changetype<usize>(this.step(j - 1)));
    this.count = n + 1;
    return true;
  }

  /** Cuts the real step around `offset` in two. False: there is none, or the plan is full. */
  cut(offset: i32): bool {
    const i = this.stepAround(offset);
    if (i < 0 || !this.insert(i)) return false;
    this.step(i).endAt(offset);
    this.step(i + 1).beginAt(offset);
    return true;
  }

  /**
   * Turns the order of the real steps, each with the decoys that belong to it; other decoys keep their places. False:
   * there are fewer than two.
   */
  reverseReal(): bool {
    const n = this.count;
    let real = 0;
    let first = -1;
    let last = 0;
    let belonging: u32 = 0;
    for (let i = 0; i < n; i++) {
      const step = this.step(i);
      const isReal = step.kind == STEP_REAL;
      if (!isReal && step.belongs == 0) continue;
      if (isReal) real++;
      if (first < 0) first = i;
      last = i;
      belonging |= step.belongs;
    }
    if (real < 2) return false;
    this.reverse(first, last);
    if (belonging != 0) this.turnGroups(first, last);
    return true;
  }

  /** Every group stands the wrong way round in itself. */
  private turnGroups(first: i32, last: i32): void {
    let start = first;
    while (start <= last) {
      let end = start;
      while (end < last && !this.endsGroup(end)) end++;
      this.reverse(start, end);
      start = end + 1;
    }
  }

  /** In a region that was turned round a group is: decoys that stood behind, the piece, decoys that stood before. */
  private endsGroup(i: i32): bool {
    const step = this.step(i);
    const next = this.step(i + 1);
    if (step.belongs == BELONGS_BEFORE) return false;
    return next.kind == STEP_REAL || next.belongs == BELONGS_BEFORE || next.belongs == 0;
  }

  private reverse(from: i32, to: i32): void {
    let i = from;
    let j = to;
    while (i < j) this.swap(i++, j--);
  }

  swap(i: i32, j: i32): void {
    swapRecords(changetype<usize>(this.step(i)), changetype<usize>(this.step(j)));
  }

  /** A decoy of the octets [from, to) at place `i`. False: the plan is full. */
  insertFake(i: i32, from: i32, to: i32): bool {
    if (i < this.count) {
      if (!this.insert(i)) return false;
    } else {
      if (this.count >= PLAN_STEPS_MAX) return false;
      this.count++;
    }
    this.step(i).start(from, to, STEP_FAKE);
    return true;
  }
}

if (offsetof<Plan>() > STEPS_AT - PLAN_AT) ERROR("Plan reaches into its steps");
if (STEP_BYTES != 64 || STEPS_AT - PLAN_AT != 64) ERROR("a plan and a step are copied and cleared as records");
