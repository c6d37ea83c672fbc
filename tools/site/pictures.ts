// `bun tools/site/pictures.ts` (root): makes the pictures of the strategy book, in docs/pictures. For each strategy
// real curl asks a real server for a page through the running program; two captures, one near the client and one near
// the server, say what was sent and what arrived.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { BLOCKED_NAME, LiveLab, type LabHost } from "@bunnel/lab/live";
import { readCapture } from "@bunnel/wire";
import { BOOK } from "./book.ts";
import { drawPicture } from "./draw.ts";
import { describeSegments } from "./segments.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FOLDER = join(ROOT, "docs/pictures");
const PROGRAM = join(ROOT, "apps/bunnel/src/main.ts");
const ETHERNET_BYTES = 14;
/** What a capture may still have in its buffer when the page is there. */
const SETTLE_MS = 300;

mkdirSync(FOLDER, { recursive: true });
await using lab = await LiveLab.create({ service: [process.execPath, PROGRAM] });
// Reaches the box and not the server.
const hopLimit = lab.hopLimits.censor;
for (const { name, strategy } of BOOK) {
  const segments = describeSegments(...(await record(strategy.replaceAll("ttl=T", `ttl=${hopLimit}`))));
  writeFileSync(join(FOLDER, `${name}.svg`), drawPicture(strategy.replaceAll("ttl=T", `ttl=${hopLimit}`), segments));
  console.log(`${name}: ${segments.length} packets`);
}

/** The packets of one page, near the client and near the server. */
async function record(strategy: string): Promise<[Uint8Array[], Uint8Array[]]> {
  await using _service = await lab.up({ strategy });
  const near = capture(lab.censor, "client0");
  const far = capture(lab.server, "eth0");
  await Promise.all([near.ready, far.ready]);
  const { outcome, detail } = await lab.fetch({ host: BLOCKED_NAME, scheme: "https", family: 4 });
  if (outcome !== "served") throw new Error(`${strategy}: expected the page, found ${outcome} (${detail})`);
  await Bun.sleep(SETTLE_MS);
  const packets: [Uint8Array[], Uint8Array[]] = [await near.stop(), await far.stop()];
  return packets;
}

function capture(host: LabHost, interfaceName: string) {
  const child = host.spawn([
    "tcpdump",
    "--immediate-mode",
    "-U",
    "-n",
    "-i",
    interfaceName,
    "-w",
    "-",
    "tcp or (ip[6:2] & 0x3fff != 0)",
  ]);
  const octets = new Response(child.stdout).bytes();
  return {
    ready: listening(child.stderr),
    stop: async (): Promise<Uint8Array[]> => {
      child.kill("SIGINT");
      return readCapture(await octets).packets.map((packet) => packet.octets.subarray(ETHERNET_BYTES));
    },
  };
}

/** Settles when the program listens; what it says afterwards must be taken from it until its end. */
function listening(stream: ReadableStream<Uint8Array>): Promise<void> {
  const { promise, resolve: listens, reject } = Promise.withResolvers<void>();
  let said = "";
  const read = async () => {
    for await (const chunk of stream) {
      said += new TextDecoder().decode(chunk);
      if (said.includes("listening on")) listens();
    }
    reject(new Error(`tcpdump: ${said}`));
  };
  void read();
  return promise;
}
