// A message bus of one's own (the real dbus-daemon), a double of systemd-resolved on it, and other eyes on what passes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NetworkNamespace } from "../src/namespace.ts";

const FAKE_RESOLVED = new URL("./fake-resolved.ts", import.meta.url).pathname;

const CONFIG = (socket: string) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
`;

/** What a program prints, as it prints it. */
class Output {
  text = "";
  #more = Promise.withResolvers<undefined>();

  constructor(stream: ReadableStream<Uint8Array>) {
    void this.#read(stream);
  }

  /** Resolves when the text has `part`. */
  async until(part: string): Promise<void> {
    while (!this.text.includes(part)) await this.#more.promise;
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const octets of stream) {
      this.text += decoder.decode(octets, { stream: true });
      this.#more.resolve(undefined);
      this.#more = Promise.withResolvers();
    }
  }
}

export class SystemBus implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "bunnel-bus-"));
  readonly socket = join(this.#folder, "socket");
  readonly address = `unix:path=${this.socket}`;
  readonly #processes: Bun.Subprocess[] = [];
  readonly #callsPath = join(this.#folder, "calls");
  #monitor: Output | undefined;

  static async start(): Promise<SystemBus> {
    const bus = new SystemBus();
    const config = join(bus.#folder, "bus.conf");
    writeFileSync(config, CONFIG(bus.socket));
    const daemon = ["dbus-daemon", `--config-file=${config}`, "--nofork", "--nopidfile", "--print-address=1"];
    await bus.#spawn(daemon).until("unix:path=");
    return bus;
  }

  /** Starts the double inside a network namespace. @param age "old": it knows no default routes */
  async startResolved(namespace: NetworkNamespace, age = "new"): Promise<void> {
    writeFileSync(this.#callsPath, "");
    const command = [process.execPath, FAKE_RESOLVED, this.socket, this.#callsPath, age];
    await namespace.run(() => this.#spawn(command)).until("ready");
  }

  /** From now on dbus-monitor listens to what resolved is asked. */
  async startMonitor(): Promise<void> {
    this.#monitor = this.#spawn(["dbus-monitor", "--address", this.address, "destination=org.freedesktop.resolve1"]);
    await this.#monitor.until("member=NameLost");
  }

  /** The calls that the double has taken: member, index, the rest. */
  get calls(): unknown[][] {
    const lines = readFileSync(this.#callsPath, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as unknown[]);
  }

  /** What dbus-monitor tells of a call, in one line. */
  async monitored(member: string): Promise<string> {
    await this.#monitor?.until(`member=${member}\n`);
    // Arguments follow the line of their call in the same write.
    const text = this.#monitor?.text.split(`member=${member}\n`)[1] ?? "";
    return (text.split(/^\S/m)[0] ?? "").replaceAll(/\s+/g, " ").trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes.toReversed()) {
      child.kill("SIGKILL");
      await child.exited;
    }
    rmSync(this.#folder, { recursive: true });
  }

  #spawn(command: string[]): Output {
    const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
    this.#processes.push(child);
    return new Output(child.stdout);
  }
}
