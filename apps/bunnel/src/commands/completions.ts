import { Argument, type Command } from "commander";
import { completions, SHELLS, type Shell } from "../manual/completions.ts";
import { commandTree } from "../manual/tree.ts";

export function register(program: Command): void {
  program
    .command("completions")
    .description("print a script that completes command lines")
    .addArgument(new Argument("<shell>", "whose").choices(SHELLS))
    .option("--json", "print JSON: the shell and its script")
    .action((shell: Shell, { json }: { readonly json?: boolean }) => {
      const script = completions(shell, commandTree(program));
      process.stdout.write(json ? `${JSON.stringify({ shell, script })}\n` : script);
    });
}
