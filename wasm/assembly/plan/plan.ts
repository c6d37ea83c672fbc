// A plan says how a message leaves: steps in the order of sending. It starts as one step, and each technique is a pass
// over it. Emission executes it and decides nothing.
import { LANE_PLAN, PLAN_STEPS_MAX } from "@bunnel/abi/src/index";
import { lane } from "../mem/lane";
import { Step, STEP_BYTES, STEP_FAKE, STEP_REAL } from "./step";

// Behind the message record, at the lane's plan region: | message 64 | count 4 | spare 60 | steps … |
const PLAN_COUNT: usize = 64;
const PLAN_STEPS: usize = 128;

@unmanaged
export class Plan {
  static get current(): Plan {
    return changetype<Plan>(lane + LANE_PLAN);
  }
  get count(): i32 {
    return load<i32>(changetype<usize>(this) + PLAN_COUNT);
  }
  set count(value: i32) {
    store<i32>(changetype<usize>(this) + PLAN_COUNT, value);
  }

  step(i: i32): Step {
    return changetype<Step>(changetype<usize>(this) + PLAN_STEPS + <usize>i * STEP_BYTES);
  }

  /** One step: all octets, for real. */
  start(bytes: i32): void {
    this.count = 1;
    const first = this.step(0);
    first.from = 0;
    first.to = bytes;
    first.kind = <u8>STEP_REAL;
    first.foolings = 0;
    first.ttl = 0;
    first.decoy = 0;
    first.nameAt = 0;
    first.nameBytes = 0;
  }

  get realSteps(): i32 {
    let n = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.step(i).kind == STEP_REAL) n++;
    }
    return n;
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
    const at = changetype<usize>(this.step(i));
    memory.copy(at + STEP_BYTES, at, <usize>(n - i) * STEP_BYTES);
    this.count = n + 1;
    return true;
  }

  /** Cuts the real step around `offset` in two. False: there is none, or the plan is full. */
  cut(offset: i32): bool {
    const i = this.stepAround(offset);
    if (i < 0 || !this.insert(i)) return false;
    this.step(i).to = offset;
    this.step(i + 1).from = offset;
    return true;
  }

  /** Turns the order of the real steps; decoys keep their places. */
  reverseReal(): void {
    let i = 0;
    let j = this.count - 1;
    while (i < j) {
      const a = this.step(i);
      const b = this.step(j);
      if (a.kind != STEP_REAL) {
        i++;
      } else if (b.kind != STEP_REAL) {
        j--;
      } else {
        const from = a.from;
        const to = a.to;
        a.from = b.from;
        a.to = b.to;
        b.from = from;
        b.to = to;
        i++;
        j--;
      }
    }
  }

  /** A decoy of the octets [from, to) at place `i`. False: the plan is full. */
  insertFake(i: i32, from: i32, to: i32): bool {
    if (!this.insert(i)) return false;
    const step = this.step(i);
    step.from = from;
    step.to = to;
    step.kind = <u8>STEP_FAKE;
    return true;
  }
}
