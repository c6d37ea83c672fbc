// What a section of the page is.
import type { Live } from "./live.ts";

export interface View {
  readonly element: HTMLElement;
  /** Called when something has changed. */
  update(live: Live): void;
  /** The colours are others. */
  repaint?(): void;
  dispose?(): void;
}
