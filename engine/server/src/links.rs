//! Links that let one person answer one question once.
//!
//! A link is signed over the run, the digest of the question and the name of the person, so that it
//! can be used by nobody else and for nothing else. It needs no table: a person answers a question
//! once, and a question that is decided, or over, or asked anew is not open any more. Opening it
//! shows a page and decides nothing, since mail programs and chats open links by themselves.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use engine_driver::{Asked, EngineError, Reply, Through};
use engine_model::{Digest, RunId, code};
use engine_run::Decision;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::api::Shared;
use crate::auth::Person;
use crate::page;

/// What is signed begins with this, so that no other signature of the key is one of a link.
const PURPOSE: &[u8] = b"quell approval link 1";

/// The longest answer of the page.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// The key that links are signed with.
#[derive(Clone)]
pub struct LinkKey(Vec<u8>);

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

impl LinkKey {
    /// The shortest key.
    pub const CHARS_MIN: usize = 32;

    /// The key; none when it is too short to be one.
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        let long = secret.chars().count() >= Self::CHARS_MIN;
        long.then(|| Self(secret.as_bytes().to_vec()))
    }

    /// The path of the link by which this person answers this question.
    #[must_use]
    pub fn path(&self, run: &RunId, digest: &Digest, person: &str) -> String {
        let mark = hex(&self.mac(run, digest, person).finalize().into_bytes());
        let digest = digest.as_str().trim_start_matches("sha256:");
        format!("/approve/{run}-{digest}-{}-{mark}", hex(person.as_bytes()))
    }

    /// What a link is made out for; none when it is not one of ours.
    fn read(&self, token: &str) -> Option<(RunId, Digest, String)> {
        let mut parts = token.split('-');
        let run: RunId = parts.next()?.parse().ok()?;
        let digest: Digest = format!("sha256:{}", parts.next()?).parse().ok()?;
        let person = String::from_utf8(unhex(parts.next()?)?).ok()?;
        let mark = unhex(parts.next()?)?;
        if parts.next().is_some() {
            return None;
        }
        // Compares in constant time.
        let mac = self.mac(&run, &digest, &person);
        mac.verify_slice(&mark).ok()?;
        Some((run, digest, person))
    }

    fn mac(&self, run: &RunId, digest: &Digest, person: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length is taken");
        for part in [
            PURPOSE,
            run.as_str().as_bytes(),
            digest.as_str().as_bytes(),
            person.as_bytes(),
        ] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let lower = |digit: &u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit);
    if !digits.len().is_multiple_of(2) || !digits.iter().all(lower) {
        return None;
    }
    let pairs = digits.chunks(2).map(std::str::from_utf8);
    pairs
        .map(|pair| u8::from_str_radix(pair.ok()?, 16).ok())
        .collect()
}

/// The routes; they need no key, only a link.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/approve/{token}", get(open).post(decide))
}

/// Shows what is asked, and changes nothing.
async fn open(State(shared): State<Arc<Shared>>, Path(token): Path<String>) -> Response {
    match question(&shared, &token).await {
        Ok((person, asked)) => {
            let objection = asked.objection(&person.name, &person.roles);
            let answered = asked.said.iter().any(|said| said.by == person.name);
            let why = match (objection, answered) {
                (Some(why), _) => Some(why),
                (None, true) => Some(format!("{} has answered already", person.name)),
                (None, false) => None,
            };
            html(
                StatusCode::OK,
                page::question(&asked, &person.name, why.as_deref()),
            )
        }
        Err(error) => failed(&error),
    }
}

async fn decide(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
    body: Bytes,
) -> Response {
    match decided(&shared, &token, &body).await {
        Ok(text) => html(StatusCode::OK, page::message("Your answer counts", &text)),
        Err(error) => failed(&error),
    }
}

async fn decided(shared: &Shared, token: &str, body: &[u8]) -> Result<String, EngineError> {
    let (person, asked) = question(shared, token).await?;
    let mut fields = fields(body)?;
    let decision = match fields.remove("decision").as_ref().and_then(Value::as_str) {
        Some("approve") => Decision::Approve,
        Some("deny") => Decision::Deny,
        _ => return Err(misfit("choose yes or no")),
    };
    let comment = match fields.remove("comment") {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text),
        _ => None,
    };
    let form = asked.question.ask.form.as_ref();
    let form = form
        .filter(|_| decision == Decision::Approve)
        .map(|form| filled(form, fields));
    let reply = Reply {
        by: person.name,
        roles: person.roles,
        through: Through::Link,
        decision,
        comment,
        form,
    };
    let digest = &asked.question.digest;
    let tally = shared.engine.answer(&asked.run, digest, reply).await?;
    Ok(match tally.decided {
        Some(Decision::Approve) => "It is approved, and the run goes on.".to_owned(),
        Some(Decision::Deny) => "It is denied, and is not done.".to_owned(),
        None => format!("{} of {} agreed.", tally.agreed, tally.quorum),
    })
}

