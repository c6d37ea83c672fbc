// Measures the live table and writes it down: `bun tools/evasion/live.ts [client…] [detectors]` as root, with nginx,
// ngtcp2's client and server, curl, dig, Chromium, tcpdump, iptables, nDPI's ndpiReader and tshark. Clients that are
// not named keep what was written last. Traffic stays in network namespaces of its own.
import { EngineRig } from "@bunnel/lab";
import { BLOCKED_NAME } from "@bunnel/lab/live";
import { LIVE_CLIENTS, type LiveClient } from "./live/clients.ts";
import { captureOf, DETECTORS, programVersions } from "./live/detectors.ts";
import { measureRow, simulatedRow, startStrategy } from "./live/measure.ts";
import { LiveRange } from "./live/range.ts";
import {
  differs,
  explanationOf,
  LIVE_PATH,
  type LiveCells,
  liveCells,
  type LiveTable,
  readLive,
} from "./live/table.ts";

const NO_BOX = "(no box)";
const XT_STRING = "xt_string";
/** The word for the detectors alone. */
const ONLY_DETECTORS = "detectors";
const DETECTION_MS = 4000;

/** All rows of one client. */
async function measureClient(range: LiveRange, rig: EngineRig, client: LiveClient): Promise<LiveCells> {
  const cells: Record<string, Readonly<Record<string, string>>> = {};
  for (const strategy of client.strategies) {
    const row = { client, strategy, boxes: client.boxes };
    const simulated = simulatedRow(rig, row);
    const live = await measureRow(range, row, simulated);
    cells[strategy] = live;
    const others = client.boxes.filter((box) => differs({ simulated: simulated[box] ?? "-", live: live[box] ?? "" }));
    console.log(
      `${client.name}: ${strategy}: ${others.length === 0 ? "as simulated" : `differs at ${others.join(" ")}`}`,
    );
  }
  return cells;
}

/** The kernel's own string match and real detectors, each against every strategy of one client. */
async function measureDetectors(range: LiveRange, client: LiveClient): Promise<LiveCells> {
  const cells: Record<string, Readonly<Record<string, string>>> = {};
  await range.lab.setCensor(undefined);
  for (const strategy of client.strategies) {
    await using _service = await startStrategy(range, strategy);
    const ask = () => client.ask(range, { place: 0, timeoutMs: DETECTION_MS, long: false });
    const kernel = await againstKernel(range, ask);
    let open: string = "";
    const capture = await captureOf(range.lab, range.fresh("capture.pcap"), async () => (open = await ask()));
    // Where there was no connection nobody can find a name in it.
    const isThere = open === "served";
    const found = DETECTORS.map(({ name, finds }): [string, string] => {
      return [name, isThere ? (finds(capture, BLOCKED_NAME) ? "name" : "hidden") : ""];
    });
    cells[strategy] = { [NO_BOX]: open, [XT_STRING]: kernel, ...Object.fromEntries(found) };
    console.log(`detectors: ${strategy}: ${JSON.stringify(cells[strategy])}`);
  }
  return cells;
}

/** The kernel's string match on the router behind the box, as a firewall rule. */
async function againstKernel({ lab }: LiveRange, ask: () => Promise<string>): Promise<string> {
  const rule = ["FORWARD", "-p", "tcp", "-m", "string", "--algo", "bm", "--string", BLOCKED_NAME, "-j", "DROP"];
  const added = await lab.hop.run(["iptables", "-w", "-I", ...rule]);
  if (added.status !== 0) throw new Error(`iptables: ${added.stderr.trim()}`);
  try {
    return await ask();
  } finally {
    await lab.hop.run(["iptables", "-w", "-D", ...rule]);
  }
}

async function main(wanted: readonly string[]): Promise<void> {
  const known = await readLive();
  const rig = await EngineRig.create();
  const measured = new Map(Object.entries(known?.clients ?? {}));
  let detectors = known?.detectors ?? {};
  await using range = await LiveRange.open();
  for (const client of LIVE_CLIENTS) {
    const isWanted = wanted.length === 0 || wanted.includes(client.name);
    const isDetected = client.isDetected === true && (isWanted || wanted.includes(ONLY_DETECTORS));
    if (!isWanted && !isDetected) continue;
    if (!client.isThere) throw new Error(`${client.name}: expected the program on this machine, found none`);
    if (isWanted) measured.set(client.name, await measureClient(range, rig, client));
    if (isDetected) detectors = await measureDetectors(range, client);
  }
  const inOrder = LIVE_CLIENTS.flatMap(({ name }) => {
    const cells = measured.get(name);
    return cells === undefined ? [] : [[name, cells] as const];
  });
  const table: LiveTable = { with: programVersions(), clients: Object.fromEntries(inOrder), detectors };
  await Bun.write(LIVE_PATH, `${JSON.stringify(table, undefined, 2)}\n`);
  console.log(`written: ${LIVE_PATH}`);
  for (const cell of liveCells(rig, table).filter(differs)) {
    const { client, strategy, box, simulated, live } = cell;
    const why = explanationOf(cell) ?? "not explained";
    console.log(`${client}, ${strategy}, ${box}: simulated ${simulated}, live ${live}: ${why}`);
  }
}

if (import.meta.main) await main(process.argv.slice(2));
