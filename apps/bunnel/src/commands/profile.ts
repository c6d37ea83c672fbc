// bunnel profile …: everything that is done with profiles without running the service.
import { writeFileSync } from "node:fs";
import { Option, type Command } from "commander";
import {
  convertProfile,
  FOREIGN_FORMATS,
  type Conversion,
  type ForeignFormat,
  defaultProfile,
  defaultProfileText,
  encodeRules,
  parseStrategy,
  printProfile,
  printStrategy,
  profileJsonSchema,
  ProfileError,
  strategies,
} from "@bunnel/profile";
import { askService } from "../control/service.ts";
import { explain, ExitError } from "../service/exit.ts";
import { readProfileSource } from "../service/read-profile.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";
import { columns } from "./columns.ts";

interface ShowOptions {
  readonly running?: boolean;
  readonly stateDir: string;
  readonly json?: boolean;
}

interface JsonOption {
  readonly json?: boolean;
}

export function register(program: Command): void {
  const profile = program.command("profile").description("check, show and make profiles; needs no privilege");
  profile
    .command("check")
    .description("say whether a profile is right, else each fault with its line and column; status 1 when it is wrong")
    .argument("<file>", "profile (TOML)")
    .option("--json", "print JSON")
    .action(check);
  profile
    .command("show")
    .description("print a profile with every key, in the form that bunnel reads")
    .argument("[file]", "profile (TOML); without it the built-in one")
    .option("--running", "the one that the running service works with")
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--json", "print JSON")
    .action(show);
  profile
    .command("init")
    .description("write a commented profile with every key at its default")
    .argument("[file]", "where to; without it to standard output")
    .option("--force", "write over a file that is there")
    .option("--json", "print JSON: the profile's text, or the file that was written")
    .action(init);
  profile
    .command("convert")
    .description("make a profile of another program's settings, saying what became of each option")
    .argument("[file]", "file with the settings or a command line, such as a script; without it standard input")
    .addOption(new Option("--from <program>", "whose settings").choices([...FOREIGN_FORMATS]))
    .option("--json", "print JSON: the profile's text, and what became of each option")
    .action(convert);
  profile
    .command("strategies")
    .description("list the strategies that a rule can name, with their versions and where they come from")
    .option("--json", "print JSON")
    .action(list);
  profile
    .command("strategy")
    .description("check a strategy and print it in its canonical form")
    .argument("<text>", 'such as "tls: split(1, midsld) disorder"')
    .option("--json", "print JSON")
    .action(strategy);
  profile
    .command("schema")
    .description("print the JSON Schema of profiles, for editors")
    .option("--json", "print it in one line; it is JSON anyway")
    .action(({ json }: JsonOption) => {
      process.stdout.write(`${JSON.stringify(profileJsonSchema(), undefined, json ? 0 : 2)}\n`);
    });
}

async function check(file: string, { json }: JsonOption): Promise<void> {
  try {
    const { profile, files } = await readProfileSource({ profile: file });
    const octets = encodeRules(profile, { streamRules: "leave" }).length;
    const enabled = profile.rules.filter((rule) => rule.enabled).length;
    const report = { ok: true, rules: profile.rules.length, enabled, files, tableOctets: octets };
    const text = `${file} is right: ${enabled} of ${profile.rules.length} rules enabled, a table of ${octets} octets`;
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${text}\n`);
  } catch (error) {
    if (!(error instanceof ProfileError) || json !== true) throw error;
    process.stdout.write(`${JSON.stringify({ ok: false, code: error.code, problems: error.problems })}\n`);
    process.exitCode = 1;
  }
}

async function show(file: string | undefined, options: ShowOptions): Promise<void> {
  if (file !== undefined && options.running === true) throw new ExitError("give either a file or --running", 2);
  const said = options.running === true ? await askRunning(options.stateDir) : await readText(file);
  process.stdout.write(options.json ? `${JSON.stringify(said)}\n` : said.text);
}

async function askRunning(stateDir: string): Promise<{ readonly source: string; readonly text: string }> {
  return (await askService(statePaths(stateDir).socket, "profile")) as { source: string; text: string };
}

async function readText(file: string | undefined): Promise<{ readonly source: string; readonly text: string }> {
  if (file === undefined) return { source: "built in", text: printProfile(defaultProfile()) };
  return { source: file, text: printProfile((await readProfileSource({ profile: file })).profile) };
}

interface InitOptions extends JsonOption {
  readonly force?: boolean;
}

function init(file: string | undefined, { force, json }: InitOptions): void {
  const text = defaultProfileText();
  if (file === undefined) {
    process.stdout.write(json ? `${JSON.stringify({ text })}\n` : text);
    return;
  }
  try {
    writeFileSync(file, text, { flag: force === true ? "w" : "wx" });
  } catch (cause) {
    const isThere = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(isThere ? `${file} is there already: --force writes over it` : `${file}: ${why}`, 1, { cause });
  }
  process.stdout.write(json ? `${JSON.stringify({ file })}\n` : `wrote ${file}\n`);
}

interface ConvertOptions extends JsonOption {
  readonly from?: ForeignFormat;
}

async function convert(file: string | undefined, { from, json }: ConvertOptions): Promise<void> {
  const text = await readForeign(file);
  let conversion: Conversion;
  try {
    conversion = convertProfile(text, from);
  } catch (cause) {
    throw new ExitError(`${file ?? "standard input"}: ${explain(cause)}`, 1, { cause });
  }
  process.stdout.write(json ? `${JSON.stringify(conversion)}\n` : conversion.text);
}

async function readForeign(file: string | undefined): Promise<string> {
  try {
    return await (file === undefined ? Bun.stdin : Bun.file(file)).text();
  } catch (cause) {
    throw new ExitError(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`, 1, { cause });
  }
}

function list({ json }: JsonOption): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(strategies())}\n`);
    return;
  }
  const rows = strategies().map(({ name, version, about }) => [`preset:${name}`, String(version), about]);
  process.stdout.write(columns([["name", "version", "about"], ...rows], [1]));
}

function strategy(text: string, { json }: JsonOption): void {
  const parsed = parseStrategy(text);
  process.stdout.write(json ? `${JSON.stringify(parsed)}\n` : `${printStrategy(parsed)}\n`);
}
