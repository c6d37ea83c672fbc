// The reference of the packages that programs import, made by TypeDoc from their source and their doc comments.
// 1. read the entry points   2. name the modules as programs import them   3. look what is missing   4. write pages
import { join } from "node:path";
import { Application, Logger, LogLevel, type ProjectReflection, type TypeDocOptions } from "typedoc";

/** What programs import, and where it lies below packages/. */
const MODULES: Readonly<Record<string, string>> = {
  "@bunnel/tun": "tun/src/index.ts",
  "@bunnel/device": "device/src/index.ts",
  "@bunnel/device/conformance": "device/src/conformance.ts",
  "@bunnel/tun-linux": "tun-linux/src/index.ts",
  "@bunnel/engine": "engine/src/index.ts",
  "@bunnel/wire": "wire/src/index.ts",
  "@bunnel/profile": "profile/src/index.ts",
  "@bunnel/egress": "egress/src/index.ts",
  "@bunnel/backend": "backend/src/index.ts",
};

/** Members speak by their names and types where that is enough; what `using` calls needs no words either. */
const OPTIONS: TypeDocOptions = {
  validation: { notDocumented: true, notExported: true, invalidLink: true },
  requiredToBeDocumented: ["Enum", "Variable", "Function", "Class", "Interface", "TypeAlias"],
  packagesRequiringDocumentation: Object.keys(MODULES),
  excludePrivate: true,
  excludeExternals: true,
  // The project's own compiler has checked the types; this is another version of it.
  skipErrorChecking: true,
  readme: "none",
  name: "bunnel",
  disableGit: true,
  sourceLinkTemplate: "{path}#L{line}",
  hideGenerator: true,
};

/** What `Symbol.dispose` does is said by `close`. */
const SAID_ELSEWHERE = /\.\[dispose\] /;

/** The reference, and every complaint about it: one line each. */
export interface Reference {
  readonly app: Application;
  readonly project: ProjectReflection;
  readonly findings: readonly string[];
}

class Findings extends Logger {
  readonly lines: string[] = [];

  override log(message: string, level: LogLevel): void {
    if (level >= LogLevel.Warn && !SAID_ELSEWHERE.test(message)) this.lines.push(message);
  }
}

/** Reads the source below `root`. */
export async function readReference(root: string): Promise<Reference> {
  const app = await Application.bootstrap({
    ...OPTIONS,
    entryPoints: Object.values(MODULES).map((path) => join(root, "packages", path)),
    tsconfig: join(import.meta.dirname, "tsconfig.json"),
    basePath: root,
  });
  const findings = new Findings();
  app.logger = findings;
  const project = await app.convert();
  if (!project) throw new Error(`reference: expected modules, found none: ${findings.lines.join("; ")}`);
  app.validate(project);
  for (const [name, path] of Object.entries(MODULES)) {
    const found = project.children?.find((module) => module.name === moduleName(path));
    if (!found) throw new Error(`reference: expected module ${moduleName(path)}, found none`);
    found.name = name;
  }
  return { app, project, findings: findings.lines };
}

/** Writes the pages; gives how many modules and how many symbols they are about. */
export async function writeReference({ app, project }: Reference, folder: string) {
  await app.generateDocs(project, folder);
  const modules = project.children ?? [];
  const symbols = modules.reduce((sum, module) => sum + (module.children?.length ?? 0), 0);
  return { modules: modules.length, symbols };
}

/** How TypeDoc calls the module of a file. */
function moduleName(path: string): string {
  return `packages/${path.replace(/(\/index)?\.ts$/, "")}`;
}
