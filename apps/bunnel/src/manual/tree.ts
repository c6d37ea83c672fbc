// The commands as data: what completions and the manual page are made of.
import type { Command } from "commander";

export interface OptionInfo {
  /** "-p", "--profile" */
  readonly names: readonly string[];
  /** "<file>" */
  readonly value: string | undefined;
  readonly about: string;
  readonly choices: readonly string[];
}

export interface CommandInfo {
  /** "profile check"; of the program itself empty. */
  readonly path: string;
  readonly about: string;
  /** "<file> [words...]" */
  readonly words: string;
  readonly options: readonly OptionInfo[];
  readonly commands: readonly CommandInfo[];
}

/** Everything below a command, itself included. */
export function commandTree(command: Command, path = ""): CommandInfo {
  return {
    path,
    about: command.description(),
    words: command.registeredArguments
      .map((word) => {
        const name = word.variadic ? `${word.name()}...` : word.name();
        return word.required ? `<${name}>` : `[${name}]`;
      })
      .join(" "),
    options: command.options
      .filter((option) => !option.hidden)
      .map((option) => ({
        names: [option.short, option.long].filter((name) => name !== undefined),
        value: /[<[].*[>\]]$/u.exec(option.flags)?.[0],
        about: option.description,
        choices: option.argChoices ?? [],
      })),
    commands: command.commands.map((below) => commandTree(below, `${path} ${below.name()}`.trim())),
  };
}

/** The tree as a list, parents first. */
export function allCommands(root: CommandInfo): readonly CommandInfo[] {
  return [root, ...root.commands.flatMap(allCommands)];
}
