//! An access token: how long it serves, and for whom it is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::clock::Moment;
use crate::error::{AuthError, AuthKind};

/// What the token service gave. Cannot be serialised; `Debug` shows no token.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) secret: SecretString,
    /// Seconds; the vendor's documentation lets it be absent.
    pub(crate) expires_in: Option<u64>,
    /// Seconds until the service would like to be asked again.
    pub(crate) refresh_in: Option<u64>,
    /// Its name in logs.
    pub(crate) name: String,
    /// When the request for it was sent.
    pub(crate) sent: Moment,
}

/// A token in the cache. Zeroised when the last user lets go of it.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) secret: SecretString,
    /// Tells tokens of one process apart.
    pub(crate) serial: u64,
    /// Its name in logs: the claim that sign-in logs show, or a fingerprint.
    pub(crate) name: String,
    sent: Moment,
    refresh_at: Moment,
    dead_at: Moment,
}

/// A lifetime of ten minutes where the service gives none.
const LIFE_DEFAULT_MS: u64 = 600_000;
const MARGIN_MAX_MS: u64 = 300_000;
const REFRESH_MIN_MS: u64 = 30_000;
/// A clock that went back further than this cannot vouch for a token any more.
const CLOCK_STEP_MS: i64 = 60_000;

impl Token {
    /// The token with its times, fixed once so that a check is a comparison. `chance` in `0..1`
    /// spreads the refreshes of many processes.
    pub(crate) fn new(issued: Issued, serial: u64, chance: f64) -> Self {
        let life = issued
            .expires_in
            .map_or(LIFE_DEFAULT_MS, |secs| secs.saturating_mul(1000));
        // A fixed margin would leave a short token no life at all, and every call would fetch.
        let margin = MARGIN_MAX_MS.min(life / 5);
        let dead_in = life - margin;
        let wanted = match issued.refresh_in {
            Some(secs) => secs.saturating_mul(1000),
            None if life > 2 * 3_600_000 => life / 2,
            None => life - 2 * margin,
        };
        let refresh_in = wanted
            .saturating_sub(share(MARGIN_MAX_MS.min(life / 10), chance))
            .max(REFRESH_MIN_MS)
            .min(dead_in);
        Self {
            secret: issued.secret,
            serial,
            name: issued.name,
            sent: issued.sent,
            refresh_at: issued.sent.plus(refresh_in),
            dead_at: issued.sent.plus(dead_in),
        }
    }

    pub(crate) const fn is_live(&self, now: Moment) -> bool {
        !self.dead_at.is_reached(now)
            && self.sent.wall_ms <= now.wall_ms.saturating_add(CLOCK_STEP_MS)
    }

    pub(crate) const fn wants_refresh(&self, now: Moment) -> bool {
        self.refresh_at.is_reached(now)
    }

    pub(crate) fn ttl_s(&self, now: Moment) -> u64 {
        self.dead_at.ms_from(now) / 1000
    }
}

/// The part of `whole` that `chance` in `0..1` points at.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a random share of a few minutes; rounding does not matter"
)]
pub(crate) fn share(whole: u64, chance: f64) -> u64 {
    (whole as f64 * chance.clamp(0.0, 1.0)) as u64
}

/// Whom a token must be for.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) audiences: Vec<String>,
    /// The id of the person, where a person is meant.
    pub(crate) user: Option<String>,
}

