// What is changed about an interface by requests to it. Sources: sys/sockio.h, netinet6/in6_var.h, netinet6/nd6.h.
import { DeviceError } from "@bunnel/device";
import * as errors from "./errors.ts";
import * as requests from "./interface-struct.ts";
import * as ip from "./ip-text.ts";
import type { Calls } from "./sys.ts";
import { AF_INET, IFF_UP, SOCK_DGRAM } from "./system.ts";

export interface BsdAddressOptions {
  /**
   * The other end, of a point-to-point interface. Its prefix length then counts; without one it stands for one host.
   * Default: the address itself.
   */
  readonly peer?: string;
  /** Of an Ethernet interface, IPv4. Default: the highest address of the network. */
  readonly broadcast?: string;
  /** False: no route to the address's network comes with it. Default true. */
  readonly connectedRoute?: boolean;
}

export interface BsdLinkChange {
  readonly up?: boolean;
  readonly mtuBytes?: number;
  readonly mac?: string;
  readonly name?: string;
}

/** An address as a request has it, and the network that it belongs to. */
export interface NetworkAlias extends requests.Alias {
  readonly prefix: ip.IpPrefix;
}

/** netinet6/nd6.h struct in6_ndireq: | name 16 | … flags u32 at 36 … | 72 octets */
const NDIREQ_BYTES = 72;
const NDI_FLAGS_AT = 36;
const ND6_IFF_AUTO_LINKLOCAL = 0x20;
const ND6_IFF_NO_DAD = 0x100;

const MAC = /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/;

/**
 * Of a point-to-point interface an IPv4 address has another end, by default itself; an IPv6 address has one only where
 * it stands for one host. Of an Ethernet interface an IPv4 address has a broadcast address in that place.
 * @throws DeviceError E_DEVICE_OPTION
 */
export function aliasOf(address: string, pointToPoint: boolean, { peer, broadcast }: BsdAddressOptions): NetworkAlias {
  const own = ip.parsePrefix(address);
  const { octets } = own;
  const prefix = peer === undefined ? own : ip.parsePrefix(peer);
  if (prefix.family !== own.family) {
    throw new DeviceError("E_DEVICE_OPTION", `peer of ${address}: expected IPv${own.family}, found "${peer}"`);
  }
  const mask = ip.maskOf(prefix.prefixLength, octets.length);
  const alias = { address: octets, mask, prefix };
  if (!pointToPoint) {
    if (own.family === 6) return alias;
    const highest = broadcast === undefined || broadcast === "auto";
    return { ...alias, destination: highest ? ip.broadcastOf(own) : ip.parseAddress(broadcast) };
  }
  if (own.family === 4) return { ...alias, destination: prefix.octets };
  if (peer !== undefined) return { ...alias, destination: prefix.octets, mask: ip.maskOf(128, 16) };
  return prefix.prefixLength === 128 ? { ...alias, destination: ip.nextOf(octets) } : alias;
}

/** @throws DeviceError E_DEVICE_OPTION when the text is no hardware address */
export function parseMac(text: string): Uint8Array {
  if (MAC.test(text)) return Uint8Array.from(text.split(":"), (octet) => Number.parseInt(octet, 16));
  const expected = "expected six octets as in 02:00:00:00:00:01";
  throw new DeviceError("E_DEVICE_OPTION", `hardware address: ${expected}, found "${text}"`);
}

export class InterfaceControl {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** In an order in which systems take it. Errors as `BsdNetwork.setLink` has them. */
  set(name: string, { mtuBytes, mac, up, name: newName }: BsdLinkChange): void {
    if (mtuBytes !== undefined) this.#setMtu(name, mtuBytes);
    if (mac !== undefined) this.#setMac(name, mac);
    if (up !== undefined) this.#setUp(name, up);
    if (newName !== undefined) this.#setName(name, newName);
  }

