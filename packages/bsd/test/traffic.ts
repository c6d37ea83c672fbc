// Real traffic between two namespaces through two devices: what one reads, the other writes.
import { expect } from "bun:test";
import { DeviceError, PacketPort, type AsyncTunDevice } from "@bunnel/device";
import type { TestNamespace } from "./sys.ts";

/** Octets of the TCP transfer. */
const TRANSFER_BYTES = 1 << 20;
const PINGS = 5;

export interface TrafficEnd {
  readonly namespace: TestNamespace;
  readonly device: AsyncTunDevice;
  /** Without prefix length. */
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Connects the two as a cable would, until both are closed. */
export function connectDevices(here: AsyncTunDevice, there: AsyncTunDevice): Promise<unknown> {
  const [left, right] = [new PacketPort(here), new PacketPort(there)];
  return Promise.all([carry(left, right), carry(right, left)]);
}

async function carry(from: PacketPort, to: PacketPort): Promise<void> {
  try {
    for await (const packet of from) await to.send(packet);
  } catch (error) {
    if (!(error instanceof DeviceError) || error.code !== "E_DEVICE_GONE") throw error;
  }
}

/** Pings of both families, every one answered. */
export async function expectPings(here: TrafficEnd, there: TrafficEnd): Promise<void> {
  for (const address of [there.ipv4, there.ipv6]) {
    const command = ["ping", "-c", String(PINGS), "-i", "0.02", "-W", "5", address];
    const ping = here.namespace.run(() => Bun.spawn(command, { stdout: "pipe" }));
    const text = await new Response(ping.stdout).text();
    expect(text).toContain(`${PINGS} packets transmitted, ${PINGS} received`);
    expect(await ping.exited).toBe(0);
  }
}

const SERVER = `
const hash = new Bun.CryptoHasher("sha256");
let bytes = 0;
const server = Bun.listen({ hostname: process.argv[1], port: 0, socket: {
  data(socket, data) {
    hash.update(data);
    bytes += data.length;
    if (bytes === ${TRANSFER_BYTES}) { socket.end(hash.digest("hex")); server.stop(); }
  },
} });
console.log(server.port);
`;

const CLIENT = `
const octets = new Uint8Array(${TRANSFER_BYTES}).map((_, i) => (i * 31) ^ (i >> 8));
let sent = 0;
const more = (socket) => { while (sent < octets.length) {
  const taken = socket.write(octets.subarray(sent));
  if (taken <= 0) return;
  sent += taken;
} };
await Bun.connect({ hostname: process.argv[1], port: Number(process.argv[2]), socket: {
  open: more, drain: more, data(_, data) { console.log(data.toString()); },
} });
`;

/** A transfer of 1 MiB by TCP, in each family, whose octets arrive as they were sent. */
export async function expectTransfers(here: TrafficEnd, there: TrafficEnd): Promise<void> {
  const octets = new Uint8Array(TRANSFER_BYTES).map((_, i) => (i * 31) ^ (i >> 8));
  const expected = new Bun.CryptoHasher("sha256").update(octets).digest("hex");
  for (const address of [there.ipv4, there.ipv6]) {
    const server = there.namespace.run(() => Bun.spawn([process.execPath, "-e", SERVER, address], { stdout: "pipe" }));
    const reader = server.stdout.getReader();
    const { value } = await reader.read();
    const port = new TextDecoder().decode(value).trim();
    const client = here.namespace.run(() =>
      Bun.spawn([process.execPath, "-e", CLIENT, address, port], { stdout: "pipe" }),
    );
    expect((await new Response(client.stdout).text()).trim()).toBe(expected);
    expect(await server.exited).toBe(0);
  }
}