/// The claims that are looked at. Unsigned reading: the token service was asked over TLS, and the
/// check only guards against our own mistakes and a confused cache.
#[derive(Deserialize)]
struct Claims {
    aud: Option<OneOrMany>,
    tid: Option<String>,
    appid: Option<String>,
    azp: Option<String>,
    oid: Option<String>,
    uti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Checks for whom a token is, and gives its `uti`. A token that cannot be read passes: clients
/// have no right to its content, and encrypted ones exist.
pub(crate) fn inspect(token: &str, expected: &Expected) -> Result<Option<String>, AuthError> {
    let Some(claims) = claims_of::<Claims>(token) else {
        return Ok(None);
    };
    let audiences = match claims.aud {
        Some(OneOrMany::One(audience)) => vec![audience],
        Some(OneOrMany::Many(audiences)) => audiences,
        None => Vec::new(),
    };
    let known = |audience: &String| expected.audiences.iter().any(|e| same(e, audience));
    if !audiences.is_empty() && !audiences.iter().any(known) {
        return Err(mismatch("aud"));
    }
    if claims
        .tid
        .is_some_and(|tenant| !same(&tenant, &expected.tenant))
    {
        return Err(mismatch("tid"));
    }
    if claims
        .appid
        .or(claims.azp)
        .is_some_and(|id| !same(&id, &expected.client_id))
    {
        return Err(mismatch("appid"));
    }
    if let (Some(user), Some(oid)) = (&expected.user, &claims.oid)
        && !same(user, oid)
    {
        return Err(mismatch("oid"));
    }
    let printable = |text: &String| {
        text.len() <= 64
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    Ok(claims.uti.filter(printable))
}

/// The claims of a token, unsigned.
pub(crate) fn claims_of<T: serde::de::DeserializeOwned>(token: &str) -> Option<T> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn same(left: &str, right: &str) -> bool {
    left.trim_end_matches('/')
        .eq_ignore_ascii_case(right.trim_end_matches('/'))
}

fn mismatch(claim: &str) -> AuthError {
    let reason = format!("the token service gave a token whose `{claim}` is not the one asked for");
    AuthError::new(AuthKind::Identity, reason)
}

impl Issued {
    /// The length of the secret in bytes; an empty one is no token.
    pub(crate) fn is_empty(&self) -> bool {
        self.secret.expose_secret().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expires_in: Option<u64>, refresh_in: Option<u64>, chance: f64) -> Token {
        let issued = Issued {
            secret: SecretString::from("t"),
            expires_in,
            refresh_in,
            name: String::new(),
            sent: Moment::default(),
        };
        Token::new(issued, 1, chance)
    }

    #[track_caller]
    fn check(expires_in: Option<u64>, refresh_in: Option<u64>, wanted: [u64; 3]) {
        let early = token(expires_in, refresh_in, 1.0);
        let late = token(expires_in, refresh_in, 0.0);
        let seconds = [
            early.refresh_at.steady_ms / 1000,
            late.refresh_at.steady_ms / 1000,
            late.dead_at.steady_ms / 1000,
        ];
        assert_eq!(seconds, wanted, "earliest refresh, latest refresh, death");
    }

    #[test]
    fn a_token_is_refreshed_ahead_and_dies_before_it_expires() {
        check(Some(3599), None, [2699, 2999, 3299]);
        check(Some(3600), Some(1800), [1500, 1800, 3300]);
        check(Some(100_000), None, [49_700, 50_000, 99_700]);
        check(None, None, [300, 360, 480]);
    }

    #[test]
    fn a_short_token_is_not_fetched_for_every_call() {
        check(Some(240), None, [120, 144, 192]);
        check(Some(20), None, [16, 16, 16]);
        check(Some(0), None, [0, 0, 0]);
    }

    #[test]
    fn a_token_from_the_future_is_dead() {
        let sent = Moment {
            wall_ms: 3_600_000,
            steady_ms: 0,
        };
        let issued = Issued {
            sent,
            ..issued_for("t")
        };
        let token = Token::new(issued, 1, 0.0);
        assert!(token.is_live(sent));
        assert!(token.is_live(Moment {
            wall_ms: sent.wall_ms - 1000,
            steady_ms: 10
        }));
        assert!(
            !token.is_live(Moment {
                wall_ms: 0,
                steady_ms: 10
            }),
            "clock set back by an hour"
        );
        let later = Moment {
            wall_ms: sent.wall_ms + 7_200_000,
            steady_ms: 10,
        };
        assert!(!token.is_live(later), "the machine slept for two hours");
    }

    fn issued_for(secret: &str) -> Issued {
        Issued {
            secret: SecretString::from(secret),
            expires_in: Some(3600),
            refresh_in: None,
            name: String::new(),
            sent: Moment::default(),
        }
    }

    fn jwt(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn a_token_for_somebody_else_is_refused() {
        let expected = Expected {
            tenant: "1111".to_owned(),
            client_id: "2222".to_owned(),
            audiences: vec!["https://api.example".to_owned()],
            user: Some("3333".to_owned()),
        };
        let check = |payload: &str| inspect(&jwt(payload), &expected).map_err(|error| error.reason);
        let good = r#"{"aud":"https://API.example/","tid":"1111","appid":"2222","uti":"u-1"}"#;
        assert_eq!(check(good), Ok(Some("u-1".to_owned())));
        assert!(check(r#"{"aud":["https://api.example"],"azp":"2222"}"#).is_ok());
        assert!(
            check(r#"{"aud":"https://graph.example"}"#)
                .unwrap_err()
                .contains("`aud`")
        );
        assert!(check(r#"{"tid":"9999"}"#).unwrap_err().contains("`tid`"));
        assert!(
            check(r#"{"appid":"9999"}"#)
                .unwrap_err()
                .contains("`appid`")
        );
        assert!(check(r#"{"oid":"3333"}"#).is_ok());
        assert!(check(r#"{"oid":"9999"}"#).unwrap_err().contains("`oid`"));
        assert_eq!(
            check(r#"{"uti":"<script>"}"#),
            Ok(None),
            "a name for logs is plain"
        );
        for opaque in ["opaque", "a.b", "a.!!.c", "a.b.c.d.e"] {
            assert_eq!(inspect(opaque, &expected), Ok(None), "{opaque}");
        }
    }

    /// Does not compile where a type has the trait: `place` is then there twice.
    macro_rules! has_not {
        ($type:ty, $trait:path) => {{
            trait Once<Mark> {
                fn place() {}
            }
            impl<T: ?Sized> Once<()> for T {}
            impl<T: ?Sized + $trait> Once<u8> for T {}
            <$type as Once<_>>::place();
        }};
    }

    #[test]
    fn a_token_can_be_neither_printed_nor_written_nor_copied() {
        has_not!(Token, std::fmt::Display);
        has_not!(Token, serde::Serialize);
        has_not!(Token, Clone);
        has_not!(Issued, std::fmt::Display);
        has_not!(Issued, serde::Serialize);
        has_not!(Issued, Clone);
    }

    #[test]
    fn the_debug_text_of_a_token_does_not_show_it() {
        let issued = issued_for("hunter2-token");
        assert!(!format!("{issued:?}").contains("hunter2"));
        assert!(!format!("{:?}", Token::new(issued, 1, 0.0)).contains("hunter2"));
    }
}
