// Hardware addresses as text: "02:00:00:00:00:01".
import { DeviceError } from "@bunnel/device";

const MAC = /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/;

/**
 * Six octets, two hexadecimal digits each.
 * @throws DeviceError E_DEVICE_OPTION when the text is no such address
 */
export function parseMac(text: string): Uint8Array {
  if (!MAC.test(text)) {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `hardware address: expected six octets as in 02:00:00:00:00:01, found "${text}"`,
    );
  }
  return Uint8Array.from(text.split(":"), (octet) => Number.parseInt(octet, 16));
}

/**
 * The address of an interface: one receiver's, which is neither a group's nor nobody's (IEEE 802, section 8.2.2; the
 * kernel's is_valid_ether_addr).
 * @throws DeviceError E_DEVICE_OPTION when the text is none
 */
export function parseOwnMac(text: string): Uint8Array {
  const octets = parseMac(text);
  const isGroup = ((octets[0] ?? 0) & 1) === 1;
  if (!isGroup && octets.some((octet) => octet !== 0)) return octets;
  const found = isGroup ? `${text}, which is a group's` : `${text}, which is nobody's`;
  throw new DeviceError("E_DEVICE_OPTION", `hardware address: expected that of one interface, found ${found}`);
}

/** Of any length: some links have addresses that are not Ethernet's. */
export function formatMac(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(":");
}
