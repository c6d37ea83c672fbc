import type { Command } from "commander";
import { L7, PACKET_MAX_BYTES, Verdict } from "@bunnel/abi";
import { Engine, HostNames, QuicNames, type EngineCounters, type FoundMessage } from "@bunnel/engine";
import { encodeRules } from "@bunnel/profile";
import { ipOctets, readCapture, writePcap, writePcapng, type Capture, type PacketToCapture } from "@bunnel/wire";
import { ExitError } from "../service/exit.ts";
import { readProfile } from "../service/read-profile.ts";

interface ReplayOptions {
  readonly profile?: string;
  readonly strategy?: string;
  readonly output?: string;
  readonly list?: boolean;
  readonly json?: boolean;
}

/** A message that was recognised in the capture. */
interface ReplayedMessage {
  /** Number of the packet that completed it, from 1, as other tools count them. */
  readonly packet: number;
  readonly kind: string;
  readonly host?: string;
  readonly verdict: string;
  /** Packets that stand in its place. */
  readonly sent: number;
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
    .option("-l, --list", "say of each message in which packet it is, whose name it bears and what became of it")
    .option("--json", "print the figures as JSON, with --list the messages too")
    .action(replay);
}

async function replay(path: string, options: ReplayOptions): Promise<void> {
  const profile = await readProfile(options);
  const capture = readCapture(await readOctets(path));
  const engine = await Engine.create({ maxFlows: profile.limits.maxFlows, seed: 1n });
  engine.loadRules(encodeRules(profile, { streamRules: "leave" }));
  const { packets, notIp, messages } = carry(capture, engine);
  if (options.output !== undefined) await Bun.write(options.output, captureFile(options.output, capture, packets));
  const report = { read: capture.packets.length, written: packets.length, notIp, ...engine.counters() };
  const listed = options.list ? messages : [];
  const text = options.json
    ? `${JSON.stringify(options.list ? { ...report, messages } : report)}\n`
    : `${listed.map(messageLine).join("")}${reportText(path, report, options.output)}`;
  process.stdout.write(text);
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

interface Carried {
  readonly packets: readonly PacketToCapture[];
  readonly notIp: number;
  readonly messages: readonly ReplayedMessage[];
}

function carry(capture: Capture, engine: Engine): Carried {
  const packets: PacketToCapture[] = [];
  const messages: ReplayedMessage[] = [];
  const lane = engine.lane(0, { mtuBytes: PACKET_MAX_BYTES });
  const names = new HostNames(lane);
  const quic = new QuicNames();
  let notIp = 0;
  for (const [index, captured] of capture.packets.entries()) {
    const { octets, originalBytes, timestampNs, interfaceId } = captured;
    const linkType = capture.interfaces[interfaceId]?.linkType ?? capture.linkType;
    const ip = octets.length < originalBytes ? undefined : ipOctets(linkType, octets);
    if (ip === undefined || ip.length > PACKET_MAX_BYTES) {
      notIp++;
      packets.push(captured);
      continue;
    }
    const link = octets.subarray(0, octets.length - ip.length);
    const sent: Uint8Array[] = [];
    lane.place(0, ip);
    lane.work(1, Number((timestampNs / NS_PER_MS) & 0xffffffffn), () => void sent.push(...lane.sent()), quic);
    for (const [i, packet] of sent.entries()) {
      const whole = new Uint8Array(link.length + packet.length);
      whole.set(link);
      whole.set(packet, link.length);
      packets.push({ octets: whole, interfaceId, timestampNs: timestampNs + BigInt(i) * NS_APART });
    }
    const found = names.take();
    if (found) messages.push(replayed(index + 1, found, lane.meta(0).verdict, sent.length));
  }
  return { packets, notIp, messages };
}

function replayed(packet: number, { l7, host }: FoundMessage, verdict: Verdict, sent: number): ReplayedMessage {
  const [kind, became] = [L7[l7].toLowerCase(), Verdict[verdict].toLowerCase()];
  return { packet, kind, verdict: became, sent, ...(host !== undefined && { host }) };
}

function messageLine({ packet, kind, host, verdict, sent }: ReplayedMessage): string {
  return `packet ${packet}: ${kind} ${host ?? "without a name"}: ${verdict}, ${sent} sent\n`;
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
