// HTTP for plugins in JavaScript and TypeScript. Made anew by every build.
import http from "quell:plugin/http@0.1.0";
import { Failure } from "./quell.js";

// What the engine says when there is no response, as a failure of the action.
function unsent(thrown) {
  const { tag, val } = thrown?.payload ?? thrown ?? {};
  const because = typeof val === "string" ? `${tag}: ${val}` : String(tag ?? thrown);
  if (tag === "denied") return new Failure("denied", because, { kind: "denied" });
  if (tag === "limited")
    return new Failure("busy", because, { kind: "rate-limited", retryable: true, afterMs: val });
  if (tag === "unknown-connection" || tag === "credential-invalid")
    return new Failure("credential", because, { kind: "unauthorized" });
  if (tag === "invalid-request" || tag === "too-large") return new Failure("request", because);
  return new Failure("down", because, { kind: "unavailable", retryable: true });
}

class Response {
  constructor({ status, headers, body }) {
    this.status = status;
    this.headers = Object.fromEntries(headers.map(({ name, value }) => [name, value]));
    this.text = body.tag === "text" ? body.val : "";
    this.bytes = body.tag === "bytes" ? body.val : undefined;
  }
  get ok() {
    return this.status >= 200 && this.status < 300;
  }
  // How long the service asks to wait, in milliseconds.
  get retryAfterMs() {
    const seconds = Number(this.headers["retry-after"]);
    return seconds > 0 ? seconds * 1000 : undefined;
  }
  // The body as JSON; undefined when it is none.
  get json() {
    try {
      return JSON.parse(this.text);
    } catch {
      return undefined;
    }
  }
}

function send(method, target, { body, headers = {}, timeoutMs } = {}) {
  const list = Object.entries(headers).map(([name, value]) => ({ name: name.toLowerCase(), value }));
  const json = body !== undefined && typeof body !== "string";
  if (json && !list.some(({ name }) => name === "content-type"))
    list.push({ name: "content-type", value: "application/json" });
  const text = json ? JSON.stringify(body) : body;
  const wire = text === undefined ? { tag: "none" } : { tag: "text", val: text };
  try {
    return new Response(http.send({ method, target, headers: list, body: wire, timeoutMs }));
  } catch (thrown) {
    throw unsent(thrown);
  }
}

const verbs = (at) => ({
  get: (path, more) => send("GET", at(path), more),
  post: (path, body, more) => send("POST", at(path), { ...more, body }),
  put: (path, body, more) => send("PUT", at(path), { ...more, body }),
  patch: (path, body, more) => send("PATCH", at(path), { ...more, body }),
  delete: (path, more) => send("DELETE", at(path), more),
});

// A service that the operator bound to this name, with credentials that are never seen here.
export const connection = (name) =>
  verbs((path) => ({ tag: "connection", val: { connection: name, path } }));

// A public host, without credentials.
export const host = (origin) => verbs((path) => ({ tag: "url", val: `${origin}${path}` }));
