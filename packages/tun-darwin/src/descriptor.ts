// A device from a descriptor that somebody else opened, as a network extension of macOS or iOS is given one; and a
// device in another thread.
import { Calls, openWakePipe, readHandOver, systemError, type BsdTun, type Environment } from "@bunnel/bsd";
import { DeviceError, type DescriptorOptions, type DeviceHandOver } from "@bunnel/device";
import { darwinTun } from "./darwin-tun.ts";
import { DARWIN_CAPABILITIES } from "./driver-capabilities.ts";
import { openCalls, type DarwinEnvironment } from "./environment.ts";
import { utunName } from "./utun.ts";

/**
 * Takes a descriptor of a utun and changes nothing about the interface behind it. It becomes non-blocking; a borrowed
 * one gets its mode back when the device is closed. Its packets stand behind their address family, which is not seen.
 * @throws DeviceError E_DEVICE_OPTION when it is no descriptor, or another one than the options say
 */
export function openDarwinDescriptor(
  fd: number,
  options: DescriptorOptions,
  environment: DarwinEnvironment = {},
): BsdTun {
  const { ownership, medium = "ip", vnetHeader = false, packetInformation = false } = options;
  if (medium !== "ip" || vnetHeader || packetInformation) {
    throw new DeviceError("E_DEVICE_OPTION", `descriptor ${fd}: expected IP packets without headers on macOS`);
  }
  const calls = openCalls(environment);
  const wasNonBlocking = calls.isNonBlocking(fd);
  if (wasNonBlocking === undefined) {
    throw new DeviceError("E_DEVICE_OPTION", `descriptor ${fd}: expected an open one, found none`, calls.errno());
  }
  const name = utunName(calls, fd) ?? options.name ?? `fd${fd}`;
  const errno = wasNonBlocking ? 0 : calls.setNonBlocking(fd, true);
  if (errno !== 0) throw systemError(`making descriptor ${fd} non-blocking`, errno);
  return darwinTun({
    calls,
    batch: environment.batch ?? true,
    name,
    index: options.index ?? calls.indexOf(name),
    medium,
    fd,
    writeFd: fd,
    pipe: openWakePipe(calls),
    ownership,
    blockAgain: ownership === "borrowed" && !wasNonBlocking,
  });
}

/**
 * The same device in another thread of this process, from `handOver()`. It borrows: `close` here closes nothing.
 * @throws DeviceError E_DEVICE_OPTION when the hand-over is another driver's
 */
export function openTransferredDarwin(handOver: DeviceHandOver): BsdTun {
  const { parts, environment } = readHandOver(DARWIN_CAPABILITIES.platform, handOver);
  const calls = new Calls(JSON.parse(environment) as Environment);
  return darwinTun({ ...parts, calls, batch: true, ownership: "lent" });
}
