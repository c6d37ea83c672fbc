// A driver on its own system: an interface comes, answers the system's ping in both families, and goes.
import { expect, test } from "bun:test";
import { PacketPort } from "@bunnel/device";
import { BsdNetwork, type BsdTun, type Calls } from "../src/index.ts";

export interface RealSubject {
  readonly calls: Calls;
  /** A device of IP packets with 192.0.2.1/24 and 2001:db8:77::1/64. */
  open(): BsdTun;
  /** A device of Ethernet frames. */
  openTap(): BsdTun;
}

const PINGS = 3;
const ICMP = 1;
const ICMPV6 = 58;

/** Turns an echo request of either family (RFC 792, RFC 4443) into its answer; undefined for any other packet. */
export function echoReply(packet: Uint8Array): Uint8Array | undefined {
  const isIpv6 = (packet[0] ?? 0) >> 4 === 6;
  const [protocolAt, sourceAt, addressBytes, messageAt] = isIpv6 ? [6, 8, 16, 40] : [9, 12, 4, 20];
  const [protocol, request, answer] = isIpv6 ? [ICMPV6, 128, 129] : [ICMP, 8, 0];
  if (packet[protocolAt] !== protocol || packet[messageAt] !== request) return undefined;
  const reply = packet.slice();
  const [source, destination] = [sourceAt, sourceAt + addressBytes];
  reply.set(packet.subarray(destination, destination + addressBytes), source);
  reply.set(packet.subarray(source, source + addressBytes), destination);
  reply[messageAt] = answer;
  const view = new DataView(reply.buffer);
  // RFC 1624: the checksum changes by what the type changed.
  const sum = (~view.getUint16(messageAt + 2) & 0xffff) + (~(request << 8) & 0xffff) + (answer << 8);
  const folded = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(messageAt + 2, ~((folded & 0xffff) + (folded >>> 16)) & 0xffff);
  return reply;
}

/** Registers the tests, which only root can pass, on the system itself. */
export function realSuite(subject: () => RealSubject): void {
  test.each([
    ["IPv4", ["ping", "-c", String(PINGS), "192.0.2.77"]],
    ["IPv6", ["ping6", "-c", String(PINGS), "2001:db8:77::77"]],
  ])("a device answers the system's ping, %s", async (_, command) => {
    const device = subject().open();
    const port = new PacketPort(device);
    const answering = (async () => {
      for await (const packet of port) {
        const reply = echoReply(packet);
        if (reply) await port.send(reply);
      }
    })();
    const ping = Bun.spawn(command, { stdout: "pipe" });
    const text = await new Response(ping.stdout).text();
    device.close();
    await answering;
    expect(text).toMatch(new RegExp(`${PINGS} packets received|${PINGS} received`));
  });

  test("the system shows its interface and addresses while it is open, and not after", () => {
    using network = new BsdNetwork(subject().calls);
    const device = subject().open();
    const { name, index } = device;
    expect(network.link(name)).toMatchObject({ index, up: true });
    expect(network.addresses(index).map(({ address }) => address)).toEqual(
      expect.arrayContaining(["192.0.2.1/24", "2001:db8:77::1/64"]),
    );
    network.addRoute({ destination: "203.0.113.0/24", index });
    expect(network.lookupRoute("203.0.113.9")).toMatchObject({ destination: "203.0.113.0/24", index });
    device.close();
    expect(network.link(name)).toBeUndefined();
  });

  test("a TAP device sees frames that the system sends, and goes", async () => {
    using network = new BsdNetwork(subject().calls);
    const device = subject().openTap();
    const { name } = device;
    const ping = Bun.spawn(["ping", "-c", "1", "192.0.2.99"], { stdout: "ignore" });
    const frame = await new PacketPort(device).read({ signal: AbortSignal.timeout(10_000) });
    // Somebody asks for 192.0.2.99, or solicits for a neighbour.
    expect(frame.length).toBeGreaterThan(14);
    ping.kill();
    device.close();
    expect(network.link(name)).toBeUndefined();
  });
}
