import type { Command } from "commander";
import { PACKET_MAX_BYTES } from "@bunnel/abi";
import { Engine, type EngineCounters, type Transform } from "@bunnel/engine";
import { encodeRules } from "@bunnel/profile";
import { ipOctets, readCapture, writePcap, writePcapng, type Capture, type PacketToCapture } from "@bunnel/wire";
import { ExitError } from "../service/exit.ts";
import { readProfile } from "../service/read-profile.ts";

interface ReplayOptions {
  readonly profile?: string;
  readonly strategy?: string;
  readonly output?: string;
  readonly json?: boolean;
}

/** Milliseconds of a capture's nanoseconds, modulo 2^32, as the engine keeps time. */
const NS_PER_MS = 1_000_000n;
/** Packets made of one are this far apart in the capture that is written. */
const NS_APART = 1_000n;

export function register(program: Command): void {
  program
    .command("replay")
    .description("run the engine over a capture (pcap or pcapng); needs no privilege")
    .argument("<capture>", "capture file")
    .option("-p, --profile <file>", "profile (TOML); without it the built-in one")
    .option("-s, --strategy <text>", "one strategy for every host")
    .option("-o, --output <file>", "write the packets that would have left (pcap, or pcapng by its name)")
    .option("--json", "print the figures as JSON")
    .action(replay);
}

async function replay(path: string, options: ReplayOptions): Promise<void> {
  const profile = await readProfile(options);
  const capture = readCapture(await readOctets(path));
  const engine = await Engine.create({ maxFlows: profile.limits.maxFlows, seed: 1n });
  engine.loadRules(encodeRules(profile));
  const { packets, notIp } = carry(capture, engine.transformer({ mtuBytes: PACKET_MAX_BYTES }));
  if (options.output !== undefined) await Bun.write(options.output, captureFile(options.output, capture, packets));
  const report = { read: capture.packets.length, written: packets.length, notIp, ...engine.counters() };
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : reportText(path, report, options.output));
}

async function readOctets(path: string): Promise<Uint8Array> {
  try {
    return await Bun.file(path).bytes();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`capture ${path} cannot be read: ${why}`, 1, { cause });
  }
}

interface Figures {
  readonly read: number;
  readonly written: number;
  /** Packets without IP in them, and packets that were captured cut short: written as they were. */
  readonly notIp: number;
}

function carry(capture: Capture, transform: Transform): { packets: PacketToCapture[]; notIp: number } {
  const packets: PacketToCapture[] = [];
  let notIp = 0;
  for (const captured of capture.packets) {
    const { octets, originalBytes, timestampNs, interfaceId } = captured;
    const linkType = capture.interfaces[interfaceId]?.linkType ?? capture.linkType;
    const ip = octets.length < originalBytes ? undefined : ipOctets(linkType, octets);
    if (ip === undefined || ip.length > PACKET_MAX_BYTES) {
      notIp++;
      packets.push(captured);
      continue;
    }
    const link = octets.subarray(0, octets.length - ip.length);
    const sent = transform(ip, Number((timestampNs / NS_PER_MS) & 0xffffffffn));
    for (const [i, packet] of sent.entries()) {
      const whole = new Uint8Array(link.length + packet.length);
      whole.set(link);
      whole.set(packet, link.length);
      packets.push({ octets: whole, interfaceId, timestampNs: timestampNs + BigInt(i) * NS_APART });
    }
  }
  return { packets, notIp };
}

/** pcapng where the name says so or several link types have to be told apart, else pcap. */
function captureFile(path: string, capture: Capture, packets: readonly PacketToCapture[]): Uint8Array {
  const isOne = capture.interfaces.every(({ linkType }) => linkType === capture.linkType);
  return path.endsWith(".pcapng") || !isOne
    ? writePcapng(packets, capture.interfaces)
    : writePcap(packets, capture.linkType);
}

function reportText(path: string, report: Figures & EngineCounters, output: string | undefined): string {
  const lines = [
    `${path}: ${report.read} packets read, ${report.written} would have left`,
    `${report.messagesTls} TLS hellos and ${report.messagesHttp} HTTP requests, ${report.replaced} replaced by ` +
      `${report.pieces} pieces and ${report.fakes} fakes`,
    ...Object.entries(report.reasons).map(([reason, packets]) => `  ${reason}: ${packets}`),
  ];
  if (report.notIp > 0) lines.push(`  not IP, or cut short by the capture: ${report.notIp}`);
  if (output !== undefined) lines.push(`written to ${output}`);
  return `${lines.join("\n")}\n`;
}
