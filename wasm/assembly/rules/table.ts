// The rule table in force. The host writes a table beside the active one and then swaps one word, so that a burst sees
// either the old rules or the new ones. A lane says which table it works with, and to that one the host does not write.
// The host has checked the table's offsets; the engine reads it as it is.
import {
  ADDRESS_SET_BYTES,
  CONTROL_BASE,
  CONTROL_RULES,
  HEADER_ADDRESS_SETS_AT,
  HEADER_FILTER_BITS,
  HEADER_HOSTS_AT,
  HEADER_HOSTS_MASK,
  HEADER_L7_MASK,
  HEADER_RULE_COUNT,
  HEADER_RULES_AT,
  HEADER_STRATEGIES_AT,
  LANE_WORDS,
  HOST_FILTER_AT,
  HOST_FILTER_MULTIPLIER,
  OP_AUTO_DELTA,
  OP_AUTO_MAX,
  OP_AUTO_MIN,
  OP_BYTES,
  OP_DECOY,
  OP_FLAGS,
  OP_FOOLINGS,
  OP_NAME_AT,
  OP_NAME_BYTES,
  OP_POINT_COUNT,
  OP_POINTS,
  OP_REPEATS,
  OP_TECHNIQUE,
  OP_TS_SHIFT,
  OP_TTL,
  OP_VALUE,
  OP_VALUE2,
  OP_WORD,
  POINT_BYTES,
  RULE_BYTES,
  STRATEGY_BYTES,
  STRATEGY_OP_COUNT,
  STRATEGY_OPS_AT,
  WORD_RULES,
} from "@bunnel/abi/src/index";
import { lane } from "../mem/lane";

/** Tries to say which table we work with before the next swap. A swap takes far longer than a try. */
const ENTER_TRIES_MAX: i32 = 1000;

/** The table in force, which stays as it is until `leaveRules`; 0: none. */
export function enterRules(): usize {
  const said = lane + LANE_WORDS + WORD_RULES;
  for (let i = 0; i < ENTER_TRIES_MAX; i++) {
    const table = atomic.load<u32>(CONTROL_BASE + CONTROL_RULES);
    atomic.store<u32>(said, table);
    // Swapped in between, the host may not have seen what we said.
    if (atomic.load<u32>(CONTROL_BASE + CONTROL_RULES) == table) return table;
  }
  leaveRules();
  return 0;
}

/** From here on the host may write over the table. */
export function leaveRules(): void {
  atomic.store<u32>(lane + LANE_WORDS + WORD_RULES, 0);
}

/** Bit 1 << L7 for each kind of message that some rule asks for. */
export function wantedKinds(table: usize): u32 {
  return load<u32>(table + HEADER_L7_MASK);
}

/** Address set `i`, from 1. */
export function addressSetAt(table: usize, i: u32): usize {
  return table + load<u32>(table + HEADER_ADDRESS_SETS_AT) + <usize>(i - 1) * ADDRESS_SET_BYTES;
}

export function ruleCount(table: usize): i32 {
  return load<i32>(table + HEADER_RULE_COUNT);
}

export function ruleAt(table: usize, i: i32): usize {
  return table + load<u32>(table + HEADER_RULES_AT) + <usize>i * RULE_BYTES;
}

export function hostPlacesAt(table: usize): usize {
  return table + load<u32>(table + HEADER_HOSTS_AT);
}

export function hostPlacesMask(table: usize): u32 {
  return load<u32>(table + HEADER_HOSTS_MASK);
}

/** Whether no host set has a name with this hash, as far as the filter tells. */
export function isFilteredOut(table: usize, hash: u32): bool {
  const bits = load<u32>(table + HEADER_FILTER_BITS);
  if (bits == 0) return false;
  const bit = (hash * HOST_FILTER_MULTIPLIER) >>> (32 - bits);
  return ((load<u8>(table + HOST_FILTER_AT + (bit >>> 3)) >>> (bit & 7)) & 1) == 0;
}

export function strategyAt(table: usize, i: u32): usize {
  return table + load<u32>(table + HEADER_STRATEGIES_AT) + <usize>i * STRATEGY_BYTES;
}

export function opCount(strategy: usize): i32 {
  return load<u8>(strategy + STRATEGY_OP_COUNT);
}

/** One technique of a strategy, with its parameters. */
@unmanaged
export class Operation {
  static at(table: usize, strategy: usize, i: i32): Operation {
    return changetype<Operation>(table + load<u32>(strategy + STRATEGY_OPS_AT) + <usize>i * OP_BYTES);
  }
  get ptr(): usize {
    return changetype<usize>(this);
  }
  get technique(): u32 {
    return load<u8>(this.ptr + OP_TECHNIQUE);
  }
  get pointCount(): i32 {
    return load<u8>(this.ptr + OP_POINT_COUNT);
  }
  get foolings(): u32 {
    return load<u16>(this.ptr + OP_FOOLINGS);
  }
  get ttl(): u32 {
    return load<u8>(this.ptr + OP_TTL);
  }
  get repeats(): i32 {
    return load<u8>(this.ptr + OP_REPEATS);
  }
  get decoy(): u32 {
    return load<u8>(this.ptr + OP_DECOY);
  }
  /** Offset of the decoy's host name in the table. */
  get nameAt(): u32 {
    return load<u32>(this.ptr + OP_NAME_AT);
  }
  get nameBytes(): i32 {
    return load<u16>(this.ptr + OP_NAME_BYTES);
  }
  /** OpFlag bits */
  get flags(): u32 {
    return load<u8>(this.ptr + OP_FLAGS);
  }
  get word(): u32 {
    return load<u16>(this.ptr + OP_WORD);
  }
  get value(): i32 {
    return load<i32>(this.ptr + OP_VALUE);
  }
  get value2(): i32 {
    return load<i32>(this.ptr + OP_VALUE2);
  }
  get tsShift(): i32 {
    return load<i32>(this.ptr + OP_TS_SHIFT);
  }
  get autoDelta(): i32 {
    return load<i8>(this.ptr + OP_AUTO_DELTA);
  }
  get autoMin(): u32 {
    return load<u8>(this.ptr + OP_AUTO_MIN);
  }
  get autoMax(): u32 {
    return load<u8>(this.ptr + OP_AUTO_MAX);
  }
  marker(i: i32): u32 {
    return load<u8>(this.ptr + OP_POINTS + <usize>i * POINT_BYTES);
  }
  offset(i: i32): i32 {
    return load<i16>(this.ptr + OP_POINTS + <usize>i * POINT_BYTES + 2);
  }
}
