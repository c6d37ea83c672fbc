// What the command line and the profile make together: a word on the command line goes before the profile's.
import type { PumpChoice, TunSettings } from "@bunnel/backend";
import type { LogLevel, Profile } from "@bunnel/profile";
import type { LogOptions } from "../logs/log.ts";
import { ownersOf } from "./owners.ts";

/** The words of `bunnel up` that stand for keys of a profile. */
export interface SettingWords {
  readonly method?: "auto" | "nft" | "rules";
  readonly device?: string;
  readonly uplink?: readonly string[];
  readonly mtu?: number;
  readonly offload: boolean;
  readonly queues?: number;
  readonly pump?: PumpChoice;
  readonly killSwitch?: boolean;
  readonly logLevel?: LogLevel;
  readonly logFormat?: "human" | "json";
  readonly logHosts?: boolean;
}

/** @throws ExitError for a user or a group that the system does not know */
export function settingsOf(words: SettingWords, profile: Profile): TunSettings {
  const { device, gateway, interception, include, exclude } = profile;
  const included = include.interfaces.length > 0 ? include.interfaces : interception.uplinks;
  return {
    deviceName: words.device ?? device.name,
    mtu: words.mtu ?? device.mtuBytes,
    address: device.address,
    netmask: device.netmask,
    method: words.method ?? interception.method,
    uplinks: words.uplink ?? included,
    excludes: interception.exclude,
    include: ownersOf(include),
    exclude: ownersOf(exclude),
    killSwitch: words.killSwitch ?? interception.killSwitch,
    gateway: gateway.interfaces,
    offload: words.offload && device.offload,
    queues: words.queues ?? device.queues,
    pump: words.pump ?? device.pump,
  };
}

export function logOptionsOf(words: SettingWords, { log, limits }: Profile): LogOptions {
  return {
    level: words.logLevel ?? log.level,
    format: words.logFormat ?? log.format,
    hosts: words.logHosts ?? log.hosts,
    rateLimit: limits.logRateLimit,
  };
}
