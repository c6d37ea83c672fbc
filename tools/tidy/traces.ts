// Traces of the machine a file was written on: paths of its folders, and the hosts its packages came from.
import { type Finding, lineAt, type Tree } from "./tree.ts";

// Every name is put together from pieces, so that this file does not find itself.
const FOLDERS = ["home", "Users", "root", "work"].map((folder) => `(?<![\\w.:@~*}-])/${folder}/[\\w.-]+`);
const WINDOWS = "[A-Z]:\\\\\\\\?Users\\\\";
const HOSTS = [
  ["registry", "npmjs", "org"],
  ["registry", "yarnpkg", "com"],
  ["npm", "pkg", "github", "com"],
  ["deb", "debian", "org"],
  ["archive", "ubuntu", "com"],
  ["files", "pythonhosted", "org"],
].map((labels) => labels.join("\\."));

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [new RegExp([...FOLDERS, WINDOWS].join("|"), "g"), "expected a path that holds on every machine, found"],
  [new RegExp(HOSTS.join("|"), "g"), "expected no host of a package registry, found"],
];

/** Absolute paths of somebody's machine, and hosts of package registries, in any tracked file. */
export function findTraces(tree: Tree): Finding[] {
  const findings: Finding[] = [];
  for (const [path, text] of tree) {
    for (const [pattern, message] of PATTERNS) {
      for (const match of text.matchAll(pattern)) {
        findings.push({ path, line: lineAt(text, match.index), message: `${message} ${match[0]}` });
      }
    }
  }
  return findings;
}
