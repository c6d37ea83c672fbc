import { type Command, InvalidArgumentError } from "commander";
import { CENSOR_EXAMPLE, CENSOR_NAMES, galleryEntry, namedStrategies } from "@bunnel/lab";
import { matrix } from "../lab/matrix.ts";
import { search } from "../lab/search.ts";

const CONTRACT = `
A censor of your own is a TypeScript file whose default export makes one:

${CENSOR_EXAMPLE.replaceAll(/^(?=.)/gm, "  ")}
It gets whole IP packets and must use no clock and no chance of its own; see docs/evasion.md.`;

export function register(program: Command): void {
  const lab = program
    .command("lab")
    .description("try strategies against a gallery of censors, in memory; needs no privilege and no network");
  registerMatrix(lab);
  registerSearch(lab);
  lab
    .command("list")
    .description("show the censors of the gallery and the techniques by name")
    .option("--json", "print JSON")
    .action(list);
}

function registerMatrix(lab: Command): void {
  lab
    .command("matrix")
    .description("a table: which strategy passes which censor")
    .option("-t, --techniques <names>", "rows, by name and with commas: split,fake-ttl,preset:default; default: all")
    .option("-s, --strategy <text>", "a strategy of your own in the notation; may be given several times", gather)
    .option("--strategies <file>", "strategies of your own, one a line: name = strategy")
    .option("-c, --censors <names>", "columns, by name or number: packet,C8,geneva,none; default: all")
    .option("--censor <file>", "a censor of your own; may be given several times", gather)
    .option("--message <kind>", "what a censor of your own watches: tls, http, quic or dns", "tls")
    .option("--router <kind>", "the home router: none, lenient, strict (drops what it calls invalid)", "none")
    .option("--ipv6", "over IPv6")
    .option("--json", "print the table as JSON")
    .option("--html <file>", "write the table as a page too")
    .option("--captures <folder>", "write the packets of each cell as pcapng")
    .addHelpText("after", CONTRACT)
    .action(matrix);
}

function registerSearch(lab: Command): void {
  lab
    .command("evolve")
    .description("find a strategy that passes a censor, from nothing, and say why each part of it is needed")
    .requiredOption("-c, --censor <name>", "a model by name or number, or a file with one of your own")
    .option("--message <kind>", "what a censor of your own watches: tls, http, quic or dns", "tls")
    .option("--router <kind>", "the home router: none, lenient, strict", "none")
    .option("--seed <number>", "equal seeds find equal strategies, whatever the number of workers", whole(0), 1)
    .option("--population <number>", "strategies of a generation", whole(4), 200)
    .option("--generations <number>", "generations at most", whole(1), 60)
    .option("--workers <number>", "threads; default: as many as processors", whole(0))
    .option("--json", "print the result as JSON")
    .addHelpText("after", CONTRACT)
    .action(search);
}

function list({ json }: { readonly json?: boolean }): void {
  const censors = CENSOR_NAMES.map((name) => {
    const { id = "", model } = galleryEntry(name);
    return { id, name, says: model.says };
  });
  const techniques = namedStrategies().map(({ name, strategy = "" }) => ({ name, strategy }));
  if (json) {
    process.stdout.write(`${JSON.stringify({ censors, techniques })}\n`);
    return;
  }
  const censorLines = censors.map(({ id, name, says }) => `  ${id.padEnd(3)}  ${name.padEnd(14)}  ${says}`);
  const techniqueLines = techniques.map(({ name, strategy }) => `  ${name.padEnd(26)}  ${strategy}`.trimEnd());
  process.stdout.write(["Censors", ...censorLines, "", "Techniques", ...techniqueLines, ""].join("\n"));
}

function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** A whole number from `least` on. */
function whole(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isSafeInteger(number) && number >= least) return number;
    throw new InvalidArgumentError(`expected a whole number from ${least} on`);
  };
}
