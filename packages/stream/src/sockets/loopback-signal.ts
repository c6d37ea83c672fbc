// A signal between threads where there is no eventfd: a UDP socket on loopback that is connected to itself. A datagram
// in it means that it was raised.
import type { PortableSockets } from "./sockets.ts";

const AF_INET = 2;
/** 127.0.0.1, any port. */
const LOOPBACK = [AF_INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
const OCTETS = 64;

type Calls = Pick<
  PortableSockets,
  "datagramSocket" | "bindTo" | "localAddress" | "connectTo" | "closeFile" | "send" | "receive"
>;

export class LoopbackSignal {
  constructor(
    private readonly calls: Calls,
    private readonly addressOf: (view: Uint8Array) => number,
  ) {}

  /** Its descriptor, or -1. */
  open(): number {
    const fd = this.calls.datagramSocket(AF_INET);
    if (fd < 0) return -1;
    const bound = new Uint8Array(LOOPBACK.length);
    const isBound = this.calls.bindTo(fd, Uint8Array.from(LOOPBACK)) === 0 && this.calls.localAddress(fd, bound) === 0;
    // A copy, because the compiler does not know that a system call has written to the original.
    const own = Uint8Array.of(AF_INET, 0, ...bound.slice(2));
    if (isBound && this.calls.connectTo(fd, own) === 0) return fd;
    this.calls.closeFile(fd);
    return -1;
  }

  /** One that finds no room is one of many that are there already. */
  raise(fd: number): void {
    const octets = Uint8Array.of(1);
    this.calls.send(fd, this.addressOf(octets), octets.length);
  }

  clear(fd: number): void {
    const octets = new Uint8Array(OCTETS);
    while (this.calls.receive(fd, this.addressOf(octets), OCTETS) > 0);
  }
}
