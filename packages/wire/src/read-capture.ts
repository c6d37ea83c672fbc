// A capture file to its packets. The octets may have been damaged by anybody: every read is checked, every loop moves
// forward, and what cannot be is an error that names the place.
import { captureError, type Capture } from "./capture.ts";
import { isPcap, readPcap } from "./pcap.ts";
import { isPcapng, readPcapng } from "./pcapng-read.ts";

/**
 * Reads a whole pcap or pcapng file, of either order of octets.
 * @throws WireError E_WIRE_CAPTURE that says what was expected, what was found, and at which octet
 */
export function readCapture(octets: Uint8Array): Capture {
  if (isPcapng(octets)) return readPcapng(octets);
  if (isPcap(octets)) return readPcap(octets);
  const found = octets.length === 0 ? "an empty file" : octets.subarray(0, 4).toHex();
  throw captureError(0, "a magic number of pcap or pcapng", found);
}
