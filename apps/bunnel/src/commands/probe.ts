// bunnel probe: how hosts are blocked on this network, and which strategy helps.
import { InvalidArgumentError, Option, type Command } from "commander";
import { quicRequest } from "../probe/io/quic-client.ts";
import { TEST_HOSTS } from "../probe/test-hosts.ts";
import type { ProbeOptions } from "../probe/run.ts";
import { DEFAULT_STATE_DIR } from "../service/state-dir.ts";

const PARALLEL_MAX = 8;
const REPEATS_MAX = 10;

export function register(program: Command): void {
  program
    .command("probe")
    .description("find out how hosts are blocked here, and the cheapest strategy that helps")
    .argument("[hosts...]", "names or https addresses of pages; without any, those of --region")
    .option("--region <code>", `hosts of the shipped list: ${Object.keys(TEST_HOSTS.regions).join(", ")}`, "world")
    .option("-p, --profile <file>", "profile (TOML) with the resolvers to trust, and where --write writes")
    .option("--write", "put the recommended rules into the profile; the rest of the file stays as it is")
    .option("--seconds <number>", "how long it may take", readWhole(1, 86_400), 120)
    .option("--connections <number>", "how many connections it may make", readWhole(1, 100_000), 500)
    .option("--octets <number>", "how many octets it may move, in both directions", readWhole(1, 1e11), 100_000_000)
    .option(
      "--parallel <number>",
      `strategies under way at a time, 1 to ${PARALLEL_MAX}`,
      readWhole(1, PARALLEL_MAX),
      4,
    )
    .option("--repeats <number>", "how often a test is made before it counts", readWhole(2, REPEATS_MAX), 3)
    .option("--patience <seconds>", "how long nothing may come", readSeconds, 4)
    .option(
      "--punished <seconds>",
      "how long a punishment may last: an address that is shut for longer is blocked; 0 waits for nothing",
      readWhole(0, 3600),
      60,
    )
    .option("--source <address>", "a local address to try from where a box punishes; again for more", collect)
    .option("--harmless <host>", "a host that is not blocked, for controls", TEST_HOSTS.harmless)
    .option("--resolve <host:address,...>", "where a host is, without asking; may be given again", collect)
    .option(
      "--resolver <address>",
      "the system's resolver, in the place of that of resolv.conf; again for more",
      collect,
    )
    .option("--certificates <file>", "authorities to trust besides the system's (PEM)")
    .addOption(new Option("--family <number>", "IPv4 or IPv6 alone").choices(["4", "6"]))
    .option("--stream", "try only what sockets can carry out, which needs no right at all")
    .option("--no-quic", "leave QUIC alone")
    .option("--state <file>", "where an interrupted probe is kept (default: probe.json in the user's cache)")
    .option("--state-dir <dir>", "where the service keeps its state, and what it remembers", DEFAULT_STATE_DIR)
    .option("--no-remember", "leave what the service remembers of hosts as it is")
    .option("--fresh", "begin anew, whatever an earlier probe has found")
    .option("--json", "print JSON lines: what happens, and the report as the last one")
    .addOption(new Option("--quic-request <url>").hideHelp())
    .action(probe);
}

async function probe(
  hosts: readonly string[],
  options: ProbeOptions & { readonly quicRequest?: string },
): Promise<void> {
  if (options.quicRequest !== undefined) {
    const said = await quicRequest(options.quicRequest, options.patience * 1000);
    process.stdout.write(`${JSON.stringify(said)}\n`);
    // The run-time keeps connections of QUIC open.
    process.exit(0);
  }
  const { runProbe } = await import("../probe/run.ts");
  await runProbe(hosts, options);
}

function readWhole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected ${least} to ${most}`);
  };
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds >= 0.1 && seconds <= 60) return seconds;
  throw new InvalidArgumentError("expected 0.1 to 60");
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
