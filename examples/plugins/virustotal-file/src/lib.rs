#[path = "../quell/quell.rs"]
mod quell;

use quell::{Action, Answer, Connection, Context, Failure, Kind, Plugin};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Deserialize)]
struct Input {
    hash: String,
}

#[derive(Default, Serialize)]
struct Verdict {
    known: bool,
    malicious: u32,
    suspicious: u32,
    harmless: u32,
    undetected: u32,
    name: String,
}

// What of VirusTotal's answer is read; all the rest may change.
#[derive(Deserialize)]
struct Report {
    data: File,
}

#[derive(Deserialize)]
struct File {
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    last_analysis_stats: Stats,
    #[serde(default)]
    meaningful_name: String,
}

#[derive(Deserialize)]
struct Stats {
    malicious: u32,
    suspicious: u32,
    harmless: u32,
    undetected: u32,
}

fn get_file_report(input: Input, _: &Context) -> Result<Answer<Verdict>, Failure> {
    let response = Connection("virustotal").get(&format!("/api/v3/files/{}", input.hash))?;
    match response.status {
        404 => return Ok(Answer::Done(Verdict::default())),
        401 | 403 => {
            let message = "VirusTotal refuses the key";
            return Err(Failure::permanent(Kind::Unauthorized, "virustotal.key", message));
        }
        429 => {
            let wait = response.retry_after_ms();
            let message = "the quota of the key is used up";
            let failure = Failure::retryable(Kind::RateLimited, "virustotal.quota", message);
            return Err(failure.after_ms(wait));
        }
        status if !response.is_success() => {
            let message = format!("VirusTotal answered {status}");
            return Err(Failure::retryable(Kind::Unavailable, "virustotal.down", message));
        }
        _ => {}
    }
    let Some(Report { data }) = response.json() else {
        let message = "the report cannot be read";
        return Err(Failure::permanent(Kind::Internal, "virustotal.report", message));
    };
    let Attributes { last_analysis_stats: stats, meaningful_name } = data.attributes;
    Ok(Answer::Done(Verdict {
        known: true,
        malicious: stats.malicious,
        suspicious: stats.suspicious,
        harmless: stats.harmless,
        undetected: stats.undetected,
        name: meaningful_name,
    }))
}

pub fn plugin() -> Plugin {
    let count = |what: &str| json!({ "type": "integer", "description": what });
    let report = Action {
        description: "What the engines of VirusTotal say about a file; only its hash is sent.",
        connection: Some("virustotal"),
        errors: &["virustotal.key", "virustotal.quota", "virustotal.down", "virustotal.report"],
        input: json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["hash"],
            "properties": { "hash": {
                "type": "string",
                "pattern": "^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$",
                "description": "MD5, SHA-1 or SHA-256 of the file, in small letters.",
            } },
            "examples": [{ "hash": "44d88612fea8a8f36de82e1278abb02f" }],
        }),
        output: json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["known", "malicious", "suspicious", "harmless", "undetected", "name"],
            "properties": {
                "known": { "type": "boolean", "description": "Whether VirusTotal knows the file." },
                "malicious": count("Engines that call it malicious."),
                "suspicious": count("Engines that call it suspicious."),
                "harmless": count("Engines that call it harmless."),
                "undetected": count("Engines that found nothing."),
                "name": { "type": "string", "description": "Its best-known name; may be empty." },
            },
            "examples": [{
                "known": true, "malicious": 62, "suspicious": 0, "harmless": 0, "undetected": 5,
                "name": "eicar.com",
            }],
        }),
        ..Action::new("get-file-report", "Look a file up by its hash", get_file_report)
    };
    Plugin {
        title: "VirusTotal",
        description: "What many engines say about a file.",
        config: json!({ "type": "object", "additionalProperties": false }),
        actions: vec![report],
    }
}
