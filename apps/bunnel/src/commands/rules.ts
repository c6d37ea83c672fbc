import type { Command } from "commander";
import { askService } from "../control/service.ts";
import type { RuleLine } from "../control/answers.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";
import { columns, short } from "./columns.ts";

interface RulesOptions {
  readonly stateDir: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command("rules")
    .description("list the rules in force and what each has decided; status 3 when the service does not run")
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--json", "print JSON")
    .action(rules);
}

async function rules({ stateDir, json }: RulesOptions): Promise<void> {
  const lines = (await askService(statePaths(stateDir).socket, "rules")) as readonly RuleLine[];
  process.stdout.write(json ? `${JSON.stringify(lines)}\n` : rulesText(lines));
}

/** The rules as a table, in the order in which they are looked at. */
export function rulesText(lines: readonly RuleLine[]): string {
  if (lines.length === 0) return "no rules\n";
  const rows = lines
    .toSorted((a, b) => b.priority - a.priority)
    .map(({ name, enabled, priority, decided, flows, strategy }) => {
      return [name, enabled ? "on" : "off", String(priority), short(decided), short(flows), strategy];
    });
  return columns([["rule", "", "priority", "decided", "flows", "strategy"], ...rows], [2, 3, 4]);
}
