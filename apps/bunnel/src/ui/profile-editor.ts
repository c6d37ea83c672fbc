// The profile's file as the editor works with it. It was opened while there was the right to, and is written through
// that descriptor; the service reads the file, as it does whenever somebody changes it.
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { fileLoader, encodeRules, parseProfile, ProfileError, ruleStrategyText, type Profile } from "@bunnel/profile";
import { askControl } from "../control/client.ts";
import type { ApplyAnswer, CheckAnswer, ProblemView, ProfileView } from "./contract.ts";

const { O_NOFOLLOW, O_RDWR } = constants;

/** A profile's file that can be written. */
interface OpenFile {
  readonly path: string;
  readonly fd: number;
}

interface RunningProfile {
  readonly source: string;
  readonly text: string;
  readonly files?: readonly string[];
}

export class ProfileEditor implements Disposable {
  private constructor(
    readonly socket: string,
    readonly file: OpenFile | undefined,
  ) {}

  /** Asks the service for the file of its profile, and opens it where there is the right to. */
  static async open(socket: string): Promise<ProfileEditor> {
    const running = await runningProfile(socket);
    const [path] = running?.files ?? [];
    return new ProfileEditor(socket, path === undefined ? undefined : openFile(path));
  }

  /** The file's text, else what the service says of its profile. */
  async read(): Promise<ProfileView> {
    const running = await runningProfile(this.socket);
    const [path] = running?.files ?? [];
    const { file } = this;
    if (file !== undefined && !isReplaced(file) && (path === undefined || path === file.path)) {
      return { source: file.path, path: file.path, text: textOf(file) };
    }
    const readOnly =
      path === undefined
        ? "the service runs without a profile file: save this as a file and start it with --profile"
        : `${path} may not be written by this process, or took the file's place after it had started`;
    return { source: running?.source ?? "no service", text: running?.text ?? "", readOnly };
  }

  /** @throws ProfileError */
  parse(text: string): Profile {
    const source = this.file?.path ?? "profile";
    return parseProfile(text, { source, load: fileLoader(source) });
  }

  check(text: string): CheckAnswer {
    try {
      const profile = this.parse(text);
      encodeRules(profile);
      const rules = profile.rules.map((rule) => ({ name: rule.name, strategy: ruleStrategyText(rule) }));
      return { ok: true, rules };
    } catch (error) {
      return { ok: false, problems: problemsOf(error) };
    }
  }

  /** Writes a text that is right, and has the service read it; one that the service refuses is taken back. */
  async apply(text: string): Promise<ApplyAnswer> {
    const checked = this.check(text);
    if (!checked.ok) return checked;
    if (this.file === undefined) return { ok: false, problems: [{ message: "there is no file that can be written" }] };
    if (isReplaced(this.file)) {
      return {
        ok: false,
        problems: [{ message: `${this.file.path} was replaced by another file: start bunnel ui again` }],
      };
    }
    const before = textOf(this.file);
    try {
      write(this.file, text);
      await askControl(this.socket, "reload");
      return { ok: true, text: `written to ${this.file.path}, ${checked.rules.length} rules` };
    } catch (error) {
      write(this.file, before);
      return { ok: false, problems: problemsOf(error) };
    }
  }

  [Symbol.dispose](): void {
    if (this.file !== undefined) closeSync(this.file.fd);
  }
}

async function runningProfile(socket: string): Promise<RunningProfile | undefined> {
  return (await askControl(socket, "profile")) as RunningProfile | undefined;
}

function openFile(path: string): OpenFile | undefined {
  try {
    return { path, fd: openSync(path, O_RDWR | O_NOFOLLOW) };
  } catch {
    return undefined;
  }
}

function textOf({ fd }: OpenFile): string {
  const octets = new Uint8Array(fstatSync(fd).size);
  const bytes = readSync(fd, octets, 0, octets.length, 0);
  return new TextDecoder().decode(octets.subarray(0, bytes));
}

/** Whether the name leads elsewhere by now; some editors write a new file. */
function isReplaced({ fd, path }: OpenFile): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  const ours = fstatSync(fd);
  return there !== undefined && (there.ino !== ours.ino || there.dev !== ours.dev);
}

/** In one write, so that a reader in between finds the new text with at most a rest of the old behind it. */
function write({ fd }: OpenFile, text: string): void {
  const octets = new TextEncoder().encode(text);
  for (let at = 0; at < octets.length;) at += writeSync(fd, octets, at, octets.length - at, at);
  ftruncateSync(fd, octets.length);
}

/** What went wrong, each thing with its place where it has one. */
export function problemsOf(error: unknown): readonly ProblemView[] {
  if (error instanceof ProfileError) return error.problems;
  return [{ message: error instanceof Error ? error.message : String(error) }];
}