/// Whom the link is made out to, and the question, where that is open.
async fn question(shared: &Shared, token: &str) -> Result<(Person, Asked), EngineError> {
    let no_link = || EngineError::new(code::SV0204, "this link is not one of this engine");
    let links = shared.keys.links.as_ref().ok_or_else(no_link)?;
    let (run, digest, name) = links.read(token).ok_or_else(|| {
        tracing::warn!(code = %code::SV0204, "a link was opened that is not one of ours");
        no_link()
    })?;
    let mut people = shared.keys.people.iter();
    let person = people.find(|person| person.name == name).ok_or_else(|| {
        EngineError::new(
            code::SV0204,
            format!("{name} is not one of `people` any more"),
        )
    })?;
    let asked = shared.engine.asked(&run, &digest).await?;
    Ok((person.clone(), asked))
}

fn misfit(message: &str) -> EngineError {
    EngineError::new(code::SV0203, message)
}

/// The fields of the page, as browsers send them.
fn fields(body: &[u8]) -> Result<Map<String, Value>, EngineError> {
    let unreadable = || misfit("the answer cannot be read");
    if body.len() > ANSWER_BYTES_MAX {
        return Err(misfit("the answer is too long"));
    }
    let text = std::str::from_utf8(body).map_err(|_| unreadable())?;
    let uri: Uri = format!("/?{text}").parse().map_err(|_| unreadable())?;
    let Query(pairs) =
        Query::<Vec<(String, String)>>::try_from_uri(&uri).map_err(|_| unreadable())?;
    Ok(pairs
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect())
}

/// What was typed into the fields, with the types of the form; empty fields were left out.
fn filled(form: &Value, mut fields: Map<String, Value>) -> Value {
    let types = form.get("properties").and_then(Value::as_object);
    for (name, value) in &mut fields {
        let is_text = types
            .and_then(|types| types.get(name))
            .and_then(|field| field.get("type"))
            .is_some_and(|kind| kind == "string");
        if let (false, Some(text)) = (is_text, value.as_str()) {
            *value = serde_json::from_str(text).unwrap_or_else(|_| value.clone());
        }
    }
    fields.retain(|_, value| value != "");
    Value::Object(fields)
}

fn failed(error: &EngineError) -> Response {
    let status = crate::problem::status_of(error.code);
    let text = format!("{} ({})", error.message, error.code);
    html(status, page::message("Nothing was decided", &text))
}

/// A page that runs nothing, loads nothing, stands in no frame, is kept nowhere, and tells no
/// other site its address.
fn html(status: StatusCode, text: String) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                  base-uri 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    (status, headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key() -> LinkKey {
        LinkKey::new("0123456789abcdef0123456789abcdef").unwrap()
    }

    fn run() -> RunId {
        "run_aaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap()
    }

    #[test]
    fn a_link_that_was_changed_in_any_character_is_none() {
        let digest = Digest::of(b"shown");
        let path = key().path(&run(), &digest, "Möna/..");
        let token = path.trim_start_matches("/approve/");
        let read = key().read(token);
        assert_eq!(read, Some((run(), digest, "Möna/..".to_owned())));
        for (place, letter) in token.char_indices() {
            let other = if letter == 'a' { 'b' } else { 'a' };
            let mut changed: Vec<char> = token.chars().collect();
            changed[place] = other;
            let changed: String = changed.into_iter().collect();
            assert_eq!(key().read(&changed), None, "{changed}");
        }
        for cut in [
            &token[..token.len() - 2],
            "",
            "-",
            "a-b-c-d",
            &format!("{token}-00"),
        ] {
            assert_eq!(key().read(cut), None, "{cut}");
        }
        let other = LinkKey::new("another key of at least 32 characters").unwrap();
        assert_eq!(other.read(token), None);
        assert!(LinkKey::new("short").is_none());
    }

    #[test]
    fn what_was_typed_gets_the_types_of_the_form() {
        let form = json!({ "properties": {
            "hours": { "type": "integer" }, "why": { "type": "string" },
            "sure": { "type": "boolean" }, "more": { "type": "integer" },
        }});
        let fields = fields(b"hours=24&why=12&sure=true&more=&why2=a%26b+c").unwrap();
        let filled = filled(&form, fields);
        let wanted = json!({"hours": 24, "why": "12", "sure": true, "why2": "a&b c"});
        assert_eq!(filled, wanted);
    }
}
