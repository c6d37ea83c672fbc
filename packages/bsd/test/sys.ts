// What the tests need of the Linux underneath: a network namespace (network_namespaces(7)), and the other side of an
// interface.
import { errno, errnoName, library, libcNames } from "@bunnel/ffi";

export { PacketSocket } from "@bunnel/ffi/proof";

const libc = library(libcNames("linux").paths, {
  open: { args: ["cstring", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  unshare: { args: ["i32"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
});

const encoder = new TextEncoder();
const CLONE_NEWNET = 0x40000000;
const O_CLOEXEC = 0x80000;

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
