// What plugins in JavaScript and TypeScript are written with. Made anew by every build.
import log from "quell:plugin/log@0.1.0";

// Why an action failed. `retryable`: another try may work.
export class Failure extends Error {
  constructor(code, message, { kind = "internal", retryable = false, afterMs, details } = {}) {
    super(message);
    Object.assign(this, { code, kind, retryable, afterMs, details });
  }
}

export const retryable = (code, message, more) =>
  new Failure(code, message, { kind: "unavailable", ...more, retryable: true });
export const permanent = (code, message, more) => new Failure(code, message, more);

const PENDING = Symbol("pending");
const NOTHING = Symbol("nothing");

// To be called again after so many seconds, with `state` as `context.resume`.
export const pending = (resumeAfterS, state, note) => ({ [PENDING]: { resumeAfterS, state, note } });
// The answer to `reconcile` when the service has no trace of the earlier try.
export const nothing = () => ({ [NOTHING]: true });

export const tell = Object.fromEntries(
  ["trace", "debug", "info", "warn", "error"].map((level) => [
    level,
    (message, fields) => log.write(level, message, fields && JSON.stringify(fields)),
  ]),
);

function info([name, action]) {
  return {
    name,
    title: action.title,
    description: action.description ?? "",
    inputSchema: JSON.stringify(action.input),
    outputSchema: JSON.stringify(action.output),
    effect: action.effect ?? "read",
    idempotency: action.idempotency ?? (action.effect ? "none" : "natural"),
    supportsSimulate: action.simulates ?? false,
    settles: action.settles ?? false,
    undo: action.undo,
    connection: action.connection && {
      api: action.connection,
      application: action.application ?? [],
      delegated: action.delegated ?? [],
    },
    errorCodes: action.errors ?? [],
  };
}

function outcome(answer) {
  if (answer?.[NOTHING]) return { tag: "nothing" };
  const later = answer?.[PENDING];
  if (!later) return { tag: "done", val: JSON.stringify(answer) };
  const { resumeAfterS, state, note } = later;
  return { tag: "pending", val: { resumeAfterS, state: JSON.stringify(state), note } };
}

// What the engine is told of anything that was thrown; a plain exception is a defect of the plugin.
function failure(thrown) {
  const known = thrown instanceof Failure;
  const val = {
    kind: known ? thrown.kind : "internal",
    code: known ? thrown.code : "defect",
    message: String(thrown?.message ?? thrown),
    details: known && thrown.details !== undefined ? JSON.stringify(thrown.details) : undefined,
  };
  return known && thrown.retryable
    ? { tag: "retryable", val: { failure: val, afterMs: thrown.afterMs } }
    : { tag: "permanent", val };
}

const parsed = (text) => (text == null ? undefined : JSON.parse(text));

// The export of a plugin: `export const actions = plugin({ title, actions: { … } })`.
export function plugin({ title, description = "", config, actions }) {
  return {
    describe: () => ({
      title,
      description,
      configSchema: JSON.stringify(config ?? { type: "object", additionalProperties: false }),
      actions: Object.entries(actions).map(info),
    }),
    run(name, input, context) {
      try {
        return outcome(
          actions[name].run(JSON.parse(input), {
            ...context,
            config: parsed(context.config),
            resume: parsed(context.resume),
          }),
        );
      } catch (thrown) {
        throw failure(thrown);
      }
    },
  };
}
