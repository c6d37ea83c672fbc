// Tells the service manager how we are (sd_notify(3)): up, alive, ending. Where nobody listens, nothing is said.
import { closeSocket, connectDatagrams, sendDatagram } from "./sys.ts";

/** The variables by which systemd tells where it listens. */
export type SupervisorEnvironment = Readonly<Record<string, string | undefined>>;

/** The way to the service manager, if there is one. */
export class Supervisor implements Disposable {
  #fd: number | undefined;

  private constructor(fd: number | undefined) {
    this.#fd = fd;
  }

  /** Opens the way, before privileges are given up. A manager that cannot be reached is none: it will say so itself. */
  static open(environment: SupervisorEnvironment): Supervisor {
    const path = environment["NOTIFY_SOCKET"];
    if (process.platform !== "linux" || path === undefined || !/^[@/]./u.test(path)) return new Supervisor(undefined);
    const fd = connectDatagrams(path);
    return new Supervisor(fd < 0 ? undefined : fd);
  }

  /** Traffic is carried from now on. */
  ready(status: string): void {
    this.#say(`READY=1\nSTATUS=${status}`);
  }

  /** A sign of life; without one for long enough the manager ends us and starts us anew. */
  alive(): void {
    this.#say("WATCHDOG=1");
  }

  stopping(): void {
    this.#say("STOPPING=1");
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSocket(this.#fd);
    this.#fd = undefined;
  }

  #say(text: string): void {
    if (this.#fd !== undefined) sendDatagram(this.#fd, text);
  }
}
