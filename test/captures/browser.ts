// The browser of this machine, as the suites use it.
import { browserCommand as commandOf, findBrowser } from "@bunnel/lab/live";

export const BROWSER = findBrowser();

/** A command that prints the page at `url`. @param folder for the browser's files */
export function browserCommand(folder: string, url: string, address: string, words: readonly string[] = []): string[] {
  return commandOf({ browser: BROWSER ?? "chromium", folder, url, address, words });
}
