// `bun test/captures/make.ts [name]…`: makes the captures in files/ anew with the clients of this machine. Needs root.
import { join } from "node:path";
import { LINK_ETHERNET, decodePacket, ipOctets, readCapture, writePcapng, type CapturedPacket } from "@bunnel/wire";
import { CASES, certificateNames } from "./clients.ts";
import { namesByTshark, type Found } from "./names.ts";
import { CaptureLab } from "./network.ts";

const FOLDER = join(import.meta.dirname, "files");
/** Of each direction of a connection so many packets are kept: all hellos are among them. */
const KEPT_MAX = 8;

const chosen = process.argv.slice(2);
const names: Record<string, readonly Found[]> = await Bun.file(join(FOLDER, "names.json")).json();
await using lab = await CaptureLab.open(certificateNames());
for (const one of CASES.filter(({ name }) => chosen.length === 0 || chosen.includes(name))) {
  const file = readCapture(await lab.capture(() => one.run(lab)));
  const path = join(FOLDER, `${one.name}.pcapng`);
  const octets = writePcapng(kept(file.packets), LINK_ETHERNET);
  await Bun.write(path, octets);
  names[one.name] = await namesByTshark(path);
  console.log(one.name, octets.length, JSON.stringify(names[one.name]));
}
await Bun.write(join(FOLDER, "names.json"), `${JSON.stringify(names, undefined, 2)}\n`);

function kept(packets: readonly CapturedPacket[]): CapturedPacket[] {
  const seen = new Map<string, number>();
  return packets.filter(({ octets }) => {
    const { source, sourcePort, destination, destinationPort } = decodePacket(
      ipOctets(LINK_ETHERNET, octets) ?? octets,
    );
    const way = `${source} ${sourcePort} ${destination} ${destinationPort}`;
    const count = (seen.get(way) ?? 0) + 1;
    seen.set(way, count);
    return count <= KEPT_MAX;
  });
}
