// Charts over time, by uPlot, in the colours of the page.
import UPlot from "uplot";
import type { RateView } from "../contract.ts";
import { el, setText, setVariable } from "./dom.ts";

const HEIGHT = 185;
/** Seconds that are shown: as many as there are, within these. */
const SPAN_MIN_SECONDS = 60;
const SPAN_MAX_SECONDS = 300;

export interface Line {
  readonly label: string;
  /** Custom property of the style that has its colour. */
  readonly color: string;
  readonly of: (rate: RateView) => number;
}

export interface ChartOptions {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
}

/** A chart with a caption that says its last figures. */
export class Chart {
  readonly element: HTMLElement;
  readonly #canvas = el("div", { class: "plot", "aria-hidden": "true" });
  readonly #figures: readonly HTMLElement[];
  readonly #resize = new ResizeObserver(() => this.#fit());
  #plot: UPlot | undefined;
  #rates: readonly RateView[] = [];

  constructor(readonly options: ChartOptions) {
    const lines = options.lines.map(({ color, label }) => {
      const dot = el("span", { class: "dot", "aria-hidden": "true" });
      setVariable(dot, "--color", `var(${color})`);
      const figure = el("span", {}, label);
      return { figure, line: el("li", {}, dot, figure) };
    });
    this.#figures = lines.map(({ figure }) => figure);
    const caption = el("ul", { class: "figures" }, ...lines.map(({ line }) => line));
    this.element = el("figure", { class: "card chart" }, el("figcaption", {}, options.title), caption, this.#canvas);
    this.#resize.observe(this.#canvas);
  }

  update(rates: readonly RateView[]): void {
    this.#rates = rates;
    this.#plot?.setData(this.#data());
    const last = rates.at(-1);
    const { lines, format } = this.options;
    for (const [i, { label, of }] of lines.entries()) {
      const figure = this.#figures[i];
      if (figure !== undefined) setText(figure, `${label} ${last === undefined ? "–" : format(of(last))}`);
    }
  }

  /** Drawn anew, in the colours that hold now. */
  repaint(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#fit();
  }

  dispose(): void {
    this.#resize.disconnect();
    this.#plot?.destroy();
  }

  #fit(): void {
    const width = this.#canvas.clientWidth;
    if (width === 0) return;
    if (this.#plot === undefined) this.#plot = new UPlot(this.#settings(width), this.#data(), this.#canvas);
    else if (this.#plot.width !== width) this.#plot.setSize({ width, height: HEIGHT });
  }

  #data(): UPlot.AlignedData {
    const times = this.#rates.map(({ time }) => time);
    return [times, ...this.options.lines.map(({ of }) => this.#rates.map((rate) => of(rate)))];
  }

  #settings(width: number): UPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    const axis: UPlot.Axis = {
      stroke: color("--dim"),
      grid: { stroke: color("--grid"), width: 1 },
      ticks: { show: false },
    };
    const { lines, format } = this.options;
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: {
        x: { range: () => timeRange(this.#rates) },
        y: { range: (_plot, _low, high) => [0, Math.max(high * 1.1, 1)] },
      },
      axes: [
        { ...axis, space: 70, size: 32, values: (_plot, ticks) => ticks.map((tick) => hourAndMinute(tick)) },
        { ...axis, size: 62, values: (_plot, ticks) => ticks.map((tick) => format(tick)) },
      ],
      series: [
        {},
        ...lines.map(({ label, color: name }): UPlot.Series => {
          return { label, stroke: color(name), width: 2, fill: `${color(name)}22`, points: { show: false } };
        }),
      ],
    };
  }
}

function timeRange(rates: readonly RateView[]): [number, number] {
  const end = rates.at(-1)?.time ?? Date.now() / 1000;
  const span = end - (rates[0]?.time ?? end);
  return [end - Math.min(Math.max(span, SPAN_MIN_SECONDS), SPAN_MAX_SECONDS), end];
}

function hourAndMinute(seconds: number): string {
  const date = new Date(seconds * 1000);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
