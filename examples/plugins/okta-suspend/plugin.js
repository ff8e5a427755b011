import { nothing, permanent, plugin, retryable, tell } from "./quell/quell.js";
import { connection } from "./quell/http.js";

const okta = connection("okta");

// What every answer of Okta may mean, before an action looks at it.
function checked(response, what) {
  if (response.ok) return response.json ?? {};
  const said = response.json?.errorSummary ?? `Okta answered ${response.status}`;
  if (response.status === 404) throw permanent("okta.user", said, { kind: "not-found" });
  if (response.status === 401) throw permanent("okta.token", said, { kind: "unauthorized" });
  if (response.status === 403) throw permanent("okta.scope", said, { kind: "forbidden" });
  if (response.status === 429) {
    const afterMs = response.retryAfterMs;
    throw retryable("okta.limit", said, { kind: "rate-limited", afterMs });
  }
  if (response.status < 500) throw permanent("okta.refused", `${what}: ${said}`, { kind: "conflict" });
  throw retryable("okta.down", said);
}

const look = (id) => checked(okta.get(`/api/v1/users/${encodeURIComponent(id)}`), "look").status;

// An action that brings a user from one status to another. Looking first makes a repetition
// harmless, a dry run true, and an unknown outcome clear.
const bring = (verb, wanted) => ({ user_id }, context) => {
  const status = look(user_id);
  const answer = (changed) => ({ user_id, status: changed ? wanted : status, changed });
  if (context.mode === "reconcile") return status === wanted ? answer(false) : nothing();
  if (status === wanted) return answer(false);
  if (context.mode === "simulate") return answer(true);
  checked(okta.post(`/api/v1/users/${encodeURIComponent(user_id)}/lifecycle/${verb}`), verb);
  tell.info(`${verb} done`, { user_id });
  return answer(true);
};

const shape = {
  connection: "okta",
  idempotency: "natural",
  simulates: true,
  errors: [
    "okta.user", "okta.token", "okta.scope", "okta.limit", "okta.refused", "okta.down",
  ],
  input: {
    type: "object",
    additionalProperties: false,
    required: ["user_id"],
    properties: {
      user_id: {
        type: "string",
        "x-entity": "user",
        pattern: "^[A-Za-z0-9]{20}$",
        description: "The id of the user in Okta.",
      },
    },
    examples: [{ user_id: "00ub0oNGTSWTBKOLGLNR" }],
  },
};

const output = (status) => ({
  type: "object",
  additionalProperties: false,
  required: ["user_id", "status", "changed"],
  properties: {
    user_id: { type: "string", description: "The user." },
    status: { type: "string", description: "The user's status afterwards." },
    changed: { type: "boolean", description: "Whether this step changed it." },
  },
  examples: [{ user_id: "00ub0oNGTSWTBKOLGLNR", status, changed: true }],
});

export const actions = plugin({
  title: "Okta",
  description: "Suspends users and lets them in again.",
  actions: {
    "suspend-user": {
      ...shape,
      title: "Suspend a user",
      description: "The user can sign in nowhere until the suspension is taken back.",
      effect: "contain",
      undo: "unsuspend-user",
      output: output("SUSPENDED"),
      run: bring("suspend", "SUSPENDED"),
    },
    "unsuspend-user": {
      ...shape,
      title: "Take a suspension back",
      description: "The user can sign in again.",
      effect: "release",
      output: output("ACTIVE"),
      run: bring("unsuspend", "ACTIVE"),
    },
  },
});
