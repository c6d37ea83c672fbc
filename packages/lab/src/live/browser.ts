// The browser of this machine that is built on Chromium, and the words that make it ask for one page and nothing else.
const NAMES = ["chromium", "google-chrome", "chromium-browser"] as const;

/** The first that runs: some systems have a program of that name which only says where to get it. */
export function findBrowser(names: readonly string[] = NAMES): string | undefined {
  return names.find((name) => {
    const path = Bun.which(name);
    return path !== null && Bun.spawnSync([path, "--version"], { stdout: "ignore", stderr: "ignore" }).success;
  });
}

export interface BrowserOrder {
  /** The program, as `findBrowser` names it. */
  readonly browser: string;
  /** For its files. */
  readonly folder: string;
  readonly url: string;
  /** The only one that it knows, that of the URL's host. */
  readonly address: string;
  /** Further words of its command line. */
  readonly words?: readonly string[];
}

/** A command that prints the page. The browser trusts every certificate and has never been used before. */
export function browserCommand({ browser, folder, url, address, words = [] }: BrowserOrder): string[] {
  const { hostname } = new URL(url);
  return [
    ...[browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"],
    ...["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"],
    ...["--ignore-certificate-errors", "--dump-dom", `--user-data-dir=${folder}`],
    ...[`--host-resolver-rules=MAP ${hostname} ${address}, MAP * ~NOTFOUND`, ...words, url],
  ];
}
