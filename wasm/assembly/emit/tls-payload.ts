// A ClientHello of our own as a decoy, made to look more like the true one.
import { L7, OpFlag } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { EXTENSION_HEADER_BYTES, readTlsHello, RECORD_MAX_BYTES } from "../l7/tls-hello";
import { Step } from "../plan/step";
import { be16, be24, setBe16 } from "../wire/be";
import { nextRandom } from "../wire/random";

const SESSION_ID: i32 = 43;
const SESSION_ID_BYTES: u32 = 32;
const RECORD_LENGTH: i32 = 3;
const HANDSHAKE_LENGTH: i32 = 6;
const EXTENSION_PADDING: u32 = 21;
const DOT: u8 = 46;
const LETTER_A: u32 = 97;

/**
 * Address of the payload; where the step asks for a change and the payload is a hello, of a changed copy at `scratch`.
 */
export function fitPayload(scratch: usize, message: Message, step: Step, seed: u32): usize {
  const flags: u32 = step.flags;
  const wanted = flags & (OpFlag.DupSessionId | OpFlag.PadEncap | OpFlag.RandomName);
  const bytes = step.nameBytes;
  if (wanted == 0 || bytes > RECORD_MAX_BYTES) return step.nameAt;
  memory.copy(scratch, step.nameAt, bytes);
  // Whatever the payload is, what lay there before must not leave.
  if (step.to > bytes) memory.fill(scratch + <usize>bytes, 0, step.to - bytes);
  const own = Message.spare;
  own.start(scratch, bytes);
  if (!readTlsHello(scratch, bytes, own) || bytes < SESSION_ID + 1 + <i32>SESSION_ID_BYTES) return scratch;
  if ((flags & OpFlag.DupSessionId) != 0 && message.l7 == L7.Tls) copySessionId(scratch, message);
  if ((flags & OpFlag.RandomName) != 0) randomName(own, seed);
  if (step.to > bytes) pad(scratch, bytes, step.to);
  return scratch;
}

/** The true session id: what a box takes for the key of a connection. */
function copySessionId(own: usize, message: Message): void {
  if (message.bytes < SESSION_ID + 1 + <i32>SESSION_ID_BYTES) return;
  if (load<u8>(own, SESSION_ID) != SESSION_ID_BYTES || load<u8>(message.at, SESSION_ID) != SESSION_ID_BYTES) return;
  memory.copy(own + SESSION_ID + 1, message.at + SESSION_ID + 1, SESSION_ID_BYTES);
}

/** Random letters where the name has some, up to its last dot. */
function randomName(own: Message, seed: u32): void {
  let state = seed;
  let last = own.hostBytes;
  while (last > 0 && load<u8>(own.hostAt + <usize>(last - 1)) != DOT) last--;
  for (let i = 0; i < last; i++) {
    const p = own.hostAt + <usize>i;
    state = nextRandom(state);
    if (load<u8>(p) != DOT) store<u8>(p, <u8>(LETTER_A + ((state >>> 8) % 26)));
  }
}

/** A padding extension (RFC 7685) of the zeros behind the last one, and the lengths that enclose it. */
function pad(own: usize, bytes: i32, wanted: i32): void {
  const extra = wanted - bytes;
  const extensions = extensionsAt(own, bytes);
  if (extensions == 0) return;
  setBe16(own + <usize>bytes, 0, EXTENSION_PADDING);
  setBe16(own + <usize>bytes, 2, extra - EXTENSION_HEADER_BYTES);
  setBe16(own, extensions, be16(own, extensions) + extra);
  setBe16(own, RECORD_LENGTH, be16(own, RECORD_LENGTH) + extra);
  setBe16(own, HANDSHAKE_LENGTH + 1, be24(own, HANDSHAKE_LENGTH) + extra);
}

/** Where the length of the extensions stands; 0 when they do not end with the payload. */
function extensionsAt(own: usize, bytes: i32): i32 {
  let o = SESSION_ID + 1 + <i32>load<u8>(own, SESSION_ID);
  if (o + 2 > bytes) return 0;
  o += 2 + <i32>be16(own, o);
  if (o + 1 > bytes) return 0;
  o += 1 + <i32>load<u8>(own + <usize>o);
  return o + 2 <= bytes && o + 2 + <i32>be16(own, o) == bytes ? o : 0;
}
