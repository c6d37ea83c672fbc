// Sockets that the tests need and Bun does not have: the other side of a TUN interface, and datagrams that the system
// cuts late (udp(7)).
import { errno, errnoName, library, libcNames } from "@bunnel/ffi";

export { PacketSocket } from "@bunnel/ffi/proof";

const libc = library(libcNames("linux").paths, {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "i32", "i32", "ptr", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;

function checked(what: string, result: number): number {
  if (result < 0) throw new Error(`${what} failed with ${errnoName(errno())}`);
  return result;
}

/** Sends `octets` as UDP datagrams of `segmentBytes` each, cut as late as the way allows. IPv4, from any port. */
export function sendSegmented(octets: Uint8Array, segmentBytes: number, to: readonly number[], port: number): void {
  const fd = checked("socket", libc().socket(AF_INET, SOCK_DGRAM, 0));
  try {
    const size = new Int32Array([segmentBytes]);
    checked("UDP_SEGMENT", libc().setsockopt(fd, SOL_UDP, UDP_SEGMENT, size, 4));
    const address = new Uint8Array(16);
    address.set([AF_INET, 0, port >> 8, port & 0xff, ...to]);
    checked("sendto", libc().sendto(fd, octets, octets.length, 0, address, address.length));
  } finally {
    libc().close(fd);
  }
}
