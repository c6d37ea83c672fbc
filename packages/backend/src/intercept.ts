// Interception as a backend's settings and profile want it.
import {
  DeviceError,
  type Interception,
  type InterceptionOptions,
  type Selection,
  type TunDevice,
} from "@bunnel/device";
import type { LiveSettings, TunSettings } from "./backend.ts";
import type { TunPlatform } from "./platform.ts";

/** Whether both, of which one is in force, select the same packets in the same way. */
export function isSameSelection(...both: readonly (readonly [Selection, LiveSettings])[]): boolean {
  const [before, after] = both.map(([select, { method, uplinks, excludes, include, exclude, killSwitch }]) =>
    JSON.stringify([select, method, uplinks, excludes, include, exclude, killSwitch]),
  );
  return before === after;
}

/** "auto" takes nft where the kernel has it, else the routing rules alone. */
export function intercept(platform: TunPlatform, settings: TunSettings, options: InterceptionOptions): Interception {
  const method = settings.method ?? "auto";
  if (method !== "auto") return platform.intercept(method, options);
  try {
    return platform.intercept("nft", options);
  } catch (error) {
    if (!(error instanceof DeviceError) || error.code !== "E_UNSUPPORTED") throw error;
    return platform.intercept("rules", options);
  }
}

/** What an interception is asked for. */
export function interceptionOptions(
  settings: TunSettings,
  device: TunDevice,
  select: Selection,
  changed: () => void,
): InterceptionOptions {
  return {
    deviceName: device.name,
    deviceIndex: device.index,
    changed,
    select,
    ...(settings.uplinks !== undefined && settings.uplinks.length > 0 && { uplinks: settings.uplinks }),
    ...(settings.excludes !== undefined && { excludes: settings.excludes }),
    ...(settings.include !== undefined && { include: settings.include }),
    ...(settings.exclude !== undefined && { exclude: settings.exclude }),
    ...(settings.killSwitch !== undefined && { killSwitch: settings.killSwitch }),
    ...(settings.gateway !== undefined && { gateway: settings.gateway }),
  };
}
