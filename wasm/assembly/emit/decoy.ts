// What a fake carries: the message with another name of the same length in its place, or nothing but zeros.
import { Decoy, LANE_SCRATCH } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { lane } from "../mem/lane";
import { Step } from "../plan/step";

const DOT: u8 = 46;
const LETTER_A: u8 = 97;
const LABEL_FILL: i32 = 32;

/** Lays the decoy of the whole message into the scratch region and returns its address. */
export function makeDecoy(message: Message, step: Step): usize {
  const at = lane + LANE_SCRATCH;
  if (step.decoy == Decoy.Zeros) {
    memory.fill(at, 0, message.bytes);
    return at;
  }
  memory.copy(at, message.at, message.bytes);
  writeName(at + <usize>message.hostOffset, message.hostBytes, step.nameAt, step.nameBytes);
  return at;
}

/** Fits the name into `room` octets: its end when it is longer, labels of a's before it when it is shorter. */
function writeName(at: usize, room: i32, name: usize, bytes: i32): void {
  const tail = min<i32>(room, bytes);
  const fill = room - tail;
  memory.copy(at + <usize>fill, name + <usize>(bytes - tail), tail);
  for (let i = 0; i < fill; i++) {
    const isEnd = i == fill - 1 && tail > 0 && i > 0;
    const isLabelEnd = i % LABEL_FILL == LABEL_FILL - 1 && i < fill - 2;
    store<u8>(at + <usize>i, isEnd || isLabelEnd ? DOT : LETTER_A);
  }
  if (fill == 0 && load<u8>(at) == DOT) store<u8>(at, LETTER_A);
}
