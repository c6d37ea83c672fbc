import type { Command } from "commander";
import { manualPage } from "../manual/man.ts";
import { commandTree } from "../manual/tree.ts";

export function register(program: Command): void {
  program
    .command("manual")
    .description("print the manual page, for man(1)")
    .action(() => void process.stdout.write(manualPage(commandTree(program), program.version() ?? "")));
}
