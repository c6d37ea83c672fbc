// The release workflow, done here: the commands of its job one by one, in a fresh clone of what is committed. Nothing
// is published: npm only packs and says what it would do, and of the host's program only the words are looked at.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const WORKFLOW = ".github/workflows/release.yml";
const JOB = "release";

/** Before each command: what would tell the world is held back. A file that is to be attached must be there. */
const HELD_BACK = `
npm() {
  if [ "$1" = publish ]; then command npm "$@" --no-provenance --dry-run; else command npm "$@"; fi
}
gh() {
  echo "held back: gh $1 $2, $# words"
  for word in "$@"; do
    case $word in build/*) [ -f "$word" ] || { echo "gh: $word is no file" >&2; return 1; } ;; esac
  done
}
`;

/** What stands in the workflow for what only its host knows. */
const CONTEXT: Readonly<Record<string, string>> = {
  "github.server_url": "https://example.org",
  "github.repository": "bunnel/bunnel",
  "secrets.NPM_TOKEN": "",
  "github.token": "",
};

/** One step of the workflow, as it is done here. */
export interface Step {
  readonly name: string;
  /** Undefined: an action of the workflow's host, which is not there. */
  readonly script?: string;
  readonly env: Readonly<Record<string, string>>;
}

interface WorkflowStep {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The steps of the job that releases. @throws Error for a value of the host that nothing stands for */
export function stepsOf(text: string): readonly Step[] {
  const { jobs } = Bun.YAML.parse(text) as { jobs: Record<string, { steps: readonly WorkflowStep[] }> };
  const steps = jobs[JOB]?.steps ?? [];
  return steps.map(({ name, uses, run, env = {} }) => ({
    name: name ?? uses ?? run?.trim() ?? "",
    ...(run !== undefined && { script: run }),
    env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, filled(value)])),
  }));
}

function filled(value: string): string {
  return value.replaceAll(/\$\{\{ *([\w.]+) *\}\}/gu, (_, name: string) => {
    const known = CONTEXT[name];
    if (known === undefined) throw new Error(`${WORKFLOW}: expected a value that is known here, found ${name}`);
    return known;
  });
}

/** Does all steps; the status of the first one that fails, or 0. */
export function rehearse(): number {
  const folder = mkdtempSync(join(tmpdir(), "bunnel-rehearsal-"));
  try {
    const clone = join(folder, "bunnel");
    const { exitCode } = Bun.spawnSync(["git", "clone", "--quiet", ROOT, clone], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (exitCode !== 0) return exitCode;
    for (const step of stepsOf(readFileSync(join(clone, WORKFLOW), "utf8"))) {
      const status = perform(step, clone);
      if (status !== 0) return status;
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function perform({ name, script, env }: Step, cwd: string): number {
  console.log(`--- ${name}`);
  if (script === undefined) {
    console.log("an action of the workflow's host: nothing to do here");
    return 0;
  }
  // As the host runs it: bash -e with pipefail.
  const { exitCode } = Bun.spawnSync(["bash", "-eo", "pipefail", "-c", HELD_BACK + script], {
    cwd,
    env: { ...process.env, GITHUB_REF_NAME: "v0.0.0-rehearsal", ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (exitCode !== 0) console.error(`${name}: status ${exitCode}`);
  return exitCode;
}
