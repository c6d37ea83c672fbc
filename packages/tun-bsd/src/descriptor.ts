// A device from a descriptor that somebody else opened, and a device in another thread.
import { Calls, openWakePipe, readHandOver, systemError, type BsdTun, type Environment } from "@bunnel/bsd";
import { DeviceError, type DescriptorOptions, type DeviceHandOver } from "@bunnel/device";
import { bsdTunDevice } from "./bsd-tun-device.ts";
import { openCalls, type BsdEnvironment } from "./environment.ts";
import { nodeName } from "./node.ts";
import type { BsdTunSystem } from "./system.ts";

/**
 * Takes a descriptor and changes nothing about the interface behind it, but for the address family before packets of a
 * TUN device, which is switched on. It becomes non-blocking; a borrowed one gets its mode back when the device is
 * closed.
 * @throws DeviceError E_DEVICE_OPTION when it is no descriptor, or the options ask for headers
 */
export function openBsdDescriptor(fd: number, options: DescriptorOptions, environment: BsdEnvironment = {}): BsdTun {
  const { ownership, medium = "ip", vnetHeader = false, packetInformation = false } = options;
  const { calls, system } = openCalls(environment);
  if (vnetHeader || packetInformation) {
    throw new DeviceError("E_DEVICE_OPTION", `descriptor ${fd}: expected no headers on ${system.platform}`);
  }
  const wasNonBlocking = calls.isNonBlocking(fd);
  if (wasNonBlocking === undefined) {
    throw new DeviceError("E_DEVICE_OPTION", `descriptor ${fd}: expected an open one, found none`, calls.errno());
  }
  const way = medium === "ip" ? system.tun : system.tap;
  const name = nodeName(calls, system, fd, way) ?? options.name ?? `fd${fd}`;
  if (medium === "ip" && system.TUNSIFHEAD !== undefined) calls.ioctlInt(fd, system.TUNSIFHEAD, 1);
  const errno = wasNonBlocking ? 0 : calls.setNonBlocking(fd, true);
  if (errno !== 0) throw systemError(`making descriptor ${fd} non-blocking`, errno);
  return bsdTunDevice({
    calls,
    system,
    name,
    index: options.index ?? calls.indexOf(name),
    medium,
    fd,
    writeFd: fd,
    pipe: openWakePipe(calls),
    ownership,
    blockAgain: ownership === "borrowed" && !wasNonBlocking,
    // Whoever opened it decides whether its interface stays.
    persistent: true,
  });
}

/**
 * The same device in another thread of this process, from `handOver()`. It borrows: `close` here closes nothing.
 * @throws DeviceError E_DEVICE_OPTION when the hand-over is another driver's
 */
export function openTransferredBsd(handOver: DeviceHandOver): BsdTun {
  const { parts, environment } = readHandOver(handOver.driver, handOver);
  const whole = JSON.parse(environment) as Environment & { readonly system: BsdTunSystem };
  if (!("TUNSIFMODE" in whole.system)) {
    throw new DeviceError("E_DEVICE_OPTION", `hand-over: expected one of a BSD, found "${handOver.driver}"`);
  }
  return bsdTunDevice({ ...parts, calls: new Calls(whole), system: whole.system, ownership: "lent" });
}
