// macOS: utun, routes by the routing socket, sockets bound by IP_BOUND_IF and IPV6_BOUND_IF.
import type { DeviceOptions } from "@bunnel/device";
import type { SocketSystem } from "@bunnel/stream";
import { darwinDriver, type Driver } from "@bunnel/tun";
import type { DarwinPrivileges } from "../privileges/darwin/sys.ts";
import { dropDarwinPrivileges } from "../privileges/drop.darwin.ts";
import { socketsPlatform, type SocketsPlatform, type SocketsPlatformOptions } from "../sockets/platform.ts";

/** Other parts than this system's own. */
export interface DarwinParts {
  readonly driver: Driver;
  readonly sockets: SocketSystem;
  readonly privileges: DarwinPrivileges;
}

export function darwinPlatform(options: SocketsPlatformOptions, parts?: DarwinParts): SocketsPlatform {
  const driver = parts?.driver ?? darwinDriver();
  return socketsPlatform(
    {
      ...{ name: "darwin", title: "macOS", driver, deviceOptions },
      ...(parts && { sockets: parts.sockets }),
      giveUp: (user) => ({ ...dropDarwinPrivileges(user, parts?.privileges) }),
      unsupported: () => (parts === undefined ? unsupported() : undefined),
    },
    options,
  );
}

/** Every utun is called utun and a number; any other name leaves the number to the system. */
function deviceOptions({ name, mtuBytes, addresses }: DeviceOptions): DeviceOptions {
  return {
    ...(name?.startsWith("utun") === true && { name }),
    ...(mtuBytes !== undefined && { mtuBytes }),
    ...(addresses && { addresses }),
  };
}

function unsupported(): string | undefined {
  if (process.platform !== "darwin") return `a utun needs macOS, this is ${process.platform}`;
  return process.geteuid?.() === 0 ? undefined : "opening a utun needs root: run it with sudo";
}
