import { type Context, nothing, permanent, plugin, retryable } from "./quell/quell.js";
import { connection, type Response } from "./quell/http.js";

interface Input {
  project: string;
  summary: string;
  description?: string;
  issue_type?: string;
}

interface Issue {
  key: string;
  id: string;
  created: boolean;
}

const jira = connection("jira");

function checked(response: Response): any {
  if (response.ok && response.json) return response.json;
  const { errorMessages = [], errors = {} } = response.json ?? {};
  const said = [...errorMessages, ...Object.values(errors)].join("; ");
  const message = said || `Jira answered ${response.status}`;
  if (response.status === 401) throw permanent("jira.token", message, { kind: "unauthorized" });
  if (response.status === 403) throw permanent("jira.permission", message, { kind: "forbidden" });
  if (response.status === 429) {
    const afterMs = response.retryAfterMs;
    throw retryable("jira.limit", message, { kind: "rate-limited", afterMs });
  }
  if (response.status >= 400 && response.status < 500)
    throw permanent("jira.refused", message, { kind: "invalid-input" });
  throw retryable("jira.down", message);
}

// Jira takes no idempotency key, but it finds labels: each issue carries the key as one.
const mark = (context: Context) => `quell-${context.invocationId.replace(/[^A-Za-z0-9_-]/g, "-")}`;

function find(label: string): Issue | undefined {
  const jql = encodeURIComponent(`labels = "${label}"`);
  const found = checked(jira.get(`/rest/api/3/search/jql?jql=${jql}&fields=id&maxResults=1`));
  const [issue] = found.issues ?? [];
  return issue && { key: issue.key, id: issue.id, created: false };
}

// Jira wants a document, not a text.
const documented = (text: string) => ({
  type: "doc",
  version: 1,
  content: text
    .split("\n")
    .filter((line) => line.length > 0)
    .map((text) => ({ type: "paragraph", content: [{ type: "text", text }] })),
});

function createIssue(input: Input, context: Context): Issue | ReturnType<typeof nothing> {
  const label = mark(context);
  const before = find(label);
  if (before) return before;
  if (context.mode === "reconcile") return nothing();
  if (context.mode === "simulate") return { key: `${input.project}-0`, id: "0", created: true };
  const fields = {
    project: { key: input.project },
    issuetype: { name: input.issue_type ?? "Task" },
    summary: input.summary,
    labels: [label],
    description: documented(input.description ?? ""),
  };
  const { key, id } = checked(jira.post("/rest/api/3/issue", { fields }));
  return { key, id, created: true };
}

const text = (description: string, more: object = {}) => ({ type: "string", description, ...more });

export const actions = plugin({
  title: "Jira",
  description: "Opens issues, each once.",
  actions: {
    "create-issue": {
      title: "Create an issue",
      description:
        "Creates an issue that carries the step's key as a label, and finds it there when the step " +
        "is tried again.",
      effect: "annotate",
      idempotency: "keyed",
      simulates: true,
      connection: "jira",
      errors: ["jira.token", "jira.permission", "jira.limit", "jira.refused", "jira.down"],
      input: {
        type: "object",
        additionalProperties: false,
        required: ["project", "summary"],
        properties: {
          project: text("The key of the project.", { pattern: "^[A-Z][A-Z0-9_]+$" }),
          summary: text("One line.", { maxLength: 255 }),
          description: text("More, as plain lines.", { maxLength: 30000 }),
          issue_type: text("The type; Task where it is left out."),
        },
        examples: [{ project: "SOC", summary: "Device isolated" }],
      },
      output: {
        type: "object",
        additionalProperties: false,
        required: ["key", "id", "created"],
        properties: {
          key: text("The key, such as SOC-7."),
          id: text("The id."),
          created: { type: "boolean", description: "Whether this try created it." },
        },
        examples: [{ key: "SOC-7", id: "10007", created: true }],
      },
      run: createIssue,
    },
  },
});
