// The chain of IPv6 extension headers (RFC 8200 section 4).
import { EXTENSION_HEADERS_MAX, MetaFlag } from "@bunnel/abi/src/index";
import { be16 } from "./be";
import { IPV6_AUTHENTICATION_HEADER, IPV6_FRAGMENT_HEADER, IPV6_HEADER_BYTES, isPlainExtension } from "./ipv6";

/** The chain runs over the packet's end. */
export const CHAIN_BROKEN: i64 = -1;

/**
 * Follows a few headers of a packet of `total` octets, from the first one's number on. CHAIN_BROKEN, or where the chain
 * led in one number; the three functions below read it.
 */
export function walkChain(p: usize, first: u32, total: i32): i64 {
  let header = first;
  let offset = IPV6_HEADER_BYTES;
  let fragment: u32 = 0;
  for (let i = 0; i < EXTENSION_HEADERS_MAX; i++) {
    const plain = isPlainExtension(header);
    if (!plain && header != IPV6_FRAGMENT_HEADER && header != IPV6_AUTHENTICATION_HEADER) break;
    if (offset + 8 > total) return CHAIN_BROKEN;
    const q = p + <usize>offset;
    if (plain) {
      offset += (<i32>load<u8>(q, 1) + 1) << 3;
    } else if (header == IPV6_AUTHENTICATION_HEADER) {
      offset += (<i32>load<u8>(q, 1) + 2) << 2;
    } else {
      const field = be16(q, 2);
      fragment = fragmentOf(field >> 3, (field & 1) != 0);
      offset += 8;
    }
    header = load<u8>(q);
    if (offset > total) return CHAIN_BROKEN;
    // A later fragment: what stands here is the middle of something.
    if (fragmentOffsetOf(fragment) != 0) break;
  }
  return ((<i64>fragment) << 32) | ((<i64>offset) << 8) | header;
}

/** The protocol number behind the chain. */
export function chainProtocol(chain: i64): u32 {
  return <u32>chain & 0xff;
}

/** Where its header starts. */
export function chainOffset(chain: i64): i32 {
  return <i32>(<u32>chain >>> 8);
}

/** What `fragmentOf` made of the fragment header; 0: there is none. */
export function chainFragment(chain: i64): u32 {
  return <u32>(chain >>> 32);
}

/** A fragment's place in one number, never 0; the offset is in units of eight octets. */
export function fragmentOf(offset: u32, more: bool): u32 {
  return (offset << 16) | <u32>MetaFlag.Fragment | (more ? <u32>MetaFlag.MoreFragments : 0);
}

export function fragmentOffsetOf(fragment: u32): u32 {
  return fragment >>> 16;
}

/** MetaFlag bits */
export function fragmentFlagsOf(fragment: u32): u32 {
  return fragment & 0xff;
}
