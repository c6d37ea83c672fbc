import { Argument, type Command } from "commander";
import { completions, SHELLS, type Shell } from "../manual/completions.ts";
import { commandTree } from "../manual/tree.ts";

export function register(program: Command): void {
  program
    .command("completions")
    .description("print a script that completes command lines")
    .addArgument(new Argument("<shell>", "whose").choices(SHELLS))
    .action((shell: Shell) => void process.stdout.write(completions(shell, commandTree(program))));
}
