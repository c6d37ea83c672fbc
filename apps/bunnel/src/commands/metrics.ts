// bunnel metrics: the figures for Prometheus, once or for as long as somebody scrapes them.
import { InvalidArgumentError, type Command } from "commander";
import pkg from "../../package.json" with { type: "json" };
import { askControl } from "../control/client.ts";
import { notRunning } from "../control/service.ts";
import { exposition } from "../metrics/exposition.ts";
import { listenForScrapes, readListenAddress, type ListenAddress } from "../metrics/listen.ts";
import { serviceMetrics, type ServiceFigures } from "../metrics/service-metrics.ts";
import { ExitError } from "../service/exit.ts";
import type { RuleLine } from "../control/answers.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";
import type { ServiceStatus } from "./status.ts";

interface MetricsOptions {
  readonly listen?: ListenAddress;
  readonly stateDir: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command("metrics")
    .description("print the figures as Prometheus reads them; status 3 when the service does not run")
    .option("-l, --listen <address>", "answer scrapes at /metrics instead, such as 127.0.0.1:9477 or 9477", readAddress)
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--json", "print the figures as JSON; with --listen, where it listens")
    .action(metrics);
}

function readAddress(text: string): ListenAddress {
  const address = readListenAddress(text);
  if (address !== undefined) return address;
  throw new InvalidArgumentError("expected such as 127.0.0.1:9477, [::1]:9477 or 9477");
}

async function metrics({ listen, stateDir, json }: MetricsOptions): Promise<void> {
  const { socket } = statePaths(stateDir);
  if (listen === undefined) {
    const figures = await readFigures(socket);
    if (figures === undefined) throw notRunning(socket);
    process.stdout.write(json ? `${JSON.stringify(figures)}\n` : metricsText(figures));
    return;
  }
  const server = openServer(listen, async () => metricsText(await readFigures(socket).catch(() => undefined)));
  const stop = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop.resolve);
  const url = `${server.url.href}metrics`;
  process.stdout.write(json ? `${JSON.stringify({ url })}\n` : `metrics at ${url}; Ctrl-C ends it\n`);
  await stop.promise;
  await server.stop(true);
}

/** The text of a scrape; without figures it says that the service is down. */
export function metricsText(figures: ServiceFigures | undefined): string {
  return exposition(serviceMetrics(figures, pkg.version));
}

/** Undefined: nobody answers. */
export async function readFigures(socket: string): Promise<ServiceFigures | undefined> {
  const status = (await askControl(socket, "status")) as ServiceStatus | undefined;
  const rules = (await askControl(socket, "rules")) as readonly RuleLine[] | undefined;
  return status === undefined || rules === undefined ? undefined : { status, rules };
}

function openServer(address: ListenAddress, text: () => Promise<string>): Bun.Server<undefined> {
  try {
    return listenForScrapes(address, text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`metrics at ${address.hostname}:${address.port}: ${why}`, 1, { cause });
  }
}
