// Opening a node in /dev and finding out which interface stands behind it. Source: if_tun.c, if_tap.c of each system.
import { check, errnoName, InterfaceControl, systemError, type Calls } from "@bunnel/bsd";
import { DeviceError, type Medium } from "@bunnel/device";
import { fromCString } from "@bunnel/ffi";
import type { BsdTunSystem, NodeWay } from "./system.ts";

const ENOENT = 2;
const ENXIO = 6;
const EBUSY = 16;
const ENOTTY = 25;
/** Units that are looked at for a free one. */
const UNITS_MAX = 256;
/** net/if.h: what TUNSIFMODE takes for a TUN device. */
const POINTOPOINT_MULTICAST = 0x8010;

export interface TunNode {
  readonly fd: number;
  readonly name: string;
}

/** What a name asks for: a unit of the family, or any unit, to be renamed afterwards. */
export interface WantedName {
  /** "tun7"; undefined: any. */
  readonly unit?: string;
  readonly rename?: string;
}

/** @throws DeviceError E_DEVICE_OPTION for a name that the system's devices cannot have */
export function wantedName(system: BsdTunSystem, { family }: NodeWay, name: string | undefined): WantedName {
  if (name === undefined || name === `${family}%d`) return {};
  if (new RegExp(`^${family}(0|[1-9][0-9]{0,4})$`).test(name)) return { unit: name };
  if (system.requests.SIOCSIFNAME !== undefined && !name.includes("%")) return { rename: name };
  const expected = `expected "${family}" and a number on ${system.platform}`;
  throw new DeviceError("E_DEVICE_OPTION", `name: ${expected}, found "${name}"`);
}

/**
 * Opens a node, and has its packets carry what tells their family.
 * @throws DeviceError E_DEVICE_BUSY when the unit is taken, E_DEVICE_MISSING without the node, E_DEVICE_DENIED
 */
export function openNode(calls: Calls, system: BsdTunSystem, medium: Medium, { unit, rename }: WantedName): TunNode {
  const way = medium === "ip" ? system.tun : system.tap;
  const node = unit === undefined ? openAny(calls, way) : openUnit(calls, way, unit);
  try {
    if (medium === "ip") frame(calls, system, node);
    if (rename === undefined) return node;
    new InterfaceControl(calls).set(node.name, { name: rename });
    return { ...node, name: rename };
  } catch (error) {
    calls.close(node.fd);
    if (way.isDestroyed) new InterfaceControl(calls).destroy(node.name);
    throw error;
  }
}

/** The interface's name, as the descriptor tells it; undefined where it does not. */
export function nodeName(calls: Calls, system: BsdTunSystem, fd: number, { nameRequest }: NodeWay): string | undefined {
  if (nameRequest === undefined) return undefined;
  const octets = new Uint8Array(new ArrayBuffer(system.layout.requestBytes));
  return calls.ioctl(fd, nameRequest, octets) === 0 ? fromCString(octets.subarray(0, 16)) : undefined;
}

function openAny(calls: Calls, way: NodeWay): TunNode {
  if (way.way === "create") return openUnit(calls, way, new InterfaceControl(calls).create(way.family));
  if (way.way === "units") return openFirst(calls, way);
  const fd = calls.open(`/dev/${way.family}`);
  // Where cloning is switched off (net.link.tun.devfs_cloning), units have nodes once they are made.
  if (fd < 0 && calls.errno() === ENOENT) {
    return openPath(calls, way, new InterfaceControl(calls).create(way.family));
  }
  if (fd < 0) throw openError(way.family, calls.errno());
  return named(calls, way, fd, way.family);
}

function openFirst(calls: Calls, way: NodeWay): TunNode {
  for (let unit = 0; unit < UNITS_MAX; unit++) {
    const fd = calls.open(`/dev/${way.family}${unit}`);
    if (fd >= 0) return named(calls, way, fd, `${way.family}${unit}`);
    const errno = calls.errno();
    if (errno !== EBUSY) throw openError(`${way.family}${unit}`, errno);
  }
  throw new DeviceError("E_DEVICE_BUSY", `${way.family}: expected a free unit below ${UNITS_MAX}, found none`);
}

function openUnit(calls: Calls, way: NodeWay, unit: string): TunNode {
  const fd = calls.open(`/dev/${unit}`);
  if (fd >= 0) return named(calls, way, fd, unit);
  const errno = calls.errno();
  if (errno !== ENOENT || way.way === "units") throw openError(unit, errno);
  new InterfaceControl(calls).create(unit);
  return openPath(calls, way, unit);
}

function openPath(calls: Calls, way: NodeWay, unit: string): TunNode {
  const fd = calls.open(`/dev/${unit}`);
  if (fd >= 0) return named(calls, way, fd, unit);
  const errno = calls.errno();
  new InterfaceControl(calls).destroy(unit);
  throw openError(unit, errno);
}

function named(calls: Calls, way: NodeWay, fd: number, unit: string): TunNode {
  const { system } = calls.environment;
  return { fd, name: nodeName(calls, system as BsdTunSystem, fd, way) ?? unit };
}

/** Point-to-point, with the family before each packet, gone with its descriptor: as far as the system can. */
function frame(calls: Calls, system: BsdTunSystem, { fd, name }: TunNode): void {
  const mode = calls.ioctlInt(fd, system.TUNSIFMODE, POINTOPOINT_MULTICAST);
  // An interface that is up already keeps its mode, which is this one unless somebody changed it.
  if (mode !== EBUSY) check(`making ${name} point-to-point`, mode);
  if (system.TUNSIFHEAD !== undefined) {
    check(`putting the address family before packets of ${name}`, calls.ioctlInt(fd, system.TUNSIFHEAD, 1));
  }
  if (system.TUNSTRANSIENT === undefined) return;
  const transient = calls.ioctlInt(fd, system.TUNSTRANSIENT, 1);
  if (transient !== ENOTTY) check(`making ${name} go with its descriptor`, transient);
}

function openError(unit: string, errno: number): DeviceError {
  const path = `/dev/${unit}`;
  if (errno === EBUSY) {
    return new DeviceError("E_DEVICE_BUSY", `${path}: expected a free unit, found one in use`, errno);
  }
  if (errno === ENOENT || errno === ENXIO) {
    const found = `found none (${errnoName(errno)})`;
    return new DeviceError("E_DEVICE_MISSING", `${path}: expected a node and its driver, ${found}`, errno);
  }
  return systemError(`opening ${path}`, errno);
}