  addAlias(name: string, address: string, alias: NetworkAlias): void {
    const { SIOCAIFADDR, SIOCAIFADDR_IN6 } = this.#system.requests;
    const code = alias.prefix.family === 4 ? SIOCAIFADDR : SIOCAIFADDR_IN6;
    const errno = this.request(code, requests.aliasRequest(this.#system, name, alias), alias.prefix.family);
    if (errno === errors.EINVAL) {
      const expected = "expected one that the interface can have";
      throw new DeviceError("E_DEVICE_OPTION", `address of ${name}: ${expected}, found ${address}`, errno);
    }
    errors.check(`adding ${address} to ${name}`, errno);
  }

  removeAlias(name: string, octets: Uint8Array): void {
    const { SIOCDIFADDR, SIOCDIFADDR_IN6 } = this.#system.requests;
    const family = octets.length === 4 ? 4 : 6;
    const request = requests.addressRequest(this.#system, name, octets);
    const errno = this.request(family === 4 ? SIOCDIFADDR : SIOCDIFADDR_IN6, request, family);
    errors.check(`removing ${ip.formatAddress(octets)} from ${name}`, errno);
  }

  /** No IPv6 link-local address comes by itself. What else neighbour discovery was told stays. */
  disableLinkLocal(name: string): void {
    const { SIOCGIFINFO_IN6, SIOCSIFINFO_IN6 } = this.#system.requests;
    if (SIOCGIFINFO_IN6 === undefined || SIOCSIFINFO_IN6 === undefined) {
      throw unsupported(this.#calls, "switching IPv6 link-local addresses off");
    }
    const octets = new Uint8Array(new ArrayBuffer(NDIREQ_BYTES));
    octets.set(requests.interfaceRequest(this.#system, name).subarray(0, requests.VALUE_AT));
    errors.check(`asking for the IPv6 flags of ${name}`, this.request(SIOCGIFINFO_IN6, octets, 6));
    const view = new DataView(octets.buffer);
    const flags = view.getUint32(NDI_FLAGS_AT, true);
    view.setUint32(NDI_FLAGS_AT, (flags & ~ND6_IFF_AUTO_LINKLOCAL) | ND6_IFF_NO_DAD, true);
    errors.check(`setting the IPv6 flags of ${name}`, this.request(SIOCSIFINFO_IN6, octets, 6));
  }

  /** Makes an interface; the system may complete the name. @throws DeviceError E_DEVICE_BUSY when it is taken */
  create(name: string): string {
    const octets = requests.interfaceRequest(this.#system, name);
    errors.check(`making the interface ${name}`, this.request(this.#system.requests.SIOCIFCREATE, octets));
    return new TextDecoder().decode(octets.subarray(0, octets.indexOf(0)));
  }

  /** Removes an interface that was made; 0, or the errno. */
  destroy(name: string): number {
    return this.request(this.#system.requests.SIOCIFDESTROY, requests.interfaceRequest(this.#system, name));
  }

  /** A request by a socket of the family; 0, or the errno. The answer lies in the octets. */
  request(code: number, octets: Uint8Array, family: 4 | 6 = 4): number {
    const fd = this.#calls.socket(family === 4 ? AF_INET : this.#system.AF_INET6, SOCK_DGRAM, 0);
    if (fd < 0) return this.#calls.errno();
    try {
      return this.#calls.ioctl(fd, code, octets);
    } finally {
      this.#calls.close(fd);
    }
  }

  get #system() {
    return this.#calls.environment.system;
  }

  #setMtu(name: string, mtuBytes: number): void {
    const errno = this.request(this.#system.requests.SIOCSIFMTU, requests.mtuRequest(this.#system, name, mtuBytes));
    if (errno === errors.EINVAL) {
      const expected = "expected one that the interface can have";
      throw new DeviceError("E_DEVICE_OPTION", `MTU of ${name}: ${expected}, found ${mtuBytes}`, errno);
    }
    errors.check(`setting the MTU of ${name}`, errno);
  }

  /** The other flags stay as they are. */
  #setUp(name: string, up: boolean): void {
    const octets = requests.interfaceRequest(this.#system, name);
    errors.check(`asking for the flags of ${name}`, this.request(this.#system.requests.SIOCGIFFLAGS, octets));
    const view = new DataView(octets.buffer);
    const flags = view.getUint16(requests.VALUE_AT, true);
    view.setUint16(requests.VALUE_AT, up ? flags | IFF_UP : flags & ~IFF_UP, true);
    errors.check(`setting the flags of ${name}`, this.request(this.#system.requests.SIOCSIFFLAGS, octets));
  }

  #setMac(name: string, mac: string): void {
    const { SIOCSIFLLADDR } = this.#system.requests;
    if (SIOCSIFLLADDR === undefined) throw unsupported(this.#calls, "changing a hardware address");
    const errno = this.request(SIOCSIFLLADDR, requests.macRequest(this.#system, name, parseMac(mac)));
    errors.check(`setting the hardware address of ${name}`, errno);
  }

  /** The request holds the address of the new name, which stays referenced until the call has ended. */
  #setName(name: string, newName: string): void {
    const { SIOCSIFNAME } = this.#system.requests;
    if (SIOCSIFNAME === undefined) throw unsupported(this.#calls, "renaming an interface");
    const text = requests.interfaceRequest(this.#system, newName).subarray(0, requests.VALUE_AT);
    const errno = this.request(SIOCSIFNAME, requests.pointerRequest(this.#system, name, text));
    errors.check(`renaming ${name} to ${newName}`, errno);
  }
}

function unsupported(calls: Calls, what: string): DeviceError {
  const { platform } = calls.environment.system;
  return new DeviceError("E_UNSUPPORTED", `${what}: expected a platform that has it, found ${platform}`);
}
