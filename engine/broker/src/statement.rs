//! The signed statement by which an application with a certificate speaks for itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use secrecy::SecretString;
use serde::Serialize;

use crate::certificate::Signer;
use crate::error::{AuthError, AuthKind};

/// How far back a statement is dated, for clocks that are behind.
const BACK_S: i64 = 30;
/// For how long it is good.
const LIFE_S: i64 = 300;

/// What the statement says. Times are numbers of seconds since the epoch.
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

/// Signs a statement for one request to `token_url`; none is ever used twice.
pub(crate) async fn sign(
    signer: &Signer,
    send_x5c: bool,
    (token_url, client_id): (&str, &str),
    now_s: i64,
) -> Result<SecretString, AuthError> {
    let failed = || AuthError::new(AuthKind::Internal, "the statement could not be signed");
    let mut header = Header::new(Algorithm::PS256);
    header.x5t_s256 = Some(signer.thumbprint.clone());
    header.x5c = send_x5c.then(|| signer.chain.clone());
    let claims = Claims {
        aud: token_url,
        iss: client_id,
        sub: client_id,
        jti: random_id().ok_or_else(failed)?,
        nbf: now_s - BACK_S,
        iat: now_s - BACK_S,
        exp: now_s + LIFE_S,
    };
    let header = serde_json::to_vec(&header).map_err(|_| failed())?;
    let claims = serde_json::to_vec(&claims).map_err(|_| failed())?;
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let text = format!("{header}.{claims}");
    let signature = signer.sign(&text).await?;
    Ok(format!("{text}.{signature}").into())
}

/// Sixteen random bytes in the shape of a UUID.
pub(crate) fn random_id() -> Option<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = |part: &[u8]| {
        part.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let parts = [
        &bytes[..4],
        &bytes[4..6],
        &bytes[6..8],
        &bytes[8..10],
        &bytes[10..],
    ];
    Some(parts.map(hex).join("-"))
}
