#!/usr/bin/env bun
// The program: commands are registered here, one file each; what they throw becomes one clear sentence.
import { Command, CommanderError } from "commander";
import pkg from "../package.json" with { type: "json" };
import { register as capture } from "./commands/capture.ts";
import { register as completions } from "./commands/completions.ts";
import { register as demo } from "./commands/demo.ts";
import { register as doctor } from "./commands/doctor.ts";
import { register as down } from "./commands/down.ts";
import { register as flows } from "./commands/flows.ts";
import { register as hosts } from "./commands/hosts.ts";
import { register as lab } from "./commands/lab.ts";
import { register as manual } from "./commands/manual.ts";
import { register as metrics } from "./commands/metrics.ts";
import { register as probe } from "./commands/probe.ts";
import { register as profile } from "./commands/profile.ts";
import { register as proxy } from "./commands/proxy.ts";
import { register as reload } from "./commands/reload.ts";
import { register as replay } from "./commands/replay.ts";
import { register as rules } from "./commands/rules.ts";
import { register as service } from "./commands/service.ts";
import { register as stats } from "./commands/stats.ts";
import { register as statusCommand } from "./commands/status.ts";
import { register as top } from "./commands/top.ts";
import { register as ui } from "./commands/ui.ts";
import { register as up } from "./commands/up.ts";
import { exitAtOnce } from "./supervisor/sys.ts";
import { explain, ExitError, StoppedError } from "./service/exit.ts";

const program = new Command("bunnel")
  .description("Carries the traffic of this machine past deep packet inspection, and studies packets.")
  .version(pkg.version)
  .showHelpAfterError("(bunnel help shows what there is)")
  .exitOverride();

const COMMANDS = [
  ...[demo, lab, probe, up, proxy, down, statusCommand, stats, rules, flows, hosts, reload],
  ...[top, ui, profile, service, doctor, metrics, capture, replay, completions, manual],
];
for (const register of COMMANDS) register(program);

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
