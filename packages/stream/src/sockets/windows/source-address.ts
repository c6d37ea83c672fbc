// Which address of an interface its own packets carry, out of Windows' table of addresses: netioapi.h
// MIB_UNICASTIPADDRESS_ROW, ws2ipdef.h SOCKADDR_INET, nldef.h NL_DAD_STATE. Offsets hold on 64-bit systems.
//
//   0 family | 4 of IPv4, 8 of IPv6: address | 40 index | 61 skip as source | 64 state | … 80
export const ROWS_AT = 8;
export const ROW_BYTES = 80;
export const INDEX_AT = 40;
export const SKIP_AS_SOURCE_AT = 61;
export const STATE_AT = 64;
/** nldef.h IpDadStatePreferred */
const PREFERRED = 4;
const AF_INET = 2;
const PLACES = { 4: { at: 4, bytes: 4 }, 6: { at: 8, bytes: 16 } } as const;

/** @param table the octets of a MIB_UNICASTIPADDRESS_TABLE */
export function findSource(table: Uint8Array, index: number, family: number): Uint8Array | undefined {
  const { at, bytes } = PLACES[family === AF_INET ? 4 : 6];
  for (let row = ROWS_AT; row + ROW_BYTES <= table.length; row += ROW_BYTES) {
    const view = new DataView(table.buffer, table.byteOffset + row, ROW_BYTES);
    const isUsed = view.getUint8(SKIP_AS_SOURCE_AT) === 0 && view.getUint32(STATE_AT, true) === PREFERRED;
    if (!isUsed || view.getUint16(0, true) !== family || view.getUint32(INDEX_AT, true) !== index) continue;
    const address = table.slice(row + at, row + at + bytes);
    if (!isLinkLocal(address)) return address;
  }
  return undefined;
}

/** RFC 3927, RFC 4291 section 2.5.6: nobody beyond the link answers these. */
function isLinkLocal([first = 0, second = 0, ...others]: Uint8Array): boolean {
  return others.length === 2 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80;
}
