// Prints every packet that the system sends to 192.0.2.0/24, and keeps them in a file that Wireshark reads.
//
//   bun docs/examples/packet-logger.ts packets.pcapng & ping -c 3 192.0.2.77 ; kill %1 ; tshark -r packets.pcapng
import { openTun, PacketPort, PcapTap, Tracer } from "../../packages/tun/src/index.ts"; // "@bunnel/tun"
import { PcapngWriter, printPacket } from "../../packages/wire/src/index.ts"; // "@bunnel/wire"

const ended = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => ended.abort());

const file = Bun.file(process.argv[2] ?? "packets.pcapng").writer();
await using tun = openTun({ addresses: ["192.0.2.1/24"], ipv6LinkLocal: "none" });
console.log(`${tun.name} logs`);

// Devices around devices: the port reads from the tracer, the tracer from the capture, the capture from the system.
const interfaces = [{ linkType: PcapTap.linkTypeOf(tun.device), name: tun.name }];
const writer = new PcapngWriter((piece) => void file.write(piece), interfaces);
const capture = new PcapTap(tun.device, writer);
const tracer = new Tracer(capture, { print: (line) => console.log(line), describe: printPacket });
const port = new PacketPort(tracer);

for await (const _packet of port.packets({ signal: ended.signal })) {
  // It is printed and captured by now; what is in the file shall be complete whenever somebody looks.
  await file.flush();
}

await file.end();
console.log(`${tracer.counts.readPackets} packets, ${tracer.counts.readBytes} octets`);
