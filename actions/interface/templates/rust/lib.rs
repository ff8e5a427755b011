#[path = "../quell/quell.rs"]
mod quell;

use quell::{Action, Answer, Connection, Context, Failure, Kind, Plugin, tell};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Deserialize)]
struct Input {
    sha256: String,
}

#[derive(Serialize)]
struct Verdict {
    known: bool,
    malicious: u32,
    total: u32,
}

#[derive(Deserialize)]
struct Report {
    malicious: u32,
    total: u32,
}

fn look_up(input: Input, _: &Context) -> Result<Answer<Verdict>, Failure> {
    let response = Connection("service").get(&format!("/v1/files/{}", input.sha256))?;
    match response.status {
        404 => return Ok(Answer::Done(Verdict { known: false, malicious: 0, total: 0 })),
        429 => {
            let wait = response.retry_after_ms();
            let failure =
                Failure::retryable(Kind::RateLimited, "busy", "the service asks to wait");
            return Err(failure.after_ms(wait));
        }
        401 | 403 => {
            let message = "the service refuses the credential";
            return Err(Failure::permanent(Kind::Unauthorized, "refused", message));
        }
        status if !response.is_success() => {
            let message = format!("the service answered {status}");
            return Err(Failure::retryable(Kind::Unavailable, "down", message));
        }
        _ => {}
    }
    let Some(Report { malicious, total }) = response.json() else {
        let message = "the answer of the service cannot be read";
        return Err(Failure::permanent(Kind::Internal, "garbled", message));
    };
    tell("looked up");
    Ok(Answer::Done(Verdict { known: true, malicious, total }))
}

pub fn plugin() -> Plugin {
    let look_up = Action {
        description: "Asks the service how many engines call the file malicious.",
        connection: Some("service"),
        errors: &["busy", "down", "garbled", "refused"],
        input: json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["sha256"],
            "properties": { "sha256": {
                "type": "string",
                "pattern": "^[0-9a-f]{64}$",
                "description": "The SHA-256 of the file.",
            } },
            "examples": [{ "sha256": "0".repeat(64) }],
        }),
        output: json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["known", "malicious", "total"],
            "properties": {
                "known": { "type": "boolean", "description": "Whether the service knows it." },
                "malicious": { "type": "integer", "description": "Engines that call it so." },
                "total": { "type": "integer", "description": "Engines that looked at it." },
            },
            "examples": [{ "known": true, "malicious": 3, "total": 70 }],
        }),
        ..Action::new("look-up", "Look a file up", look_up)
    };
    Plugin {
        title: "File reputation",
        description: "",
        config: json!({ "type": "object", "additionalProperties": false }),
        actions: vec![look_up],
    }
}
