import { permanent, plugin, retryable, tell } from "./quell/quell.js";
import { connection } from "./quell/http.js";

const file = "0".repeat(64);

interface Verdict {
  known: boolean;
  malicious: number;
  total: number;
}

function lookUp({ sha256 }: { sha256: string }): Verdict {
  const response = connection("service").get(`/v1/files/${sha256}`);
  if (response.status === 404) return { known: false, malicious: 0, total: 0 };
  if (response.status === 429)
    throw retryable("busy", "the service asks to wait", {
      kind: "rate-limited",
      afterMs: response.retryAfterMs,
    });
  if (response.status === 401 || response.status === 403)
    throw permanent("refused", "the service refuses the credential", { kind: "unauthorized" });
  if (!response.ok) throw retryable("down", `the service answered ${response.status}`);
  const { malicious, total }: Partial<Verdict> = response.json ?? {};
  if (!Number.isInteger(malicious) || !Number.isInteger(total))
    throw permanent("garbled", "the answer of the service cannot be read");
  tell.info("looked up", { sha256 });
  return { known: true, malicious: malicious!, total: total! };
}

export const actions = plugin({
  title: "File reputation",
  actions: {
    "look-up": {
      title: "Look a file up",
      description: "Asks the service how many engines call the file malicious.",
      connection: "service",
      errors: ["busy", "down", "garbled", "refused"],
      input: {
        type: "object",
        additionalProperties: false,
        required: ["sha256"],
        properties: {
          sha256: {
            type: "string",
            pattern: "^[0-9a-f]{64}$",
            description: "The SHA-256 of the file.",
          },
        },
        examples: [{ sha256: file }],
      },
      output: {
        type: "object",
        additionalProperties: false,
        required: ["known", "malicious", "total"],
        properties: {
          known: { type: "boolean", description: "Whether the service knows the file." },
          malicious: { type: "integer", description: "Engines that call it malicious." },
          total: { type: "integer", description: "Engines that looked at it." },
        },
        examples: [{ known: true, malicious: 3, total: 70 }],
      },
      run: lookUp,
    },
  },
});
