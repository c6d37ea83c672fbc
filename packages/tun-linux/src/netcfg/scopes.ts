// How far an address or a destination reaches. Source: linux/rtnetlink.h enum rt_scope_t.
import { DeviceError } from "@bunnel/device";
import { checkNumber, U8_MAX } from "./check.ts";

const NUMBERS = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;

/** "global", "site", "link", "host", "nowhere", or the number of a scope of your own (0 to 255). */
export type Scope = keyof typeof NUMBERS | number;

export const SCOPE_GLOBAL = NUMBERS.global;
export const SCOPE_LINK = NUMBERS.link;
export const SCOPE_HOST = NUMBERS.host;
export const SCOPE_NOWHERE = NUMBERS.nowhere;

/** @throws DeviceError E_DEVICE_OPTION when there is no such scope */
export function scopeNumber(scope: Scope): number {
  if (typeof scope === "number") return checkNumber("scope", scope, U8_MAX);
  const number: number | undefined = NUMBERS[scope];
  if (number !== undefined) return number;
  const names = Object.keys(NUMBERS).join(", ");
  throw new DeviceError("E_DEVICE_OPTION", `scope: expected a number or one of ${names}, found "${scope}"`);
}
