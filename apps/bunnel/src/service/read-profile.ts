// The profile that a command works with: from a file, from one strategy on the command line, or the built-in one.
import { dirname, resolve } from "node:path";
import { defaultProfile, fileLoader, parseProfile, parseStrategy, printStrategy, type Profile } from "@bunnel/profile";
import { ExitError } from "./exit.ts";

export interface ProfileOptions {
  readonly profile?: string;
  readonly strategy?: string;
}

/** A profile and where it came from. */
export interface ProfileSource {
  readonly profile: Profile;
  /** What people call it: a path, "command line" or "built in". */
  readonly name: string;
  /** The files that it was made of, the profile itself first; none: it cannot change. */
  readonly files: readonly string[];
}

/** @throws ProfileError with line and column; ExitError when the file cannot be read */
export async function readProfile(options: ProfileOptions): Promise<Profile> {
  return (await readProfileSource(options)).profile;
}

/** The same, with what a watcher needs. */
export async function readProfileSource(options: ProfileOptions): Promise<ProfileSource> {
  if (options.profile !== undefined && options.strategy !== undefined) {
    throw new ExitError("give either --profile or --strategy, not both", 2);
  }
  if (options.strategy !== undefined) {
    const strategy = printStrategy(parseStrategy(options.strategy));
    const profile = parseProfile(`[[rule]]\nname = "command line"\nstrategy = '''${strategy}'''\n`);
    return { profile, name: "command line", files: [] };
  }
  if (options.profile === undefined) return { profile: defaultProfile(), name: "built in", files: [] };
  return readFrom(resolve(options.profile), options.profile);
}

async function readFrom(path: string, name: string): Promise<ProfileSource> {
  const text = await readText(path, name);
  const files = new Set([path]);
  const load = fileLoader(path);
  const profile = parseProfile(text, {
    source: name,
    load: (named) => {
      files.add(resolve(dirname(path), named));
      return load(named);
    },
  });
  return { profile, name, files: [...files] };
}

async function readText(path: string, name: string): Promise<string> {
  try {
    return await Bun.file(path).text();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`profile ${name} cannot be read: ${why}`, 1, { cause });
  }
}
