// What `bunnel up` works with on this system: the one place that chooses between them.
import type { AnswerDns, StreamCarrier, TunPlatform } from "@bunnel/backend";
import type { Profile } from "@bunnel/profile";
import type { SocketsPlatform, SocketsPlatformOptions } from "../sockets/platform.ts";
import type { WatchedRelays } from "../stream/watched-relays.ts";
import { ExitError } from "./exit.ts";
import { dropPrivileges } from "../privileges/drop.ts";
import type { ServiceUser } from "../privileges/service-user.ts";

export interface JoinOptions {
  readonly profile: Profile;
  /** Interfaces that the command line names. */
  readonly uplinks?: readonly string[];
  /** Where it is kept what has to be put back. */
  readonly statePath: string;
  /** A sweep leaves what a kill switch closed. */
  readonly keepClosed?: boolean;
  readonly onNetwork?: (uplinks: readonly string[]) => void;
  readonly onError?: (error: unknown) => void;
}

export interface Joined {
  readonly platform: TunPlatform;
  carrier(answerDns?: AnswerDns, watched?: WatchedRelays): StreamCarrier;
  /** Whether the service becomes somebody else once its devices are open. */
  readonly changesUser: boolean;
  /** Gives up what a running service does not need; for the audit log what that was. */
  giveUp(user: ServiceUser | undefined): Readonly<Record<string, unknown>>;
  /** What only packets and the kernel's own filters make possible. */
  readonly isLinux: boolean;
}

/** @throws ExitError on a system where nothing can be carried */
export async function joinSystem(options: JoinOptions, system: string = process.platform): Promise<Joined> {
  switch (system) {
    case "linux": {
      const { linuxCarrier, linuxPlatform, readyRelays } = await import("./platform.linux.ts");
      readyRelays(options.profile);
      const forwards = options.profile.gateway.interfaces.length > 0;
      const giveUp: Joined["giveUp"] = (user) => ({ ...dropPrivileges(user) });
      const platform = linuxPlatform({ ...options, forwards });
      return { platform, carrier: linuxCarrier, giveUp, changesUser: true, isLinux: true };
    }
    case "darwin": {
      const { darwinPlatform } = await import("./platform.darwin.ts");
      return joinSockets(options, darwinPlatform);
    }
    case "win32": {
      const { win32Platform } = await import("./platform.win32.ts");
      return joinSockets(options, win32Platform);
    }
    default:
      throw new ExitError(`up: traffic is carried on Linux, macOS and Windows, this is ${system}`);
  }
}

/** A system on which everything leaves by sockets. */
export function joinSockets(
  { profile, uplinks, onNetwork, onError }: JoinOptions,
  open: (options: SocketsPlatformOptions) => SocketsPlatform,
): Joined {
  const named = profile.include.interfaces.length > 0 ? profile.include.interfaces : profile.interception.uplinks;
  const joined = open({
    uplinks: uplinks ?? named,
    ...(onNetwork && { onNetwork }),
    ...(onError && { onError }),
  });
  return { ...joined, changesUser: joined.platform.name === "darwin", isLinux: false };
}
