// What suites need around them: a lab, a folder, and where they ask for it a web server with a large file.
import { join } from "node:path";
import { contentBlocks, type LabHost, type LiveLab } from "@bunnel/lab/live";
import { TempFolder } from "../cli/run.ts";
import { createLab, succeed } from "./lab.ts";
import { type Nginx, startNginx } from "./nginx.ts";

export const RP_FILTERS = [0, 1, 2] as const;
/** Where rp_filter is set: the kernel takes the larger of "all" and the interface's own value (ip-sysctl.rst). */
export const FILTER_PATHS = ["all", "default", "eth0"].map((name) => `/proc/sys/net/ipv4/conf/${name}/rp_filter`);

export class Fixture implements AsyncDisposable {
  private constructor(
    readonly lab: LiveLab,
    readonly folder: TempFolder,
  ) {}

  static async open(): Promise<Fixture> {
    const folder = new TempFolder();
    try {
      return new Fixture(await createLab(), folder);
    } catch (error) {
      folder[Symbol.dispose]();
      throw error;
    }
  }

  /** Where a service of this fixture keeps its state. */
  get stateDir(): string {
    return this.folder.file("state");
  }

  /** A file of the lab's content. */
  async bulk(bytes: number): Promise<string> {
    const path = this.folder.file("bulk.bin");
    await writeBulk(path, bytes);
    return path;
  }

  /** A web server on the server, with a file of so many octets to be had as /down/bulk.bin. */
  async nginx(bulkBytes?: number): Promise<Nginx> {
    const nginx = await startNginx(this.lab.server, this.folder.file("nginx"));
    if (bulkBytes !== undefined) await writeBulk(join(nginx.folder, "down/bulk.bin"), bulkBytes);
    return nginx;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}

async function writeBulk(path: string, bytes: number): Promise<void> {
  const writer = Bun.file(path).writer();
  for (const block of contentBlocks(bytes)) {
    void writer.write(block);
    await writer.flush();
  }
  await writer.end();
}

export async function setReversePathFilter(host: LabHost, value: number): Promise<void> {
  await succeed(host, ["sh", "-ec", FILTER_PATHS.map((path) => `echo ${value} > ${path}`).join("; ")]);
}
