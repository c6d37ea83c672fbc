// Windows: Wintun, routes by iphlpapi, sockets bound by IP_UNICAST_IF and IPV6_UNICAST_IF.
import type { DeviceOptions } from "@bunnel/device";
import type { SocketSystem } from "@bunnel/stream";
import { win32Driver, type Driver } from "@bunnel/tun";
import { dropWindowsPrivileges } from "../privileges/drop.win32.ts";
import { socketsPlatform, type SocketsPlatform, type SocketsPlatformOptions } from "../sockets/platform.ts";

/** Other parts than this system's own. */
export interface Win32Parts {
  readonly driver: Driver;
  readonly sockets?: SocketSystem;
}

export function win32Platform(options: SocketsPlatformOptions, parts?: Win32Parts): SocketsPlatform {
  const driver = parts?.driver ?? win32Driver();
  return socketsPlatform(
    {
      ...{ name: "win32", title: "Windows", driver, deviceOptions },
      ...(parts?.sockets && { sockets: parts.sockets }),
      // In front of other parts this is another system's process.
      giveUp: () => (process.platform === "win32" ? { ...dropWindowsPrivileges() } : {}),
      unsupported: () => (parts === undefined ? unsupported() : undefined),
    },
    options,
  );
}

function deviceOptions({ name, mtuBytes, addresses }: DeviceOptions): DeviceOptions {
  return {
    ...(name !== undefined && { name }),
    ...(mtuBytes !== undefined && { mtuBytes }),
    ...(addresses && { addresses }),
  };
}

/** Whether this is an administrator is told by the driver, with its own words. */
function unsupported(): string | undefined {
  return process.platform === "win32" ? undefined : `Wintun needs Windows, this is ${process.platform}`;
}
