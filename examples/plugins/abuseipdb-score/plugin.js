import { permanent, plugin, retryable } from "./quell/quell.js";
import { connection } from "./quell/http.js";

function checkIp({ ip, max_age_days = 90 }) {
  const query = `ipAddress=${encodeURIComponent(ip)}&maxAgeInDays=${max_age_days}`;
  const response = connection("abuseipdb").get(`/api/v2/check?${query}`);
  if (response.status === 429)
    throw retryable("abuseipdb.quota", "the daily quota is used up", {
      kind: "rate-limited",
      afterMs: response.retryAfterMs,
    });
  if (response.status === 401 || response.status === 403)
    throw permanent("abuseipdb.key", "AbuseIPDB refuses the key", { kind: "unauthorized" });
  if (response.status === 422)
    throw permanent("abuseipdb.input", response.json?.errors?.[0]?.detail ?? "not an address", {
      kind: "invalid-input",
    });
  const data = response.json?.data;
  if (!response.ok || typeof data?.abuseConfidenceScore !== "number")
    throw retryable("abuseipdb.down", `AbuseIPDB answered ${response.status}`);
  return {
    ip: data.ipAddress,
    score: data.abuseConfidenceScore,
    reports: data.totalReports ?? 0,
    country: data.countryCode ?? "",
    allow_listed: data.isWhitelisted === true,
  };
}

const text = (description) => ({ type: "string", description });

export const actions = plugin({
  title: "AbuseIPDB",
  description: "What others reported about an address.",
  actions: {
    "check-ip": {
      title: "Check an address",
      description: "How sure AbuseIPDB is, from 0 to 100, that an address is abusive.",
      connection: "abuseipdb",
      errors: ["abuseipdb.quota", "abuseipdb.key", "abuseipdb.input", "abuseipdb.down"],
      input: {
        type: "object",
        additionalProperties: false,
        required: ["ip"],
        properties: {
          ip: { ...text("The address, IPv4 or IPv6."), maxLength: 45 },
          max_age_days: {
            type: "integer",
            minimum: 1,
            maximum: 365,
            description: "How old a report may be; 90 where it is left out.",
          },
        },
        examples: [{ ip: "118.25.6.39" }],
      },
      output: {
        type: "object",
        additionalProperties: false,
        required: ["ip", "score", "reports", "country", "allow_listed"],
        properties: {
          ip: text("The address."),
          score: { type: "integer", minimum: 0, maximum: 100, description: "The confidence." },
          reports: { type: "integer", description: "The reports in that time." },
          country: text("The country, two letters; empty where unknown."),
          allow_listed: { type: "boolean", description: "Whether it is on the allow list." },
        },
        examples: [
          { ip: "118.25.6.39", score: 100, reports: 42, country: "CN", allow_listed: false },
        ],
      },
      run: checkIp,
    },
  },
});
