// What the tests need of the Linux underneath: a network namespace, and the other side of an interface, octet for octet
// (network_namespaces(7), packet(7)).
import { errno, errnoName, library, libcNames } from "@bunnel/ffi";

const libc = library(libcNames("linux").paths, {
  open: { args: ["cstring", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  unshare: { args: ["i32"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "i32", "i32", "ptr", "i32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  if_nametoindex: { args: ["cstring"], returns: "u32" },
});

const encoder = new TextEncoder();
const CLONE_NEWNET = 0x40000000;
const O_CLOEXEC = 0x80000;
const AF_PACKET = 17;
const SOCK_RAW = 3;
const ETH_P_ALL = 0x0003;
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const SOCKADDR_LL_BYTES = 20;

function checked(what: string, result: number): number {
  if (result < 0) throw new Error(`${what} failed with ${errnoName(errno())}`);
  return result;
}

/** A network of one's own, with its loopback up and without IPv6 link-local addresses on new interfaces. */
export class TestNamespace implements Disposable {
  private constructor(readonly fd: number) {}

  static create(): TestNamespace {
    const before = current();
    checked("unshare", libc().unshare(CLONE_NEWNET));
    const namespace = new TestNamespace(current());
    const words = "ip link set lo up; sysctl -qw net.ipv6.conf.default.addr_gen_mode=1";
    Bun.spawnSync(["sh", "-c", words]);
    checked("setns", libc().setns(before, CLONE_NEWNET));
    libc().close(before);
    return namespace;
  }

  /** Runs `work`, which must end before it returns, with the calling thread inside. */
  run<T>(work: () => T): T {
    const before = current();
    checked("setns", libc().setns(this.fd, CLONE_NEWNET));
    try {
      return work();
    } finally {
      checked("setns", libc().setns(before, CLONE_NEWNET));
      libc().close(before);
    }
  }

  /** What a program prints when it runs inside; its failure is an error. */
  command(...words: string[]): string {
    const { exitCode, stdout, stderr } = this.run(() => Bun.spawnSync(words));
    if (exitCode !== 0) throw new Error(`${words.join(" ")}: exit ${exitCode}, ${stderr.toString()}`);
    return stdout.toString();
  }

  /** What `ip -j` tells, as it tells it. */
  ip(words: string): Record<string, unknown>[] {
    const text = this.command("ip", "-j", ...words.split(" "));
    const all = (text.trim() === "" ? [] : JSON.parse(text)) as Record<string, unknown>[];
    // iproute2 pads lists that it filtered with empty objects.
    return all.filter((entry) => Object.keys(entry).length > 0);
  }

  [Symbol.dispose](): void {
    libc().close(this.fd);
  }
}

function current(): number {
  return checked("open", libc().open(cPath("/proc/thread-self/ns/net"), O_CLOEXEC));
}

function cPath(path: string): Uint8Array {
  return encoder.encode(`${path}\0`);
}

function sockaddr(protocol: number, index: number): Uint8Array {
  const octets = new Uint8Array(SOCKADDR_LL_BYTES);
  const view = new DataView(octets.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol);
  view.setInt32(4, index, true);
  return octets;
}

/** Sends out of an interface, and sees what the interface received; not what it sent. */
export class PacketSocket implements Disposable {
  readonly #fd: number;
  readonly #index: number;

  /** Opened where the calling thread is. */
  constructor(name: string, timeoutMs = 1000) {
    this.#index = libc().if_nametoindex(cPath(name));
    this.#fd = checked("socket", libc().socket(AF_PACKET, SOCK_RAW, 0));
    const time = new BigInt64Array([BigInt(Math.trunc(timeoutMs / 1000)), BigInt(timeoutMs % 1000) * 1000n]);
    checked("SO_RCVTIMEO", libc().setsockopt(this.#fd, SOL_SOCKET, SO_RCVTIMEO, time, 16));
    const one = new Int32Array([1]);
    checked("PACKET_IGNORE_OUTGOING", libc().setsockopt(this.#fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, one, 4));
    checked("bind", libc().bind(this.#fd, sockaddr(ETH_P_ALL, this.#index), SOCKADDR_LL_BYTES));
  }

  send(packet: Uint8Array): void {
    const protocol = (packet[0] ?? 0) >> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP;
    const address = sockaddr(protocol, this.#index);
    checked("sendto", libc().sendto(this.#fd, packet, packet.length, 0, address, SOCKADDR_LL_BYTES));
  }

  /** The next packet, undefined when none comes in time. */
  receive(): Uint8Array | undefined {
    const octets = new Uint8Array(65536);
    const length = libc().recv(this.#fd, octets, octets.length, 0);
    return length < 0 ? undefined : octets.slice(0, length);
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }
}
