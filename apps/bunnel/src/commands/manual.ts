import type { Command } from "commander";
import { manualPage } from "../manual/man.ts";
import { commandTree } from "../manual/tree.ts";

export function register(program: Command): void {
  program
    .command("manual")
    .description("print the manual page, for man(1)")
    .option("--json", "print JSON: every command with its options, as they stand in the page")
    .action(({ json }: { readonly json?: boolean }) => {
      const tree = commandTree(program);
      process.stdout.write(json ? `${JSON.stringify(tree)}\n` : manualPage(tree, program.version() ?? ""));
    });
}
