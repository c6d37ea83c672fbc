// Network namespaces: a network of one's own for a test or a lab. Source: network_namespaces(7), setns(2).
import { readlinkSync } from "node:fs";
import { DeviceError } from "@bunnel/device";
import { systemError } from "./errors.ts";
import { RouteNetlink } from "./netcfg/route-netlink.ts";
import * as sys from "./sys.ts";
import { namespaceOf } from "./tun-requests.ts";

const OWN_NAMESPACE = "/proc/thread-self/ns/net";
const LOOPBACK_INDEX = 1;
const RIGHT = "CAP_SYS_ADMIN";

/** Lives as long as its descriptor, a socket, an interface's route or a process holds it. */
export class NetworkNamespace implements Disposable {
  #open = true;

  private constructor(readonly fd: number) {}

  /**
   * A new, empty namespace with its loopback up. The calling thread is back where it was when this returns.
   * @throws DeviceError E_DEVICE_DENIED without CAP_SYS_ADMIN
   */
  static create(): NetworkNamespace {
    using before = NetworkNamespace.current();
    const errno = sys.unshareNetwork();
    if (errno !== 0) throw systemError("making a network namespace", errno, "", RIGHT);
    try {
      const namespace = NetworkNamespace.current();
      using netlink = RouteNetlink.open();
      netlink.setLink(LOOPBACK_INDEX, { up: true });
      return namespace;
    } finally {
      before.#enter();
    }
  }

  /** The namespace that the calling thread is in. */
  static current(): NetworkNamespace {
    const fd = sys.openReadOnly(OWN_NAMESPACE);
    if (fd < 0) throw systemError(`opening ${OWN_NAMESPACE}`, sys.errno());
    return new NetworkNamespace(fd);
  }

  /**
   * The one that the interface behind a TUN descriptor is in; undefined when that is the calling thread's own, or when
   * it may not be asked for (CAP_NET_ADMIN).
   */
  static ofDevice(fd: number): NetworkNamespace | undefined {
    const namespaceFd = namespaceOf(fd);
    if (namespaceFd === undefined) return undefined;
    const namespace = new NetworkNamespace(namespaceFd);
    if (readlinkSync(`/proc/thread-self/fd/${namespaceFd}`) !== currentNamespace()) return namespace;
    namespace.close();
    return undefined;
  }

  /** A path by which other programs of this machine can enter it while this process has it open. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.fd}`;
  }

  /**
   * Runs `work` with the calling thread inside. Sockets that it opens and processes that it starts stay inside; the
   * thread itself is back when this returns. Only what happens before `work` returns happens inside.
   * @throws DeviceError E_DEVICE_STATE when `work` is asynchronous: its later parts would run outside
   */
  run<T>(work: () => T): T {
    using before = NetworkNamespace.current();
    this.#enter();
    try {
      const result = work();
      if (result instanceof Promise) {
        throw new DeviceError(
          "E_DEVICE_STATE",
          "work in a namespace: expected a synchronous function, found a promise",
        );
      }
      return result;
    } finally {
      before.#enter();
    }
  }

  /** Lets go of it. A second call does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    sys.closeFd(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #enter(): void {
    if (!this.#open) throw new DeviceError("E_DEVICE_STATE", "network namespace: expected open, found closed");
    const errno = sys.enterNetwork(this.fd);
    if (errno !== 0) throw systemError("entering a network namespace", errno, "", RIGHT);
  }
}

/** How the system names the network namespace that the calling thread is in: "net:[4026531840]". */
export function currentNamespace(): string {
  return readlinkSync(OWN_NAMESPACE);
}

/** Runs `work` where the interface behind a TUN descriptor is. Errors as for `run`. */
export function inNamespaceOf<T>(fd: number, work: () => T): T {
  using namespace = NetworkNamespace.ofDevice(fd);
  return namespace ? namespace.run(work) : work();
}

/** From now on the kernel kills this process (SIGKILL) when the thread that started it ends. */
export function dieWithParent(): void {
  const errno = sys.killWithParent();
  if (errno !== 0) throw systemError("setting the parent-death signal", errno);
}
