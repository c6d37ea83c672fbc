// Measures the live table and writes it down: `bun tools/evasion/live.ts [client…] [detectors] [row:strategy]` as
// root, with nginx, ngtcp2's client and server, curl, dig, Chromium, tcpdump, iptables, nDPI's ndpiReader and tshark.
// Clients and rows that are not named keep what was written last. Traffic stays in network namespaces of its own.
import { EngineRig } from "@bunnel/lab";
import { BLOCKED_NAME } from "@bunnel/lab/live";
import { LIVE_CLIENTS, type LiveClient } from "./live/clients.ts";
import { captureOf, DETECTORS, programVersions } from "./live/detectors.ts";
import { measureRow, simulatedRow, startStrategy } from "./live/measure.ts";
import { LiveRange } from "./live/range.ts";
import { differs, explanationOf, LIVE_PATH, type LiveCells, liveCells, liveClient, readLive } from "./live/table.ts";

const NO_BOX = "(no box)";
const XT_STRING = "xt_string";
/** The router's side of the client: what the server answers over plain HTTP may tell the name too. */
const FROM_BOX = "censor0";
/** The word for the detectors alone. */
const ONLY_DETECTORS = "detectors";
/** Before the name of the only strategy. */
const ROW = "row:";
/** How long a client that is not a browser may take. */
const DETECTION_MS = 4000;

/** The strategies of a client that are measured. */
type Rows = (client: LiveClient) => readonly string[];

/** All rows of one client. */
async function measureClient(range: LiveRange, rig: EngineRig, client: LiveClient, rows: Rows): Promise<LiveCells> {
  const cells: Record<string, Readonly<Record<string, string>>> = {};
  for (const strategy of rows(client)) {
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
async function measureDetectors(range: LiveRange, client: LiveClient, rows: Rows): Promise<LiveCells> {
  const cells: Record<string, Readonly<Record<string, string>>> = {};
  await range.lab.setCensor(undefined);
  for (const strategy of rows(client)) {
    await using _service = await startStrategy(range, strategy);
    const ask = () => client.ask(range, { place: 0, timeoutMs: client.patienceMs ?? DETECTION_MS, long: false });
    const kernel = await againstKernel(range, ask);
    let open: string = "";
    const capture = await captureOf(range.lab, range.fresh("capture.pcap"), async () => (open = await ask()));
    // Where there was no connection nobody can find a name in it.
    const isThere = open === "served";
    const found = DETECTORS.map(({ name, finds }): [string, string] => {
      return [name, isThere ? (finds(capture, BLOCKED_NAME) ? "name" : "hidden") : ""];
    });
    cells[strategy] = { [NO_BOX]: open, [XT_STRING]: kernel, ...Object.fromEntries(found) };
    console.log(`${client.name}: detectors: ${strategy}: ${JSON.stringify(cells[strategy])}`);
  }
  return cells;
}

/** The kernel's string match on the router behind the box, as a firewall rule. */
async function againstKernel({ lab }: LiveRange, ask: () => Promise<string>): Promise<string> {
  const rule = ["FORWARD", "-i", FROM_BOX, "-m", "string", "--algo", "bm", "--string", BLOCKED_NAME, "-j", "DROP"];
  const added = await lab.hop.run(["iptables", "-w", "-I", ...rule]);
  if (added.status !== 0) throw new Error(`iptables: ${added.stderr.trim()}`);
  try {
    return await ask();
  } finally {
    await lab.hop.run(["iptables", "-w", "-D", ...rule]);
  }
}

async function main(words: readonly string[]): Promise<void> {
  const known = await readLive();
  const row = words.find((word) => word.startsWith(ROW))?.slice(ROW.length);
  const wanted = words.filter((word) => !word.startsWith(ROW) && word !== ONLY_DETECTORS);
  const rows: Rows = ({ strategies }) => strategies.filter((name) => row === undefined || name === row);
  for (const name of wanted) liveClient(name);
  const rig = await EngineRig.create();
  const measured = new Map(Object.entries(known?.clients ?? {}));
  const detected = new Map(Object.entries(known?.detectors ?? {}));
  await using range = await LiveRange.open();
  for (const client of LIVE_CLIENTS) {
    const { name, isThere, isDetected = false } = client;
    if ((wanted.length > 0 && !wanted.includes(name)) || rows(client).length === 0) continue;
    if (!isThere) throw new Error(`${name}: expected the program on this machine, found none`);
    if (!words.includes(ONLY_DETECTORS)) {
      measured.set(name, { ...measured.get(name), ...(await measureClient(range, rig, client, rows)) });
    }
    if (isDetected) detected.set(name, { ...detected.get(name), ...(await measureDetectors(range, client, rows)) });
  }
  const table = { with: programVersions(), clients: inOrder(measured), detectors: inOrder(detected) };
  await Bun.write(LIVE_PATH, `${JSON.stringify(table, undefined, 2)}\n`);
  console.log(`written: ${LIVE_PATH}`);
  for (const cell of liveCells(rig, table).filter(differs)) {
    const { client, strategy, box, simulated, live } = cell;
    const why = explanationOf(cell) ?? "not explained";
    console.log(`${client}, ${strategy}, ${box}: simulated ${simulated}, live ${live}: ${why}`);
  }
}

/** In the order of the clients and of their rows, whatever was measured last. */
function inOrder(cells: ReadonlyMap<string, LiveCells>): Readonly<Record<string, LiveCells>> {
  return Object.fromEntries(
    LIVE_CLIENTS.flatMap(({ name, strategies }) => {
      const own = cells.get(name);
      if (own === undefined) return [];
      const rows = strategies.flatMap((strategy) => {
        const row = own[strategy];
        return row === undefined ? [] : [[strategy, row] as const];
      });
      return [[name, Object.fromEntries(rows)]];
    }),
  );
}

if (import.meta.main) await main(process.argv.slice(2));
