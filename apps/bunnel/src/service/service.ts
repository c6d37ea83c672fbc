// A running service: the backend, the profile it works with, and what the control socket can ask of it.
import { accessSync, constants } from "node:fs";
import type { BackendHandle, TunSettings } from "@bunnel/backend";
import { printProfile, ruleStrategyText, type Profile } from "@bunnel/profile";
import * as v from "valibot";
import type { FlowLine, RuleLine } from "../control/answers.ts";
import type { ControlEvent } from "../control/protocol.ts";
import { checked, type ControlCommands } from "../control/server.ts";
import { describeFlow, FLOWS_SHOWN } from "./describe-flow.ts";
import type { DnsService } from "../dns/dns-service.ts";
import type { MemoryService } from "../memory/memory-service.ts";
import { explain } from "./exit.ts";
import type { ProfileSource } from "./read-profile.ts";
import { needsRestart } from "./needs-restart.ts";

export interface ServiceParts {
  readonly source: ProfileSource;
  /** Reads the profile again from where it came. */
  readonly read: () => Promise<ProfileSource>;
  /** Settings that the profile and the command line make together. */
  readonly settingsOf: (profile: Profile) => TunSettings;
  /** Called behind each reload, with what it did or why it was refused. */
  readonly reloaded: (outcome: unknown) => void;
  /** Called when another profile is in force. */
  readonly applied: (profile: Profile) => void;
  readonly notify: (event: ControlEvent, data: unknown) => void;
  /** Ends the service. */
  readonly stop: () => void;
  /** Answers queries; follows the profile. */
  readonly dns: Pick<DnsService, "use" | "figures">;
  /** What is known of hosts, which goes before what the profile says. */
  readonly memory: Pick<MemoryService, "effective" | "use" | "figures" | "commands">;
}

/** What a reload did. */
export interface ReloadReport {
  readonly source: string;
  readonly rules: number;
  /** Keys whose change waits for the next start. */
  readonly restart: readonly string[];
}

const flowsSchema = v.strictObject({ limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), FLOWS_SHOWN) });
const nothingSchema = v.strictObject({});

export class Service {
  #source: ProfileSource;
  /** Called before the files are read. */
  beforeReload: () => void = () => undefined;
  #reloading: Promise<ReloadReport> | undefined;
  #reloads = { done: 0, refused: 0 };

  constructor(
    readonly handle: BackendHandle,
    readonly parts: ServiceParts,
  ) {
    this.#source = parts.source;
  }

  /** The files that make the profile in force. */
  get files(): readonly string[] {
    return this.#source.files;
  }

  /** Those of them that this process may not read again. */
  unreadable(): string[] {
    return this.files.filter((path) => {
      try {
        accessSync(path, constants.R_OK);
        return false;
      } catch {
        return true;
      }
    });
  }

  status() {
    const { name, profile } = this.#source;
    const rules = profile.rules.filter(({ enabled }) => enabled).length;
    return {
      pid: process.pid,
      profile: name,
      rules,
      reloads: this.#reloads,
      ...this.handle.stats,
      dns: this.parts.dns.figures,
      memory: this.parts.memory.figures,
    };
  }

  /**
   * Reads the profile again and puts it in force. One that is wrong changes nothing.
   * @throws ProfileError, ExitError, DeviceError: why the new one was refused
   */
  reload(): Promise<ReloadReport> {
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  rules(): RuleLine[] {
    const { profile, decided } = this.handle.pipeline;
    const flows = profile.rules.map(() => 0);
    for (const { rule } of this.handle.flows()) if (rule !== undefined) flows[rule] = (flows[rule] ?? 0) + 1;
    return profile.rules.map((rule, index) => {
      const { name, enabled, priority } = rule;
      const strategy = ruleStrategyText(rule);
      return { name, enabled, priority, strategy, decided: decided[index] ?? 0, flows: flows[index] ?? 0 };
    });
  }

  flows(limit: number): { readonly total: number; readonly flows: readonly FlowLine[] } {
    const flows = this.handle.flows();
    const { rules } = this.handle.pipeline.profile;
    return { total: flows.length, flows: flows.slice(0, limit).map((flow) => describeFlow(flow, rules)) };
  }

  /** The profile in force as text, and the files that it was made of, itself first. */
  profile(): { readonly source: string; readonly text: string; readonly files: readonly string[] } {
    const { name, profile } = this.#source;
    return { source: name, text: printProfile(profile), files: this.files };
  }

  /** What the control socket can ask. */
  get commands(): ControlCommands {
    const plain = (act: () => unknown) => (given: Readonly<Record<string, unknown>>) => {
      checked(nothingSchema, given);
      return act();
    };
    return {
      status: plain(() => this.status()),
      ...this.parts.memory.commands,
      stats: plain(() => ({ ...this.handle.stats, dns: this.parts.dns.figures })),
      rules: plain(() => this.rules()),
      profile: plain(() => this.profile()),
      flows: (given) => this.flows(checked(flowsSchema, given).limit),
      reload: plain(() => this.reload()),
      stop: plain(() => {
        this.parts.stop();
        return "stopping";
      }),
    };
  }

  async #reload(): Promise<ReloadReport> {
    try {
      this.beforeReload();
      const source = await this.parts.read();
      const { profile } = source;
      const { method, uplinks, excludes, include, exclude, killSwitch } = this.parts.settingsOf(profile);
      this.handle.pipeline.load(this.parts.memory.effective(profile), {
        ...(method !== undefined && { method }),
        ...(uplinks !== undefined && { uplinks }),
        ...(excludes !== undefined && { excludes }),
        ...(include !== undefined && { include }),
        ...(exclude !== undefined && { exclude }),
        ...(killSwitch !== undefined && { killSwitch }),
      });
      this.parts.applied(profile);
      this.parts.dns.use(profile);
      this.parts.memory.use(profile);
      this.#source = source;
      this.#reloads.done++;
      const restart = needsRestart(this.parts.source.profile, profile);
      const rules = profile.rules.filter(({ enabled }) => enabled).length;
      const report = { source: source.name, rules, restart };
      this.parts.reloaded(report);
      this.parts.notify("reload", { ok: true, ...report });
      return report;
    } catch (error) {
      this.#reloads.refused++;
      this.parts.reloaded(error);
      this.parts.notify("reload", { ok: false, error: explain(error) });
      throw error;
    }
  }
}
