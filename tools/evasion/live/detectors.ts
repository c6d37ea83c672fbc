// Real detectors on captures of real connections: do they find the name?
import { findBrowser, type LiveLab } from "@bunnel/lab/live";

export interface Detector {
  readonly name: string;
  /** Whether it tells this host name of a connection in the capture. */
  readonly finds: (capture: string, host: string) => boolean;
}

/** Over TLS as over QUIC, and over plain HTTP. */
const NAME_FIELDS = ["tls.handshake.extensions_server_name", "http.host"] as const;
/** The link between the client and the box, as the box calls it. */
const INTERFACE = "client0";
const SETTLE_MS = 400;

export const DETECTORS: readonly Detector[] = [
  { name: "nDPI", finds: (capture, host) => holds(ndpi(capture), host) },
  { name: "tshark", finds: (capture, host) => holds(tshark(capture, []), host) },
  {
    name: "tshark strict",
    finds: (capture, host) => {
      const strict = ["-o", "tcp.reassemble_out_of_order:TRUE", "-o", "tcp.check_checksum:TRUE"];
      return holds(tshark(capture, strict), host);
    },
  },
];

/** The detectors, the clients, the servers and the kernel with their versions. */
export function programVersions(): Readonly<Record<string, string>> {
  const first = (command: readonly string[], pattern: RegExp) => pattern.exec(run(command))?.[1] ?? "unknown";
  return {
    Linux: first(["uname", "-r"], /^(\S+)/),
    curl: first(["curl", "--version"], /^curl (\S+)/),
    nDPI: first(["ndpiReader", "-h"], /nDPI (\S+)/),
    tshark: first(["tshark", "--version"], /(\d+\.\d+\.\d+)/),
    nginx: first(["nginx", "-v"], /nginx\/(\S+)/),
    ngtcp2: first(["dpkg-query", "-W", "ngtcp2-client"], /\t(\d[\w.]*)/),
    Chromium: first([findBrowser() ?? "chromium", "--version"], /(\d+(?:\.\d+)+)/),
    dig: first(["dig", "-v"], /DiG (\S+)/),
    Bun: Bun.version,
    iptables: first(["iptables", "--version"], /v(\S+)/),
  };
}

/** Writes what passes between the client and the box while `work` runs. Returns the path. */
export async function captureOf(lab: LiveLab, path: string, work: () => Promise<unknown>): Promise<string> {
  const { censor } = lab;
  const tcpdump = censor.spawn(["tcpdump", "-i", INTERFACE, "-U", "-w", path, "--immediate-mode", "tcp or udp"]);
  const words = tcpdump.stderr.getReader();
  // It says that it listens before it does anything else.
  await words.read();
  await work();
  await Bun.sleep(SETTLE_MS);
  tcpdump.kill("SIGINT");
  await tcpdump.exited;
  return path;
}

/** A name has no case. */
function holds(words: string, host: string): boolean {
  return words.toLowerCase().includes(host);
}

/** What nDPI's reader says of the flows. */
function ndpi(capture: string): string {
  return run(["ndpiReader", "-i", capture, "-v", "2"]);
}

/** The names that tshark reads. */
function tshark(capture: string, options: readonly string[]): string {
  const fields = NAME_FIELDS.flatMap((field) => ["-e", field]);
  return run(["tshark", "-r", capture, ...options, "-Y", NAME_FIELDS.join(" or "), "-T", "fields", ...fields]);
}

function run(command: readonly string[]): string {
  const { stdout, stderr } = Bun.spawnSync([...command], { stdin: "ignore" });
  return `${stdout.toString()}${stderr.toString()}`;
}
