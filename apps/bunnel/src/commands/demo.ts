import { type Command, Option } from "commander";
import { type ChildRole, runChild } from "@bunnel/lab/live";
import { demoLevel, needsUserNamespace, runDemo, runInUserNamespace } from "../demo/demo.ts";
import type { DemoReport } from "../demo/report.ts";

interface DemoCommandOptions {
  readonly quick?: boolean;
  readonly simulated?: boolean;
  readonly json?: boolean;
  readonly role?: ChildRole;
}

/** What a shell reports for a program that a signal ended: 128 and the signal's number. */
const SIGNAL_STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export function register(program: Command): void {
  program
    .command("demo")
    .description("show clients blocked without bunnel and served with it, in a network of its own that it builds")
    .option("--quick", "fewer techniques, HTTPS alone")
    .option("--simulated", "simulate all of it; needs no privilege")
    .option("--json", "print the table as JSON")
    .addOption(new Option("--role <role>").choices(["client", "censor", "server"]).hideHelp())
    .action(demo);
}

async function demo(options: DemoCommandOptions): Promise<void> {
  // The demonstration starts this program again for the machines of its network.
  if (options.role !== undefined) return runChild(options.role);
  const finding = demoLevel(options.simulated === true);
  if (needsUserNamespace(finding)) process.exit(await runInUserNamespace());
  const interrupt = new AbortController();
  let status = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      status ||= SIGNAL_STATUS[signal];
      interrupt.abort();
    });
  }
  const report = await runDemo(finding, {
    quick: options.quick === true,
    simulated: options.simulated === true,
    colour: process.stdout.isTTY && process.env["NO_COLOR"] === undefined,
    output: options.json ? undefined : process.stdout,
    signal: interrupt.signal,
  });
  if (status === 0) print(report, options.json === true);
  else if (!options.json) process.stdout.write("\nInterrupted; nothing of it is left behind.\n");
  process.exitCode = status || (report.passed ? 0 : 1);
}

function print(report: DemoReport, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  for (const line of report.details) process.stdout.write(`${line}\n`);
  process.stdout.write(`${report.summary}\nDone in ${report.seconds} s; nothing of it is left behind.\n`);
}
