// Changes of an HTTP request that keep its length. They work on a copy: the packet that came in stays as it was.
import { HttpTrick, LANE_SCRATCH, L7 } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { lane } from "../mem/lane";
import { Operation } from "../rules/table";

/** The changed message lies in the second half of the scratch region; the first is for decoys. */
const CHANGED: usize = 0x10000;
const SPACE: u8 = 32;
const CR: u32 = 13;
const LF: u32 = 10;
const CASE_BIT: u8 = 32;
/** `user-agent:` as it lies in memory, in words. */
const USER: u32 = 0x72657375;
const AGEN: u32 = 0x6567612d;
const NT: u32 = 0x746e;
const COLON: u8 = 58;
const LOWER: u32 = 0x20202020;

export function httpTrick(message: Message, op: Operation): bool {
  if (message.l7 != L7.Http || message.hostOffset < 0 || message.bytes > <i32>CHANGED) return false;
  const at = lane + LANE_SCRATCH + CHANGED;
  if (message.at != at) memory.copy(at, message.at, message.bytes);
  message.at = at;
  message.hostAt = at + <usize>message.hostOffset;
  const tricks = <u32>op.value;
  let acted = false;
  if ((tricks & HttpTrick.HostCase) != 0 && writeHostWord(message, 0x74736f68)) acted = true; // host
  if ((tricks & HttpTrick.HostMixed) != 0 && writeHostWord(message, 0x74536f68)) acted = true; // hoSt
  if ((tricks & HttpTrick.DomainCase) != 0 && mixCase(message)) acted = true;
  if ((tricks & HttpTrick.HostNoSpace) != 0 && dropHostSpace(message)) acted = true;
  if ((tricks & HttpTrick.UnixEol) != 0 && unixEol(message)) acted = true;
  return acted;
}

/** Where the line of the Host header starts. */
function hostLine(message: Message): usize {
  let p = message.hostAt;
  while (p > message.at && load<u8>(p - 1) != LF) p--;
  return p;
}

function writeHostWord(message: Message, word: u32): bool {
  store<u32>(hostLine(message), word);
  return true;
}

/** Every second letter of the name in upper case. */
function mixCase(message: Message): bool {
  for (let i = 1; i < message.hostBytes; i += 2) {
    const p = message.hostAt + <usize>i;
    const c = load<u8>(p);
    if (c >= 97 && c <= 122) store<u8>(p, c & ~CASE_BIT);
  }
  return true;
}

/** The space behind `Host:` goes to the end of the User-Agent, so that the length stays. */
function dropHostSpace(message: Message): bool {
  const space = message.hostAt - 1;
  if (load<u8>(space) != SPACE) return false;
  const end = userAgentEnd(message);
  if (end == 0) return false;
  if (end > space) {
    memory.copy(space, space + 1, end - space - 1);
    store<u8>(end - 1, SPACE);
    message.hostAt--;
    message.hostOffset--;
  } else {
    memory.copy(end + 1, end, space - end);
    store<u8>(end, SPACE);
  }
  return true;
}

/** Lines end with a line feed alone; as many spaces go to the end of the User-Agent. */
function unixEol(message: Message): bool {
  const agentEnd = userAgentEnd(message);
  if (agentEnd == 0) return false;
  const end = message.at + <usize>message.bytes;
  const headEnd = emptyLineEnd(message.at, end);
  if (headEnd == 0) return false;
  let saved = 0;
  for (let p = message.at; p < headEnd; p++) {
    if (load<u8>(p) == CR && p + 1 < headEnd && load<u8>(p, 1) == LF) saved++;
  }
  const scratch = lane + LANE_SCRATCH;
  let q = scratch;
  let hostOffset = message.hostOffset;
  for (let p = message.at; p < headEnd; p++) {
    if (p == agentEnd) {
      memory.fill(q, SPACE, saved);
      q += <usize>saved;
    }
    if (p == message.hostAt) hostOffset = <i32>(q - scratch);
    if (load<u8>(p) != CR || p + 1 >= headEnd || load<u8>(p, 1) != LF) {
      store<u8>(q, load<u8>(p));
      q++;
    }
  }
  memory.copy(message.at, scratch, q - scratch);
  message.hostOffset = hostOffset;
  message.hostAt = message.at + <usize>hostOffset;
  return saved > 0;
}

/** Behind the empty line that ends the head; 0: it is not in this message. */
function emptyLineEnd(at: usize, end: usize): usize {
  for (let p = at; p + 4 <= end; p++) {
    if (load<u32>(p) == 0x0a0d0a0d) return p + 4;
  }
  return 0;
}

/** Behind the value of the User-Agent header, at its line's end; 0: there is none. */
function userAgentEnd(message: Message): usize {
  const whole = message.at + <usize>message.bytes;
  const headEnd = emptyLineEnd(message.at, whole);
  const end = headEnd != 0 ? headEnd : whole;
  for (let p = message.at; p + 12 < end; p++) {
    if (load<u8>(p) != LF || (load<u32>(p, 1) | LOWER) != USER || (load<u32>(p, 5) | LOWER) != AGEN) continue;
    if ((load<u16>(p, 9) | <u16>LOWER) != <u16>NT || load<u8>(p, 11) != COLON) continue;
    let q = p + 12;
    while (q < end && load<u8>(q) != CR && load<u8>(q) != LF) q++;
    return q < end ? q : 0;
  }
  return 0;
}
