// What passes a machine of the lab, as tcpdump there sees it. Needs tcpdump.
import type { LabHost, PipedProcess } from "@bunnel/lab/live";
import { decodePacket, ipOctets, readCapture, type DecodedPacket } from "@bunnel/wire";
import { said } from "../cli/run.ts";

/** The last packets may still be on their way through tcpdump. */
const SETTLE_MS = 200;

export interface Witnessed extends DecodedPacket {
  /** The whole IP packet. */
  readonly octets: Uint8Array;
  /** Traffic class: RFC 791 and RFC 8200 section 3. */
  readonly tos: number;
}

export class Witness {
  private constructor(
    private readonly process: PipedProcess,
    private readonly file: Promise<Uint8Array>,
  ) {}

  /** Begins to look at what passes an interface; what passes from now on is seen. */
  static async open(host: LabHost, interfaceName: string, filter: string): Promise<Witness> {
    const words = ["tcpdump", "-i", interfaceName, "-n", "-s", "0", "-U", "--immediate-mode", "-Q", "in", "-w", "-"];
    const child = host.spawn([...words, filter]);
    const file = child.stdout.bytes();
    await said(child.stderr, "listening on");
    return new Witness(child, file);
  }

  /** Ends the look; the packets in order. */
  async close(): Promise<readonly Witnessed[]> {
    await Bun.sleep(SETTLE_MS);
    this.process.kill("SIGINT");
    const capture = readCapture(await this.file);
    return capture.packets.flatMap(({ octets }) => {
      const packet = ipOctets(capture.linkType, octets);
      return packet ? [{ ...decodePacket(packet), octets: packet, tos: tosOf(packet) }] : [];
    });
  }
}

function tosOf(packet: Uint8Array): number {
  const [first = 0, second = 0] = packet;
  return first >> 4 === 4 ? second : ((first & 0x0f) << 4) | (second >> 4);
}
