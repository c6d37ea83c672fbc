// What a system's service manager is given, so that bunnel runs from the start of the machine on.

/** How the service is started. */
export interface ServiceCommand {
  /** The program with everything before its own words: one executable, or Bun and the program's file. */
  readonly program: readonly string[];
  /** A profile's absolute path; undefined: the built-in one. */
  readonly profile: string | undefined;
  /** Further words of `bunnel up`. */
  readonly words: readonly string[];
  /** The profile names processes, which the kernel tells apart by a program of ours. Default false. */
  readonly bpf?: boolean;
}

/** A service manager: its name, where its definition lies, and what is said to it. */
export interface ServiceManager {
  readonly name: "systemd" | "launchd" | "windows";
  /** Where the definition is written; undefined: it is not a file. */
  readonly path: string | undefined;
  /** The definition's text. */
  readonly define: (command: ServiceCommand) => string;
  /** Commands that put a written definition in force, in order. No shell sees them. */
  readonly enable: (command: ServiceCommand) => readonly (readonly string[])[];
  /** Commands that end the service and take it out of force. */
  readonly disable: readonly (readonly string[])[];
  readonly status: readonly string[];
  /** A command that prints the last lines, or a file that holds them. */
  readonly logs: readonly string[] | { readonly file: string };
}

/** The words that start the service in the foreground. */
export function upWords({ program, profile, words }: ServiceCommand): string[] {
  return [...program, "up", ...(profile === undefined ? [] : ["--profile", profile]), ...words];
}
