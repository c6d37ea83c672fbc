// The page's files. In a single executable they were bundled when it was built; where the sources lie, they are bundled
// when the dashboard starts.
import { basename } from "node:path";
import page from "./page/dashboard.html";

/** One file of the page. */
export interface Asset {
  readonly octets: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * Each file by its path; the page itself is "/".
 * @throws AggregateError when something cannot be bundled
 */
export async function loadAssets(): Promise<ReadonlyMap<string, Asset>> {
  const files = embeddedFiles() ?? (await bundledFiles());
  const assets = new Map<string, Asset>();
  for (const { path, blob } of files) {
    const type = TYPES[path.split(".").at(-1) ?? ""];
    if (type === undefined) continue;
    assets.set(type === TYPES["html"] ? "/" : `/${basename(path)}`, {
      octets: new Uint8Array(await blob.arrayBuffer()),
      type,
    });
  }
  return assets;
}

interface PageFile {
  readonly path: string;
  readonly blob: Blob;
}

/** What `bun build --compile` makes of the import. */
interface EmbeddedPage {
  readonly files: readonly { readonly path: string }[];
}

function embeddedFiles(): readonly PageFile[] | undefined {
  if (!("files" in page)) return undefined;
  const { files } = page as unknown as EmbeddedPage;
  return files.map(({ path }) => ({ path, blob: Bun.file(path) }));
}

async function bundledFiles(): Promise<readonly PageFile[]> {
  const { outputs } = await Bun.build({ entrypoints: [page.index], target: "browser", minify: true });
  return outputs.map((output) => ({ path: output.path, blob: output }));
}
