// What passes the box while something is asked, as a capture: interface 0 is the client's side, 1 the server's. Needs
// tcpdump.
import type { LiveLab } from "@bunnel/lab/live";
import { ipOctets, LINK_RAW, type PacketToCapture, readCapture, writePcapng } from "@bunnel/wire";
import type { LiveRange } from "./range.ts";

/** The links of the box, as it calls them. */
const SIDES = ["client0", "hop0"] as const;
/** The last packets may still be on their way through tcpdump. */
const SETTLE_MS = 300;

/** A pcapng of IP packets in the order in which they were seen. */
export async function captureFlow({ lab }: LiveRange, work: () => Promise<unknown>): Promise<Uint8Array> {
  const watchers = await Promise.all(SIDES.map((side) => watch(lab, side)));
  await work();
  await Bun.sleep(SETTLE_MS);
  const files = await Promise.all(watchers.map((stop) => stop()));
  const packets = files.flatMap((file, interfaceId) => {
    const { packets: seen, linkType } = readCapture(file);
    return seen.flatMap(({ octets, timestampNs }): PacketToCapture[] => {
      const packet = ipOctets(linkType, octets);
      return packet === undefined ? [] : [{ octets: packet, timestampNs, interfaceId }];
    });
  });
  const inOrder = packets.toSorted((one, other) => Number((one.timestampNs ?? 0n) - (other.timestampNs ?? 0n)));
  return writePcapng(inOrder, [
    { linkType: LINK_RAW, name: "client" },
    { linkType: LINK_RAW, name: "server" },
  ]);
}

/** Begins to look; what is returned ends that and gives the file. */
async function watch({ censor }: LiveLab, side: string): Promise<() => Promise<Uint8Array>> {
  const words = ["-n", "-s", "0", "-U", "--immediate-mode", "-w", "-", "ip"];
  const tcpdump = censor.spawn(["tcpdump", "-i", side, ...words]);
  const file = tcpdump.stdout.bytes();
  // It says that it listens before it does anything else.
  await tcpdump.stderr.getReader().read();
  return async () => {
    tcpdump.kill("SIGINT");
    return await file;
  };
}
