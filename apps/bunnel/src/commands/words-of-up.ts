// The words of `bunnel up` that a service is installed with are read as it will read them: a mistake is told to whoever
// installs, and not to a log at the next start of the machine.
import { Command, CommanderError } from "commander";
import { ExitError } from "../service/exit.ts";
import type { ProfileOptions } from "../service/read-profile.ts";
import { register } from "./up.ts";

/** The strategy that they name, if any. @throws ExitError 2 for words that `bunnel up` does not take, and a profile */
export function readWordsOfUp(words: readonly string[]): Pick<ProfileOptions, "strategy"> {
  const silent = { writeErr: () => undefined, writeOut: () => undefined };
  const program = new Command("bunnel").exitOverride().configureOutput(silent);
  register(program);
  const [up] = program.commands;
  if (up === undefined) throw new Error("expected the command up, found none");
  up.action(() => undefined);
  try {
    program.parse(["up", ...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const found = error.exitCode === 0 ? "--help" : error.message.replace(/^error: /u, "");
    throw new ExitError(`words behind --: expected those of \`bunnel up\`, found ${found}`, 2, { cause: error });
  }
  const { profile, strategy } = up.opts<ProfileOptions>();
  // The service starts in another folder: only the command's own option makes a path of it that holds there.
  if (profile !== undefined) throw new ExitError(`words behind --: expected --profile before it, found ${profile}`, 2);
  return strategy === undefined ? {} : { strategy };
}
