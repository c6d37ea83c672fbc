// The sections [service] and [log]: who the service is, and what it says of itself.
import * as v from "valibot";
import { deepFreeze } from "../freeze.ts";
import { quoted, table as printTable } from "./print-words.ts";
import { oneOf, read, table, yesOrNo } from "./schema-words.ts";
import { readPath, readUserName } from "./values.ts";

/** Levels of the log, the gravest first. */
export const LOG_LEVELS = ["error", "warning", "info", "debug"] as const;
/** From the rarest lines to all of them. */
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ["human", "json"] as const;
/** A line for people, or one of JSON. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** The `[service]` of a profile. */
export interface ServiceSettings {
  /** Who it is once its devices are open; "": bunnel where there is such a user, else nobody. */
  readonly user: string;
  /** "": audit.log in the state directory. */
  readonly auditLog: string;
}

/** The `[log]` of a profile. */
export interface LogSettings {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Host names may stand in it. */
  readonly hosts: boolean;
}

export const SERVICE_DEFAULTS: ServiceSettings = deepFreeze({ user: "", auditLog: "" });
export const LOG_DEFAULTS: LogSettings = deepFreeze({ level: LOG_LEVELS[2], format: LOG_FORMATS[0], hosts: false });

export const serviceTable = table({
  user: v.optional(read(readUserName), SERVICE_DEFAULTS.user),
  audit_log: v.optional(read(readPath), SERVICE_DEFAULTS.auditLog),
});

export const logTable = table({
  level: v.optional(oneOf(LOG_LEVELS), LOG_DEFAULTS.level),
  format: v.optional(oneOf(LOG_FORMATS), LOG_DEFAULTS.format),
  log_hosts: v.optional(yesOrNo, LOG_DEFAULTS.hosts),
});

/** The section from what was read. */
export function buildService({ user, audit_log }: v.InferOutput<typeof serviceTable>): ServiceSettings {
  return { user, auditLog: audit_log };
}

/** The section from what was read. */
export function buildLog({ level, format, log_hosts }: v.InferOutput<typeof logTable>): LogSettings {
  return { level, format, hosts: log_hosts };
}

/** Both sections as TOML. */
export function printService({
  service,
  log,
}: {
  readonly service: ServiceSettings;
  readonly log: LogSettings;
}): string[] {
  return [
    printTable("[service]", [
      ["user", quoted(service.user)],
      ["audit_log", quoted(service.auditLog)],
    ]),
    printTable("[log]", [
      ["level", quoted(log.level)],
      ["format", quoted(log.format)],
      ["log_hosts", String(log.hosts)],
    ]),
  ];
}

/** Both sections as the sample has them. */
export function serviceText(): string {
  return `# The service itself.
[service]
# Who it is once its devices are open: a user's name or number. Empty: "bunnel" where there is one, else nobody.
user = ${quoted(SERVICE_DEFAULTS.user)}
# A line of JSON for each privileged operation. Empty: audit.log in the state directory.
audit_log = ${quoted(SERVICE_DEFAULTS.auditLog)}

# What it says on standard error, which a service manager keeps. No payload ever stands in it.
[log]
# "error", "warning", "info" or "debug"; each holds those before it.
level = ${quoted(LOG_DEFAULTS.level)}
# "human" or "json".
format = ${quoted(LOG_DEFAULTS.format)}
# Whether host names may stand in it.
log_hosts = ${LOG_DEFAULTS.hosts}
`;
}

/** The sections as JSON Schema. */
export const SERVICE_JSON = {
  service: {
    user: { type: "string", description: "Who it is once its devices are open.", default: SERVICE_DEFAULTS.user },
    audit_log: {
      type: "string",
      description: "A line of JSON for each privileged operation. Empty: in the state directory.",
      default: SERVICE_DEFAULTS.auditLog,
    },
  },
  log: {
    level: { enum: LOG_LEVELS, description: "Each holds those before it.", default: LOG_DEFAULTS.level },
    format: { enum: LOG_FORMATS, description: "Lines for people, or of JSON.", default: LOG_DEFAULTS.format },
    log_hosts: { type: "boolean", description: "Host names may stand in it.", default: LOG_DEFAULTS.hosts },
  },
} as const;
