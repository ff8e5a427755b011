// Types of quell.js. Made anew by every build.
export type Kind =
  | "invalid-input" | "invalid-config" | "unauthorized" | "forbidden" | "not-found" | "conflict"
  | "rate-limited" | "unavailable" | "timeout" | "denied" | "unsupported" | "internal";
export type Effect = "read" | "notify" | "annotate" | "contain" | "release" | "destroy";

export interface More { kind?: Kind; afterMs?: number; details?: unknown }
export declare class Failure extends Error {
  constructor(code: string, message: string, more?: More & { retryable?: boolean });
  code: string;
  kind: Kind;
  retryable: boolean;
}
export declare function retryable(code: string, message: string, more?: More): Failure;
export declare function permanent(code: string, message: string, more?: More): Failure;

export interface Context<Config = unknown> {
  invocationId: string;
  attempt: number;
  mode: "execute" | "simulate" | "reconcile";
  timeLeftMs: number;
  config: Config;
  resume?: any;
}
declare const special: unique symbol;
export interface Special { [special]: true }
export declare function pending(resumeAfterS: number, state: unknown, note?: string): Special;
export declare function nothing(): Special;

type Line = (message: string, fields?: object) => void;
export declare const tell: Record<"trace" | "debug" | "info" | "warn" | "error", Line>;

export interface Action<Input = any, Output = any> {
  title: string;
  description?: string;
  input: object;
  output: object;
  effect?: Effect;
  idempotency?: "natural" | "keyed" | "none";
  simulates?: boolean;
  settles?: boolean;
  undo?: string;
  connection?: string;
  application?: string[];
  delegated?: string[];
  errors?: string[];
  run(input: Input, context: Context): Output | Special;
}
export declare function plugin(plugin: {
  title: string;
  description?: string;
  config?: object;
  actions: Record<string, Action>;
}): object;
