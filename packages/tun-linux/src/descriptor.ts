// A device from a descriptor that somebody else opened: inherited, received over a socket, or given by the system.
import { fstatSync } from "node:fs";
import { isatty } from "node:tty";
import { DeviceError, type DescriptorOptions, type Medium } from "@bunnel/device";
import { VNET_HEADER_BYTES } from "@bunnel/abi";
import { LinuxTun } from "./device.ts";
import { systemError } from "./errors.ts";
import { inNamespaceOf } from "./namespace.ts";
import { RouteNetlink } from "./netcfg/index.ts";
import * as sys from "./sys.ts";
import { describeDescriptor, vnetHeaderBytes } from "./tun-requests.ts";

/**
 * Takes a descriptor and changes nothing about the interface behind it. It becomes non-blocking; a borrowed one gets
 * its mode back when the device is closed. A descriptor of the TUN driver tells its medium and headers itself; of any
 * other, one packet per read and write, the options tell. Which offloads are on cannot be asked: `offloads` is empty.
 * @throws DeviceError E_DEVICE_OPTION when it is no descriptor, or another one than the options say, E_DEVICE_GONE when
 * no interface is behind it
 */
export function openLinuxDescriptor(fd: number, options: DescriptorOptions): LinuxTun {
  const wasNonBlocking = sys.isNonBlocking(fd);
  if (wasNonBlocking === undefined) {
    throw new DeviceError("E_DEVICE_OPTION", `descriptor ${fd}: expected an open one, found none`, sys.errno());
  }
  const described = describe(fd);
  if (described) mustAgree(fd, described, options);
  else mustKeepPacketsApart(fd);
  const errno = wasNonBlocking ? 0 : sys.setNonBlocking(fd, true);
  if (errno !== 0) throw systemError(`making descriptor ${fd} non-blocking`, errno);
  const eventFd = sys.openEvent();
  if (eventFd < 0) {
    const failed = sys.errno();
    if (!wasNonBlocking) sys.setNonBlocking(fd, false);
    throw systemError("opening an event", failed);
  }
  const { ownership, name = `fd${fd}`, index = 0, medium = "ip", vnetHeader, packetInformation = false } = options;
  return new LinuxTun({
    name,
    index,
    medium,
    packetInformation,
    vnetHeaderBytes: vnetHeader ? VNET_HEADER_BYTES : 0,
    multiQueue: false,
    ...described,
    fd,
    eventFd,
    offloads: [],
    ownership,
    blockAgain: ownership === "borrowed" && !wasNonBlocking,
  });
}

/** What the descriptor and the system tell about the interface behind it. */
interface Described {
  readonly name: string;
  readonly medium: Medium;
  readonly vnetHeaderBytes: number;
  readonly multiQueue: boolean;
  /** Left out where the interface is in a namespace that cannot be looked into. */
  readonly index?: number;
  readonly packetInformation?: boolean;
}

/** Undefined for descriptors that are not of the TUN driver, or may not be asked. */
function describe(fd: number): Described | undefined {
  const described = describeDescriptor(fd);
  if (described) {
    const { name, medium, multiQueue, vnetHeader } = described;
    return { name, medium, multiQueue, vnetHeaderBytes: vnetHeader ? vnetHeaderBytes(fd) : 0, ...linkOf(fd, name) };
  }
  const errno = sys.errno();
  if (errno === sys.EBADFD) {
    throw new DeviceError("E_DEVICE_GONE", `descriptor ${fd}: expected an interface behind it, found none`, errno);
  }
  return undefined;
}

function linkOf(fd: number, name: string): Pick<Described, "index" | "packetInformation"> {
  return inNamespaceOf(fd, () => {
    using netlink = RouteNetlink.open();
    const link = netlink.link(name);
    if (link?.details?.kind !== "tun") return {};
    return { index: link.index, packetInformation: link.details.packetInformation };
  });
}

/** Streams and files do not: two packets that were written come back as one, or in other pieces. */
function mustKeepPacketsApart(fd: number): void {
  const found = streamOf(fd);
  if (found === undefined) return;
  throw new DeviceError("E_DEVICE_OPTION", `descriptor ${fd}: expected one that keeps packets apart, found ${found}`);
}

function streamOf(fd: number): string | undefined {
  const status = fstatSync(fd);
  if (status.isFIFO()) return "a pipe";
  if (status.isFile() || status.isDirectory() || status.isBlockDevice()) return "a file";
  if (isatty(fd)) return "a terminal";
  return sys.isStreamSocket(fd) ? "a stream socket" : undefined;
}

function mustAgree(fd: number, described: Described, options: DescriptorOptions): void {
  const found = {
    medium: described.medium,
    vnetHeader: described.vnetHeaderBytes > 0,
    packetInformation: described.packetInformation ?? options.packetInformation,
  };
  for (const what of ["medium", "vnetHeader", "packetInformation"] as const) {
    const expected = options[what];
    if (expected === undefined || expected === found[what]) continue;
    throw new DeviceError("E_DEVICE_OPTION", `descriptor ${fd}: expected ${what} ${expected}, found ${found[what]}`);
  }
}
