export { UpstreamError, type UpstreamErrorCode } from "./errors.ts";
export type { LearnedAddresses, LifetimeBounds } from "./lifetime.ts";
export { Resolver, RESOLVER_DEFAULTS, type AskedHow, type ResolverFigures, type ResolverOptions } from "./resolver.ts";
export { lookUp } from "./look-up.ts";
export { isServerName } from "./server-names.ts";
export { serveDnsStream, type AnswerQuery } from "./serve-stream.ts";
export type { UpstreamFigures } from "./upstream-set.ts";
export type { DohTarget, PlainTarget, Sockets, UpstreamTarget } from "./upstream.ts";
