// A utun interface: a kernel control socket that carries IP packets. It goes with its descriptor.
// Sources: net/if_utun.h, sys/kern_control.h.
import { check, errnoName, systemError, type Calls } from "@bunnel/bsd";
import { DeviceError } from "@bunnel/device";
import { fromCString } from "@bunnel/ffi";
import { controlAddress, controlQuery, ctlInfo } from "./structs.ts";
import * as numbers from "./system.ts";

const SOCK_DGRAM = 2;
const EBUSY = 16;
const ENOENT = 2;
const EPERM = 1;
const NAME_BYTES = 16;
/** Packets that the system lets wait in the socket, so that one call can fetch several. Its default is 1. */
export const PENDING_PACKETS = 256;

export interface Utun {
  readonly fd: number;
  readonly name: string;
}

/**
 * The unit that a name asks for, as `connect` wants it: the number and one; 0: the system's choice.
 * @throws DeviceError E_DEVICE_OPTION for a name that utun cannot have
 */
export function unitOf(name: string | undefined): number {
  if (name === undefined || name === "utun%d") return 0;
  const [, digits] = /^utun(0|[1-9][0-9]{0,8})$/.exec(name) ?? [];
  if (digits === undefined) {
    throw new DeviceError("E_DEVICE_OPTION", `name: expected "utun" and a number on macOS, found "${name}"`);
  }
  return Number(digits) + 1;
}

/**
 * @throws DeviceError E_DEVICE_DENIED without root, E_DEVICE_BUSY when the unit is taken, E_DEVICE_MISSING where the
 * system has no utun
 */
export function openUtun(calls: Calls, unit: number): Utun {
  const fd = calls.socket(numbers.AF_SYSTEM, SOCK_DGRAM, numbers.SYSPROTO_CONTROL);
  if (fd < 0) throw systemError("opening a kernel control socket", calls.errno());
  try {
    const connecting = calls.connect(fd, controlAddress(controlId(calls, fd), unit));
    if (connecting !== 0) throw connectError(unit, connecting);
    check("making a utun non-blocking", calls.setNonBlocking(fd, true));
    const name = utunName(calls, fd);
    if (name === undefined) throw systemError("asking for the name of a utun", calls.errno());
    // Whoever reads packet by packet does without it.
    calls.setOption(fd, numbers.SYSPROTO_CONTROL, numbers.UTUN_OPT_MAX_PENDING_PACKETS, PENDING_PACKETS);
    return { fd, name };
  } catch (error) {
    calls.close(fd);
    throw error;
  }
}

/** The interface behind a descriptor; undefined when it is no utun's. */
export function utunName(calls: Calls, fd: number): string | undefined {
  const name = calls.getOption(fd, numbers.SYSPROTO_CONTROL, numbers.UTUN_OPT_IFNAME, NAME_BYTES);
  return typeof name === "number" ? undefined : fromCString(name);
}

/** Descriptors up to here are looked at by `findUtun`. */
const DESCRIPTORS_MAX = 1024;

/**
 * The descriptor of a utun that this process was given without being told its number, as a network extension is.
 * Undefined when there is none.
 */
export function findUtun(calls: Calls): Utun | undefined {
  for (let fd = 0; fd < DESCRIPTORS_MAX; fd++) {
    const name = utunName(calls, fd);
    if (name?.startsWith("utun")) return { fd, name };
  }
  return undefined;
}

/** Controls get their numbers when the system starts. */
function controlId(calls: Calls, fd: number): number {
  const query = controlQuery(numbers.UTUN_CONTROL_NAME);
  const errno = calls.ioctl(fd, numbers.CTLIOCGINFO, query);
  if (errno === ENOENT) {
    const expected = `expected ${numbers.UTUN_CONTROL_NAME} in this system`;
    throw new DeviceError("E_DEVICE_MISSING", `kernel control: ${expected}, found none`, errno);
  }
  check(`asking for the number of ${numbers.UTUN_CONTROL_NAME}`, errno);
  return ctlInfo.decode(query).id;
}

function connectError(unit: number, errno: number): DeviceError {
  const name = unit === 0 ? "a utun" : `utun${unit - 1}`;
  if (errno === EBUSY) {
    return new DeviceError("E_DEVICE_BUSY", `${name}: expected a free unit, found one in use`, errno);
  }
  if (errno === EPERM)
    return new DeviceError("E_DEVICE_DENIED", `opening ${name} needs root (${errnoName(errno)})`, errno);
  return systemError(`opening ${name}`, errno);
}
