// A DNS query (RFC 1035 section 4.1): one question, its name as labels.
//
// | id 2 | flags 2 | questions 2 | answers 2 | authorities 2 | additionals 2 | length 1, label … 0 | type 2 | class 2 |
import { HOST_MAX_BYTES, LANE_NAME } from "@bunnel/abi/src/index";
import { lane } from "../mem/lane";
import { be16 } from "../wire/be";
import { Message } from "./message";

export const DNS_HEADER_BYTES: i32 = 12;
const RESPONSE: u32 = 0x8000;
const OPCODE: u32 = 0x7800;
const LABEL_MAX: i32 = 63;
const DOT: u8 = 46;

/** True for a query with one question whose name can be read; the name is put together as text beside the message. */
export function readDnsQuery(message: Message): bool {
  const at = message.at;
  if ((be16(at, 2) & (RESPONSE | OPCODE)) != 0 || be16(at, 4) != 1 || be16(at, 6) != 0) return false;
  const name = lane + LANE_NAME;
  let o = DNS_HEADER_BYTES;
  let bytes = 0;
  // A label has at least one octet, so the name's limit bounds the walk.
  for (let i = 0; i <= HOST_MAX_BYTES; i++) {
    if (o + 1 > message.bytes) return false;
    const label = <i32>load<u8>(at + <usize>o);
    o++;
    if (label == 0) break;
    if (label > LABEL_MAX || o + label > message.bytes) return false;
    if (bytes > 0) {
      if (bytes >= HOST_MAX_BYTES) return false;
      store<u8>(name + <usize>bytes, DOT);
      bytes++;
    }
    if (bytes + label > HOST_MAX_BYTES) return false;
    memory.copy(name + <usize>bytes, at + <usize>o, label);
    bytes += label;
    o += label;
  }
  if (o + 4 > message.bytes) return false;
  message.hostAt = name;
  message.hostBytes = bytes;
  return true;
}
