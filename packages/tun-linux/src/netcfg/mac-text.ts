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

/** Of any length: some links have addresses that are not Ethernet's. */
export function formatMac(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(":");
}
