// Where the system bus listens. Source: D-Bus Specification, sections "Server Addresses" and "Well-known Message Bus
// Instances". Only sockets of this machine count: the other transports lead elsewhere or start programs.
const SYSTEM_BUS = "unix:path=/run/dbus/system_bus_socket";

/**
 * The first unix socket of a bus address, as node:net takes it; an abstract one begins with a NUL. Undefined when the
 * address has none.
 */
export function busSocket(address = process.env["DBUS_SYSTEM_BUS_ADDRESS"] ?? SYSTEM_BUS): string | undefined {
  for (const entry of address.split(";")) {
    const colon = entry.indexOf(":");
    if (entry.slice(0, colon) !== "unix") continue;
    for (const pair of entry.slice(colon + 1).split(",")) {
      const equals = pair.indexOf("=");
      const value = unescape(pair.slice(equals + 1));
      if (pair.slice(0, equals) === "path" && value !== "") return value;
      if (pair.slice(0, equals) === "abstract" && value !== "") return `\0${value}`;
    }
  }
  return undefined;
}

/** "%20" is the octet 0x20. */
function unescape(value: string): string {
  const octets = value.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(octets, "latin1").toString();
}
