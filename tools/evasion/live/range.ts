// Where the live table is measured: a lab with real servers in it, and a folder for what clients leave behind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LiveLab } from "@bunnel/lab/live";
import { startServers } from "./servers.ts";

const PROGRAM = join(import.meta.dirname, "../../../apps/bunnel/src/main.ts");

export class LiveRange implements AsyncDisposable {
  #files = 0;

  private constructor(
    readonly lab: LiveLab,
    readonly folder: string,
  ) {}

  /** @throws Error when a server cannot be started, LabError or DeviceError when there can be no lab */
  static async open(): Promise<LiveRange> {
    const folder = mkdtempSync(join(tmpdir(), "bunnel-live-"));
    const lab = await LiveLab.create({ service: [process.execPath, PROGRAM], web: false });
    const range = new LiveRange(lab, folder);
    try {
      await startServers(lab, folder);
    } catch (error) {
      await range[Symbol.asyncDispose]();
      throw error;
    }
    return range;
  }

  /** A path in the folder that nobody has used before. */
  fresh(name: string): string {
    this.#files += 1;
    return join(this.folder, `${this.#files}-${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
