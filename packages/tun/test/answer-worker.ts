// A thread that answers pings (RFC 792), and tells what it has of the device.
import type { DeviceHandOver } from "@bunnel/device";
import { openTransferred } from "../src/index.ts";

export interface Found {
  readonly name: string;
  readonly index: number;
  readonly mtuBytes: number;
}

interface WorkerScope {
  onmessage: ((event: { readonly data: DeviceHandOver }) => void) | null;
  postMessage(found: Found | "ended"): void;
}

const scope = globalThis as unknown as WorkerScope;
scope.onmessage = ({ data }) => void answer(data);

async function answer(handOver: DeviceHandOver): Promise<void> {
  using tun = openTransferred(handOver);
  const { name, mtuBytes } = tun.interface.info();
  scope.postMessage({ name, index: tun.index, mtuBytes });
  for await (const packet of tun) tun.write(echoReply(packet));
  scope.postMessage("ended");
}

/** The request with its addresses turned and another type, and the checksum of the ICMP header that goes with it. */
function echoReply(request: Uint8Array): Uint8Array {
  const reply = request.slice();
  reply.set(request.subarray(16, 20), 12);
  reply.set(request.subarray(12, 16), 16);
  reply[20] = 0;
  const view = new DataView(reply.buffer);
  const sum = view.getUint16(22) + 0x0800;
  view.setUint16(22, (sum & 0xffff) + (sum >> 16));
  return reply;
}
