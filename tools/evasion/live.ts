// Measures the table live and writes it down: `bun tools/evasion/live.ts` as root, on a machine with tcpdump, curl,
// nDPI's ndpiReader, tshark and iptables. Traffic stays in network namespaces of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CensorName, GENEVA_NAMES, type NamedStrategy, namedStrategies } from "@bunnel/lab";
import { BLOCKED_NAME, LiveLab } from "@bunnel/lab/live";
import { captureOf, DETECTORS, detectorVersions } from "./live-detectors.ts";
import { LIVE_PATH, type LiveTable } from "./live-table.ts";

const PROGRAM = join(import.meta.dirname, "../../apps/bunnel/src/main.ts");
/** Boxes that watch a whole connection of curl; the others want other clients or other servers than the lab has. */
const BOXES: readonly CensorName[] = [
  "packet",
  "first-packet",
  "inorder",
  "inorder-exact",
  "full-first",
  "full-cksum",
  "full-last",
  "full-valid",
  "strict",
  "gfw-tls",
  "iran",
  "rst-tap",
  ...GENEVA_NAMES,
];
/** What changes the SYN or is about HTTP, QUIC and DNS is left out: the client is one of HTTPS. */
const STRATEGIES: readonly string[] = [
  "(nothing)",
  "split first octets",
  "split in the name",
  "disorder",
  "fake ttl",
  "fake badsum",
  "fake md5sig",
  "fake ts",
  "fake datanoack",
  "fake ttl + split",
  "fake ttl + disorder",
  "fakedsplit ttl",
  "hostfakesplit midhost",
  "seqovl first piece",
  "seqovl second piece",
  "rst ttl",
  "rst,ack badsum",
  "rst ttl + split",
  "ip fragments",
];
/** How long a client waits before it counts as blocked, and how many wait at one time. */
const TIMEOUT_MS = 4000;
const CLIENTS = 6;
const XT_STRING = "xt_string";

/** One strategy against all boxes, the kernel's own string match and the detectors. */
async function measure(lab: LiveLab, named: NamedStrategy, folder: string): Promise<Record<string, string>> {
  const order = named.strategy === undefined ? undefined : { strategy: named.strategy };
  await using _service = order === undefined ? undefined : await lab.up(order);
  await lab.setCensors(BOXES);
  const cells: Record<string, string> = {};
  const waiting = [...BOXES.entries()];
  const client = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [server, box] = next;
      cells[box] = await fetchOnce(lab, server);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await lab.setCensor(undefined);
  cells[XT_STRING] = await againstKernel(lab);
  const capture = await captureOf(lab, join(folder, "capture.pcap"), () => fetchOnce(lab, 0));
  for (const { name, finds } of DETECTORS) cells[name] = finds(capture, BLOCKED_NAME) ? "name" : "hidden";
  return Object.fromEntries(
    [...BOXES, XT_STRING, ...DETECTORS.map(({ name }) => name)].map((box) => [box, cells[box] ?? ""]),
  );
}

async function fetchOnce(lab: LiveLab, server: number): Promise<string> {
  const order = { host: BLOCKED_NAME, scheme: "https", family: 4, server, timeoutMs: TIMEOUT_MS } as const;
  return (await lab.fetch(order)).outcome;
}

/** The kernel's string match on the router behind the box, as a firewall rule. */
async function againstKernel(lab: LiveLab): Promise<string> {
  const rule = ["FORWARD", "-p", "tcp", "-m", "string", "--algo", "bm", "--string", BLOCKED_NAME, "-j", "DROP"];
  const added = await lab.hop.run(["iptables", "-w", "-I", ...rule]);
  if (added.status !== 0) throw new Error(`iptables: ${added.stderr.trim()}`);
  try {
    return await fetchOnce(lab, 0);
  } finally {
    await lab.hop.run(["iptables", "-w", "-D", ...rule]);
  }
}

if (import.meta.main) {
  const folder = mkdtempSync(join(tmpdir(), "bunnel-live-"));
  const cells: Record<string, Record<string, string>> = {};
  try {
    await using lab = await LiveLab.create({ service: [process.execPath, PROGRAM] });
    const strategies = new Map(namedStrategies(lab.hopLimits.censor).map((named) => [named.name, named]));
    for (const name of STRATEGIES) {
      const named = strategies.get(name);
      if (named === undefined) throw new Error(`strategy ${name}: expected it in the list, found none`);
      cells[name] = await measure(lab, named, folder);
      console.log(name, JSON.stringify(cells[name]));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const table: LiveTable = { with: detectorVersions(), cells };
  await Bun.write(LIVE_PATH, `${JSON.stringify(table, undefined, 2)}\n`);
  console.log(`written: ${LIVE_PATH}`);
}
