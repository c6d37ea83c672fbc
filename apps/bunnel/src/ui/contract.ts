// What the page and the process that serves it say to each other. Both compile this file, so it knows neither the
// browser's world nor ours.
import type { FlowLine, RuleLine } from "../control/answers.ts";

/** What a packet that left is to its message; see `SentStep`. */
export interface StepView {
  readonly kind: "whole" | "piece" | "overlap" | "changed" | "decoy" | "forged" | "fragment";
  /** Octets of the message. */
  readonly from: number;
  readonly to: number;
  readonly overlapBytes: number;
  readonly marks: readonly string[];
  readonly delayMs: number;
  readonly techniques: readonly string[];
  /** The step in words. */
  readonly text: string;
}

/** One message, and what left in its place. */
export interface ExchangeView {
  readonly id: number;
  /** Milliseconds since 1970 UTC. */
  readonly timeMs: number;
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  readonly message?: string;
  readonly host?: string;
  /** Where the name lies in the message. */
  readonly hostAt?: { readonly from: number; readonly to: number };
  readonly rule?: string;
  readonly verdict: string;
  readonly reason: string;
  /** Octets of the message. */
  readonly bytes: number;
  /** Packets that left. */
  readonly sent: number;
  /** What the rule's strategy says of such messages. */
  readonly clause?: string;
  readonly steps: readonly StepView[];
}

/** One flow of the table. */
export interface FlowView extends FlowLine {
  /** The name of its last message, where this process saw it. */
  readonly host?: string;
  readonly verdict?: string;
}

/** The figures of a service, those that the page knows by name. */
export interface StatusView {
  readonly pid: number;
  readonly profile: string;
  readonly rules: number;
  readonly reloads: { readonly done: number; readonly refused: number };
  readonly device: string;
  readonly method: string;
  readonly uplinks: readonly string[];
  readonly pumps: readonly string[];
  readonly uptimeMs: number;
  readonly packetsIn: number;
  readonly bytesIn: number;
  readonly passed: number;
  readonly replaced: number;
  readonly held: number;
  readonly dropped: number;
  readonly pieces: number;
  readonly fakes: number;
  readonly flows: number;
  readonly flowsInserted: number;
  readonly egressSent: number;
  readonly egressRefused: number;
  readonly queueDropped: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly messagesTls: number;
  readonly messagesHttp: number;
  readonly messagesQuic: number;
  readonly messagesDns: number;
  readonly messagesSyn: number;
}

/** One second of the charts: figures a second. */
export interface RateView {
  /** Seconds since 1970 UTC. */
  readonly time: number;
  readonly bytes: number;
  readonly passed: number;
  readonly replaced: number;
  readonly held: number;
  readonly dropped: number;
  /** Flows in the table, and new ones a second. */
  readonly flows: number;
  readonly flowsNew: number;
}

/** A line of the log. */
export interface LogLine {
  readonly timeMs: number;
  readonly kind: "service" | "reload" | "error" | "dashboard";
  readonly text: string;
}

/** Reasons by name, and the verdict that each belongs to. */
export interface ReasonView {
  readonly name: string;
  readonly verdict: string;
  readonly packets: number;
}

/** What the page is told, first everything, then what changes. */
export type LiveMessage =
  | {
      readonly type: "hello";
      readonly version: string;
      readonly rates: readonly RateView[];
      readonly log: readonly LogLine[];
      readonly exchanges: readonly ExchangeView[];
    }
  | { readonly type: "down" }
  | {
      readonly type: "status";
      readonly status: StatusView;
      readonly reasons: readonly ReasonView[];
      /** Figures of the resolver by name; undefined: the service has none. */
      readonly dns?: Readonly<Record<string, number>>;
      readonly rate?: RateView;
    }
  | { readonly type: "flows"; readonly total: number; readonly flows: readonly FlowView[] }
  | { readonly type: "rules"; readonly rules: readonly RuleLine[] }
  | { readonly type: "exchanges"; readonly exchanges: readonly ExchangeView[] }
  | { readonly type: "probe"; readonly probe: ProbeView }
  | { readonly type: "log"; readonly line: LogLine };

/** How a host is blocked. */
export interface ProbedHostView {
  readonly host: string;
  readonly summary: string;
  readonly findings: readonly string[];
}

/** One strategy at one host. */
export interface ProbedStrategyView {
  readonly works: boolean;
  readonly times: number;
  readonly kind: string;
  readonly name: string;
  readonly egress: string;
  readonly cost: number;
  readonly host: string;
  readonly how: string;
}

/** A probe, as far as it has come. */
export interface ProbeView {
  readonly state: "idle" | "running" | "done" | "failed";
  readonly hosts: readonly string[];
  /** What it does now, or why it ended. */
  readonly says: string;
  /** What this process may not try. */
  readonly missing: readonly string[];
  /** The words of a shell that ask the same of somebody who may try everything; empty: nothing was asked yet. */
  readonly command: string;
  readonly seen: readonly ProbedHostView[];
  readonly trials: readonly ProbedStrategyView[];
  /** Strategies that there are to try at most; 0: not known yet. */
  readonly trialsMax: number;
  /** The recommended rules as text for a profile; empty: none. */
  readonly rules: string;
  /** "tls of example.org" */
  readonly unsolved: readonly string[];
  readonly seconds: number;
  readonly connections: number;
}

/** What the page asks for. */
export interface ProbeRequest {
  readonly hosts: readonly string[];
  /** "example.org:192.0.2.7" */
  readonly known: readonly string[];
  /** A host that is not blocked; empty: that of the shipped list. */
  readonly harmless: string;
}

export type ProbeAnswer = { readonly ok: true } | { readonly ok: false; readonly error: string };

/** Something wrong in a profile, and where; lines and columns from 1. */
export interface ProblemView {
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** The profile as the editor gets it. */
export interface ProfileView {
  /** What the service calls it. */
  readonly source: string;
  readonly path?: string;
  readonly text: string;
  /** Why it cannot be written from here; undefined: it can. */
  readonly readOnly?: string;
}

export type CheckAnswer =
  | { readonly ok: true; readonly rules: readonly { readonly name: string; readonly strategy: string }[] }
  | { readonly ok: false; readonly problems: readonly ProblemView[] };

/** Kinds of sample messages. */
export const SAMPLE_KINDS = ["tls", "tls-pq", "http", "quic", "dns", "syn"] as const;
export type SampleKind = (typeof SAMPLE_KINDS)[number];

/** What a profile would do with a sample. */
export interface PreviewRequest {
  readonly text: string;
  readonly kind: SampleKind;
  readonly host: string;
  readonly family: 4 | 6;
}

export type PreviewAnswer =
  | { readonly ok: true; readonly exchange: ExchangeView }
  | { readonly ok: false; readonly problems: readonly ProblemView[] };

export type ApplyAnswer =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problems: readonly ProblemView[] };
