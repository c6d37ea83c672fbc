// Changesets name public packages, say how large the change is, and tell the user what he will notice.
import { manifestsOf } from "./manifest.ts";
import type { Finding, Tree } from "./tree.ts";

const CHANGESET = /^\.changeset\/(?!README\.md$)[^/]+\.md$/;
const PARTS = /^---\n([\s\S]*?)^---\n([\s\S]*)$/m;
const ENTRY = /^(["'])(.+)\1: (patch|minor|major)$/;

/** Changesets that the release could not read or that tell nothing. */
export function findChangesets(tree: Tree): Finding[] {
  const published = new Set(
    manifestsOf(tree)
      .filter(({ isPrivate }) => !isPrivate)
      .map(({ name }) => name),
  );
  const findings: Finding[] = [];
  for (const [path, text] of tree) {
    if (!CHANGESET.test(path)) continue;
    for (const message of faultsOf(text, published)) findings.push({ path, line: 0, message });
  }
  return findings;
}

function faultsOf(text: string, published: ReadonlySet<string>): string[] {
  const parts = PARTS.exec(text);
  if (!text.startsWith("---\n") || parts === null) return ["expected a head between two lines of ---, found none"];
  const faults: string[] = [];
  const entries = (parts[1] ?? "").split("\n").filter((line) => line.trim() !== "");
  if (entries.length === 0) faults.push("expected at least one package, found none");
  for (const line of entries) {
    const name = ENTRY.exec(line)?.[2];
    if (name === undefined) faults.push(`expected "package": patch, minor or major, found ${line}`);
    else if (!published.has(name)) faults.push(`expected a public package of this repository, found ${name}`);
  }
  if ((parts[2] ?? "").trim() === "") faults.push("expected a sentence about what the user notices, found nothing");
  return faults;
}
