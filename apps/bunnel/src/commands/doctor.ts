import type { Command } from "commander";
import { examine, type Finding } from "../service/examine.ts";

interface DoctorOptions {
  readonly json?: boolean;
}

const SIGNS: Readonly<Record<Finding["state"], string>> = { ok: "ok     ", warning: "warning", missing: "missing" };

export function register(program: Command): void {
  program
    .command("doctor")
    .description("say what this machine can do, and how to get the rest; status 1 when `bunnel up` cannot run")
    .option("--json", "print JSON")
    .action(doctor);
}

function doctor(options: DoctorOptions): void {
  const findings = examine();
  const canRun = findings.every((finding) => finding.state !== "missing" || !finding.neededByUp);
  if (!canRun) process.exitCode = 1;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ canRun, findings })}\n`);
    return;
  }
  for (const { name, state, found, advice } of findings) {
    process.stdout.write(`${SIGNS[state]}  ${name}: ${found}\n`);
    if (state !== "ok" && advice !== undefined) process.stdout.write(`         ${advice}\n`);
  }
  process.stdout.write(canRun ? "\n`bunnel up` can run here\n" : "\n`bunnel up` cannot run here yet\n");
}
