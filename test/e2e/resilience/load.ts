// Traffic that does not end while something happens to the service: pages of both families one after the other, a
// long download whose octets are counted, and a connection that is only used now and then.
import { BLOCKED_NAME, contentDigest, ECHO_PORT, HTTPS_PORT, type LiveLab, serverAddress } from "@bunnel/lab/live";
import { expect } from "bun:test";
import { FAMILIES } from "./rig.ts";

/** It comes at this rate, so that it lasts through what happens. */
const DOWNLOAD_BYTES = 12_000_000;
const DOWNLOAD_RATE = "4M";
/** Lost segments come again after 0.2, 0.4, 0.8, 1.6 s: nothing may be stuck for longer. */
const PAGE_MS = 8000;

export class Load {
  readonly #pages: Promise<void>[];
  readonly #downloads: Promise<string>[];
  #ends = false;
  pages = 0;
  /** What did not come, in words. */
  readonly failures: string[] = [];

  private constructor(
    readonly lab: LiveLab,
    readonly echoes: readonly number[],
  ) {
    this.#pages = FAMILIES.flatMap((family) =>
      (["https", "http"] as const).map((scheme) => this.#browse(family, scheme)),
    );
    this.#downloads = FAMILIES.map((family) => this.#download(family));
  }

  static async start(lab: LiveLab): Promise<Load> {
    const open = (family: 4 | 6): Promise<number> =>
      lab.children.client.call("open", { address: serverAddress(family), port: ECHO_PORT });
    return new Load(lab, await Promise.all(FAMILIES.map(open)));
  }

  /** Waits until so many more pages have come. */
  async more(pages: number): Promise<void> {
    const until = this.pages + pages;
    while (this.pages < until && this.failures.length === 0) await Bun.sleep(5);
  }

  /** Every page came, the downloads are whole, and the connections that were open still are. */
  async expectWhole(): Promise<void> {
    for (const id of this.echoes) {
      expect(await this.lab.children.client.call("exchange", { id, text: "still there" })).toBe("still there");
    }
    const digests = await Promise.all(this.#downloads);
    this.#ends = true;
    await Promise.all(this.#pages);
    expect(this.failures).toEqual([]);
    expect(digests).toEqual(FAMILIES.map(() => contentDigest(DOWNLOAD_BYTES)));
  }

  async #browse(family: 4 | 6, scheme: "https" | "http"): Promise<void> {
    while (!this.#ends && this.failures.length === 0) {
      const { outcome, detail } = await this.lab.fetch({ host: BLOCKED_NAME, scheme, family, timeoutMs: PAGE_MS });
      this.pages++;
      if (outcome !== "served") this.failures.push(`IPv${family} ${scheme}: ${outcome}, ${detail}`);
    }
  }

  async #download(family: 4 | 6): Promise<string> {
    const address = family === 6 ? `[${serverAddress(6)}]` : serverAddress(4);
    const url = `https://${BLOCKED_NAME}:${HTTPS_PORT}/bytes/${DOWNLOAD_BYTES}`;
    const words =
      `set -o pipefail; curl -sS --fail --noproxy '*' --http1.1 --max-time 25 --limit-rate ${DOWNLOAD_RATE} ` +
      `--cacert /dev/stdin --resolve ${BLOCKED_NAME}:${HTTPS_PORT}:${address} ${url} | sha256sum`;
    const stdin = new TextEncoder().encode(this.lab.authority);
    const { stdout, stderr } = await this.lab.client.run(["bash", "-c", words], { stdin });
    return stderr || (stdout.split(" ")[0] ?? "");
  }
}
