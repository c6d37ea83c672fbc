// Numbers of a request are checked at the door: a value that its field cannot hold would silently become another one.
import { DeviceError } from "@bunnel/device";

export const U8_MAX = 0xff;
export const U16_MAX = 0xffff;
export const U32_MAX = 0xffffffff;

/**
 * The number itself when it is whole and in the range.
 * @throws DeviceError E_DEVICE_OPTION otherwise
 */
export function checkNumber(what: string, value: number, max: number, min = 0): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new DeviceError("E_DEVICE_OPTION", `${what}: expected a whole number from ${min} to ${max}, found ${value}`);
  }
  return value;
}

/**
 * The place of a name in a list, which is its number.
 * @throws DeviceError E_DEVICE_OPTION when the list does not have it
 */
export function numberOfName<T extends string>(what: string, names: readonly T[], name: T): number {
  const number = names.indexOf(name);
  if (number >= 0) return number;
  throw new DeviceError("E_DEVICE_OPTION", `${what}: expected one of ${names.join(", ")}, found "${name}"`);
}

/**
 * What was listed with attributes that are not read here would come back without them.
 * @throws DeviceError E_UNSUPPORTED
 */
export function checkWhole(what: string, listed: object): void {
  const unread: unknown = "unread" in listed ? listed.unread : undefined;
  if (!Array.isArray(unread)) return;
  const expected = "expected only attributes that have a word here";
  throw new DeviceError("E_UNSUPPORTED", `${what}: ${expected}, found number ${unread.join(", ")}`);
}
