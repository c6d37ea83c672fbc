// What brings packets up while profiles and settings change: in one step where the system can do that, and with what
// sockets still carry by rules that are gone.
import type { Interception, Selection, TunDevice } from "@bunnel/device";
import { selectionOf, type Profile } from "@bunnel/profile";
import type { TunSettings } from "./backend.ts";
import { intercept, interceptionOptions, isSameSelection } from "./intercept.ts";
import type { TunPlatform } from "./platform.ts";
import { lingeringOf, widened, type Lingering } from "./stream/lingering.ts";

/** How often connections by rules that are gone are looked for. */
const LOOK_MS = 1000;
/** A connection that was let through is not yet there for a moment: so many looks in a row find none. */
const LOOKS = 2;

export interface InterceptingParts {
  readonly platform: TunPlatform;
  readonly device: TunDevice;
  /** Called after the network has changed. */
  readonly changed: () => void;
  /** Connections that sockets carry. */
  readonly openFlows: () => number;
}

export class Intercepting {
  /** While connections by rules that are gone may still be there. */
  #looks: ReturnType<typeof setInterval> | undefined;
  #interception: Interception;
  /** What the rules of now want, without what lingers. */
  #wanted: Selection;
  #lingering: Lingering | undefined;
  #found = 0;

  /** @throws DeviceError when it cannot be had */
  constructor(
    private readonly parts: InterceptingParts,
    profile: Profile,
    private settings: TunSettings,
  ) {
    this.#wanted = selectionOf(profile);
    this.#interception = this.#begin(this.#wanted, settings);
  }

  get method(): string {
    return this.#interception.method;
  }

  get uplinks(): readonly string[] {
    return this.#interception.uplinks;
  }

  /** Follows another profile and other settings. When it throws, what was in force still is. */
  use(profile: Profile, settings: TunSettings): void {
    const wanted = selectionOf(profile);
    const inForce = widened(this.#wanted, this.#lingering);
    // What is open by rules of now, or of before, and the next ones do not want any more.
    const lingering = this.parts.openFlows() === 0 ? undefined : lingeringOf(inForce, wanted);
    this.#change(widened(wanted, lingering), settings);
    this.#wanted = wanted;
    this.#lingering = lingering;
    this.settings = settings;
    if (lingering !== undefined) this.#looks ??= setInterval(() => this.#look(), LOOK_MS);
  }

  /** Puts everything back, but for what a kill switch is to keep closed. */
  end(staysClosed: boolean): void {
    this.#endLooks();
    const interception = this.#interception;
    if (staysClosed && interception.release) interception.release();
    else interception.close();
  }

  /** When the last connection by rules that are gone has ended, their ports need not come up any more. */
  #look(): void {
    const isOver = this.#lingering === undefined || this.parts.openFlows() === 0;
    this.#found = isOver ? this.#found + 1 : 0;
    if (this.#found < LOOKS) return;
    try {
      this.#change(this.#wanted, this.settings);
      this.#lingering = undefined;
      this.#endLooks();
    } catch {
      // What comes up besides does no harm: the next look tries again.
    }
    this.#found = 0;
  }

  #endLooks(): void {
    clearInterval(this.#looks);
    this.#looks = undefined;
  }

  #change(select: Selection, settings: TunSettings): void {
    const before = widened(this.#wanted, this.#lingering);
    if (isSameSelection([before, this.settings], [select, settings])) return;
    const { killSwitch, method } = this.settings;
    const isAlike = settings.killSwitch === killSwitch && settings.method === method;
    if (isAlike && this.#interception.reselect?.(this.#optionsOf(select, settings)) === true) return;
    // For a moment nothing comes up: that is the side on which to err, but for a kill switch, which stays closed.
    if (settings.killSwitch === true && this.#interception.release) this.#interception.release();
    else this.#interception.close();
    try {
      this.#interception = this.#begin(select, settings);
    } catch (cause) {
      this.#interception = this.#begin(before, this.settings);
      throw cause;
    }
  }

  #begin(select: Selection, settings: TunSettings): Interception {
    return intercept(this.parts.platform, settings, this.#optionsOf(select, settings));
  }

  #optionsOf(select: Selection, settings: TunSettings): ReturnType<typeof interceptionOptions> {
    return interceptionOptions(settings, this.parts.device, select, this.parts.changed);
  }
}
