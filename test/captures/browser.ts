// The browser of this machine that is built on Chromium, and the words that make it ask for one page and nothing else.
const NAMES = ["chromium", "google-chrome", "chromium-browser"] as const;

/** The first that runs: some systems have a program of that name which only says where to get it. */
export function findBrowser(names: readonly string[] = NAMES): string | undefined {
  return names.find((name) => {
    const path = Bun.which(name);
    return path !== null && Bun.spawnSync([path, "--version"], { stdout: "ignore", stderr: "ignore" }).success;
  });
}

export const BROWSER = findBrowser();

/**
 * A command that prints the page at `url`. The browser knows no other address than that of `host`, trusts every
 * certificate, and has never been used before.
 * @param folder for its files
 */
export function browserCommand(folder: string, url: string, address: string, words: readonly string[] = []): string[] {
  const { hostname } = new URL(url);
  return [
    ...[BROWSER ?? NAMES[0], "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"],
    ...["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"],
    ...["--ignore-certificate-errors", "--dump-dom", `--user-data-dir=${folder}`],
    ...[`--host-resolver-rules=MAP ${hostname} ${address}, MAP * ~NOTFOUND`, ...words, url],
  ];
}
