// The name servers of a link, told to systemd-resolved over D-Bus. Source: org.freedesktop.resolve1(5).
import { DeviceError, type DeviceErrorCode } from "@bunnel/device";
import type { DBusError, Message, MessageBus } from "dbus-native";
import { systemFamily } from "../netcfg/octets.ts";
import type { CheckedDns } from "./settings.ts";

const CALL_TIMEOUT_MS = 5000;

const BUS = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
} as const;
const MANAGER = {
  destination: "org.freedesktop.resolve1",
  path: "/org/freedesktop/resolve1",
  interface: "org.freedesktop.resolve1.Manager",
} as const;

const CODES: Readonly<Record<string, DeviceErrorCode>> = {
  "org.freedesktop.DBus.Error.AccessDenied": "E_DEVICE_DENIED",
  "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired": "E_DEVICE_DENIED",
  "org.freedesktop.DBus.Error.InvalidArgs": "E_DEVICE_OPTION",
  "org.freedesktop.DBus.Error.NameHasNoOwner": "E_DEVICE_MISSING",
  "org.freedesktop.DBus.Error.ServiceUnknown": "E_DEVICE_MISSING",
  "org.freedesktop.DBus.Error.UnknownMethod": "E_UNSUPPORTED",
  "org.freedesktop.resolve1.NoSuchLink": "E_DEVICE_GONE",
  // It belongs to systemd-networkd.
  "org.freedesktop.resolve1.LinkBusy": "E_DEVICE_BUSY",
};

/** A connection to the bus. It keeps the process alive: close it when the calls are done. */
export class Resolved implements Disposable {
  readonly #bus: MessageBus;
  /** Why the connection ended. */
  #cause: Error | undefined;

  private constructor(bus: MessageBus) {
    this.#bus = bus;
    bus.connection.on("error", (error) => (this.#cause ??= error));
  }

  /**
   * @param socket as `busSocket` gives it
   * @throws DeviceError E_DEVICE_MISSING when no bus listens there, or resolved is not on it
   */
  static async connect(socket: string): Promise<Resolved> {
    const { createClient } = await import("dbus-native");
    // The transport that can carry descriptors would start a thread; none are carried here. "direct": we greet the bus
    // ourselves, because nobody could catch the error of a greeting that the library makes.
    const connection = { socket, fdTransport: false, direct: true, timeout: CALL_TIMEOUT_MS };
    const resolved = new Resolved(createClient(connection));
    try {
      await resolved.#call(BUS, "Hello", "", []);
      const hasOwner = await resolved.#call(BUS, "NameHasOwner", "s", [MANAGER.destination]);
      if (hasOwner === true) return resolved;
      throw new DeviceError("E_DEVICE_MISSING", "systemd-resolved: expected it on the system bus, found it absent");
    } catch (error) {
      resolved.close();
      throw error;
    }
  }

  /** Its process number. */
  async processId(): Promise<number> {
    return Number(await this.#call(BUS, "GetConnectionUnixProcessID", "s", [MANAGER.destination]));
  }

  /**
   * Sets servers, domains and default route of a link; what is not named of them is as before.
   * @throws DeviceError E_DEVICE_GONE for a link that it does not know, E_DEVICE_DENIED, E_DEVICE_BUSY for a link of
   * systemd-networkd, E_UNSUPPORTED for a resolved without default routes
   */
  async setLink(index: number, { servers, domains, defaultRoute }: CheckedDns): Promise<void> {
    const addresses = servers.map(({ family, octets }) => [systemFamily(family), Buffer.from(octets)]);
    await this.#call(MANAGER, "SetLinkDNS", "ia(iay)", [index, addresses]);
    const names = domains.map(({ name, routeOnly }) => [name, routeOnly]);
    await this.#call(MANAGER, "SetLinkDomains", "ia(sb)", [index, names]);
    if (defaultRoute !== undefined) await this.#call(MANAGER, "SetLinkDefaultRoute", "ib", [index, defaultRoute]);
  }

  /** Takes back whatever was set for a link. Errors as for `setLink`. */
  async revertLink(index: number): Promise<void> {
    await this.#call(MANAGER, "RevertLink", "i", [index]);
  }

  /** Every call has had its answer by now, so nothing is lost; a bus that hangs would not answer to a farewell. */
  close(): void {
    this.#bus.connection.stream.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #call(peer: typeof BUS | typeof MANAGER, member: string, signature: string, body: unknown[]): Promise<unknown> {
    const message: Message = { ...peer, member, ...(signature === "" ? {} : { signature, body }) };
    try {
      return await this.#bus.invoke(message);
    } catch (error) {
      throw callError(peer === BUS ? "system bus" : "systemd-resolved", member, error as DBusError, this.#cause);
    }
  }
}

/** A connection that never was is E_DEVICE_MISSING; an answer that never came is E_DEVICE_SYSTEM. */
function callError(peer: string, member: string, error: DBusError, cause: Error | undefined): DeviceError {
  if (cause) return new DeviceError("E_DEVICE_MISSING", `system bus: ${cause.message}`, 0, { cause });
  const code = CODES[error.dbusName ?? ""] ?? "E_DEVICE_SYSTEM";
  const words = error.dbusName === undefined ? error.message : `${error.message} (${error.dbusName})`;
  return new DeviceError(code, `${peer} ${member}: ${words}`, 0, { cause: error });
}
