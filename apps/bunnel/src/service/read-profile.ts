// The profile that a command works with: from a file, from one strategy on the command line, or the built-in one.
import { defaultProfile, parseProfile, parseStrategy, printStrategy, type Profile } from "@bunnel/profile";
import { ExitError } from "./exit.ts";

export interface ProfileOptions {
  readonly profile?: string;
  readonly strategy?: string;
}

/** @throws ProfileError with line and column; ExitError when the file cannot be read */
export async function readProfile(options: ProfileOptions): Promise<Profile> {
  if (options.profile !== undefined && options.strategy !== undefined) {
    throw new ExitError("give either --profile or --strategy, not both", 2);
  }
  if (options.strategy !== undefined) {
    const strategy = printStrategy(parseStrategy(options.strategy));
    return parseProfile(`[[rule]]\nname = "command line"\nstrategy = '''${strategy}'''\n`);
  }
  if (options.profile === undefined) return defaultProfile();
  return parseProfile(await readText(options.profile), { source: options.profile });
}

async function readText(path: string): Promise<string> {
  try {
    return await Bun.file(path).text();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`profile ${path} cannot be read: ${why}`, 1, { cause });
  }
}
