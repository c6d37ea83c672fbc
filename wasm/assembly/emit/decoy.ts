// What a fake carries: the message with another name of the same length in its place, zeros, random octets, or a
// payload
// of its own.
import { Decoy, LANE_SCRATCH, OpFlag } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { copy } from "../mem/copy";
import { lane } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Step } from "../plan/step";
import { fillRandom, nextRandom, seedOf } from "../wire/random";
import { fitPayload } from "./tls-payload";

const DOT: u8 = 46;
const LETTER_A: u8 = 97;
const LABEL_FILL: i32 = 32;

/** Address of the decoy's content; the step's `from` and `to` are offsets in it. It may lie in the scratch region. */
export function makeDecoy(m: Meta, message: Message, step: Step): usize {
  const at = lane + LANE_SCRATCH;
  const seed = seedOf(m.hash, m.seq);
  if (step.decoy == Decoy.Payload && step.isPattern == 0) return fitPayload(at, message, step, seed);
  const bytes = max<i32>(message.bytes, step.to);
  if (step.decoy == Decoy.Zeros) {
    memory.fill(at, 0, bytes);
  } else if (step.decoy == Decoy.Random) {
    fillRandom(at, bytes, seed);
  } else if (step.isPattern != 0) {
    fillPattern(at, bytes, m, step);
  } else {
    copy(at, message.at, message.bytes);
    if (message.hostOffset >= 0) {
      const host = at + <usize>message.hostOffset;
      if ((step.flags & OpFlag.RandomName) != 0) writeRandomName(host, message.hostBytes, seed);
      else writeName(host, message.hostBytes, step.nameAt, step.nameBytes);
    }
  }
  return at;
}

/** Whether the decoy is the message, whole, with another name in it: then it needs no place of its own. */
export function isRenamed(message: Message, step: Step): bool {
  if (step.from != 0 || step.to != message.bytes || message.hostOffset < 0) return false;
  return step.decoy == Decoy.Name && step.isPattern == 0;
}

/**
 * Writes the decoy's name into a copy of the message that lies at `at`. Returns what the copy's sum changes by, as a
 * sum to add: the old words, inverted, and the new ones (RFC 1624 equation 3).
 */
export function rename(at: usize, m: Meta, message: Message, step: Step): u64 {
  const host = at + <usize>message.hostOffset;
  if ((step.flags & OpFlag.RandomName) != 0) writeRandomName(host, message.hostBytes, seedOf(m.hash, m.seq));
  else writeName(host, message.hostBytes, step.nameAt, step.nameBytes);
  // Whole words of the message; its last one may have one octet only.
  const away = message.at - at;
  const end = host + <usize>message.hostBytes;
  let sum: u64 = 0;
  let p = at + <usize>(message.hostOffset & ~1);
  const last = at + <usize>message.bytes;
  for (; p < end && p + 16 <= last; p += 16) sum += changeOf(v128.load(p + away), v128.load(p));
  for (; p < end && p + 2 <= last; p += 2) {
    sum += <u64>load<u16>(p) + <u64>(<u32>load<u16>(p + away) ^ 0xffff);
  }
  if (p < end) sum += <u64>load<u8>(p) + <u64>(<u32>load<u8>(p + away) ^ 0xffff);
  return sum;
}

/** What a sum changes by when the one sixteen octets are put in the place of the other; never below 0. */
function changeOf(before: v128, after: v128): u64 {
  // The old ones are inverted. Words are widened, so that no lane overflows.
  const old = i32x4.extadd_pairwise_i16x8_u(v128.not(before));
  const sums = i32x4.add(old, i32x4.extadd_pairwise_i16x8_u(after));
  const halves = i64x2.add(i64x2.extend_low_i32x4_u(sums), i64x2.extend_high_i32x4_u(sums));
  return <u64>i64x2.extract_lane(halves, 0) + <u64>i64x2.extract_lane(halves, 1);
}

/** Fits the name into `room` octets: its end when it is longer, labels of a's before it when it is shorter. */
export function writeName(at: usize, room: i32, name: usize, bytes: i32): void {
  const tail = min<i32>(room, bytes);
  const fill = room - tail;
  copy(at + <usize>fill, name + <usize>(bytes - tail), tail);
  for (let i = 0; i < fill; i++) {
    const isEnd = i == fill - 1 && tail > 0 && i > 0;
    const isLabelEnd = (i & (LABEL_FILL - 1)) == LABEL_FILL - 1 && i < fill - 2;
    store<u8>(at + <usize>i, isEnd || isLabelEnd ? DOT : LETTER_A);
  }
  if (fill == 0 && load<u8>(at) == DOT) store<u8>(at, LETTER_A);
}

/** Random letters where the name has letters or digits; its dots stay, so that it is a name still. */
export function writeRandomName(at: usize, bytes: i32, seed: u32): void {
  let state = seed;
  for (let i = 0; i < bytes; i++) {
    state = nextRandom(state);
    if (load<u8>(at + <usize>i) != DOT) store<u8>(at + <usize>i, <u8>(LETTER_A + ((state >>> 8) % 26)));
  }
}

/** Fills octets with the step's pattern: its text again and again, random octets, or zeros. */
export function fillPattern(at: usize, bytes: i32, m: Meta, step: Step): void {
  if (step.decoy == Decoy.Random) {
    fillRandom(at, bytes, seedOf(m.hash, m.seq));
  } else if (step.decoy == Decoy.Payload && step.nameBytes > 0) {
    for (let done = 0; done < bytes; done += step.nameBytes) {
      memory.copy(at + <usize>done, step.nameAt, min<i32>(step.nameBytes, bytes - done));
    }
  } else {
    memory.fill(at, 0, bytes);
  }
}
