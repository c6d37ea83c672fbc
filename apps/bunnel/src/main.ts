#!/usr/bin/env bun
// The program: commands are registered here, one file each and only the one that is asked for; what they throw becomes
// one clear sentence.
import { Command, CommanderError } from "commander";
import pkg from "../package.json" with { type: "json" };
import { exitAtOnce } from "./supervisor/sys.ts";
import { startSpareLane } from "./service/spare-lane.ts";
import { explain, ExitError, StoppedError } from "./service/exit.ts";

const program = new Command("bunnel")
  .description("Carries the traffic of this machine past deep packet inspection, and studies packets.")
  .version(pkg.version)
  .showHelpAfterError("(bunnel help shows what there is)")
  .exitOverride();

/** Each is loaded when it is asked for: all of them together take longer than what most do. */
const COMMANDS: Readonly<Record<string, () => Promise<{ readonly register: (program: Command) => void }>>> = {
  demo: () => import("./commands/demo.ts"),
  lab: () => import("./commands/lab.ts"),
  probe: () => import("./commands/probe.ts"),
  up: () => import("./commands/up.ts"),
  proxy: () => import("./commands/proxy.ts"),
  down: () => import("./commands/down.ts"),
  status: () => import("./commands/status.ts"),
  stats: () => import("./commands/stats.ts"),
  rules: () => import("./commands/rules.ts"),
  flows: () => import("./commands/flows.ts"),
  hosts: () => import("./commands/hosts.ts"),
  reload: () => import("./commands/reload.ts"),
  top: () => import("./commands/top.ts"),
  ui: () => import("./commands/ui.ts"),
  profile: () => import("./commands/profile.ts"),
  service: () => import("./commands/service.ts"),
  doctor: () => import("./commands/doctor.ts"),
  metrics: () => import("./commands/metrics.ts"),
  capture: () => import("./commands/capture.ts"),
  replay: () => import("./commands/replay.ts"),
  completions: () => import("./commands/completions.ts"),
  manual: () => import("./commands/manual.ts"),
};
/** These look at all of the others. */
const OF_ALL: ReadonlySet<string> = new Set(["completions", "manual"]);

const [word = ""] = process.argv.slice(2);
// Whoever read has what he wanted, as in `bunnel flows | head`. A service carries on without a reader.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (word !== "up" && word !== "proxy") process.exit();
});
const only = OF_ALL.has(word) || !Object.hasOwn(COMMANDS, word) ? undefined : COMMANDS[word];
if (word === "up" && process.platform === "linux" && !process.argv.includes("--help")) startSpareLane();
const wanted = only === undefined ? Object.values(COMMANDS) : [only];
for (const { register } of await Promise.all(wanted.map((load) => load()))) register(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    const status = error instanceof ExitError ? error.status : 1;
    process.stderr.write(`bunnel: ${explain(error)}\n`);
    process.exitCode = status;
    if (error instanceof StoppedError) exitAtOnce(status);
  }
}
