//! The facts of an operation, as constants.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Body, Request, Target};

/// A family of endpoints that shares hosts, token audience and limits.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// Microsoft Defender for Endpoint.
    Mde,
    /// Microsoft Defender XDR.
    Xdr,
    /// Microsoft Graph.
    Graph,
}

impl Api {
    /// Every API.
    pub const ALL: [Self; 3] = [Self::Mde, Self::Xdr, Self::Graph];

    /// The word for it in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mde => "mde",
            Self::Xdr => "xdr",
            Self::Graph => "graph",
        }
    }
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are those of RFC 9110")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The method as it stands in a request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What an action does to the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    /// Looks.
    Read,
    /// Tells people.
    Notify,
    /// Leaves a mark: a comment, a tag, a ticket, a scan.
    Annotate,
    /// Restricts something and can be taken back.
    Contain {
        /// The action that takes it back; called with the same target.
        undo: Cow<'static, str>,
    },
    /// Takes a containment back.
    Release,
    /// Ends, deletes or changes something for good.
    Destroy,
}

/// [`Effect`] without what belongs to it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "documented at `Effect`")]
pub enum EffectKind {
    Read,
    Notify,
    Annotate,
    Contain,
    Release,
    Destroy,
}

impl Effect {
    /// The kind of the effect.
    #[must_use]
    pub const fn kind(&self) -> EffectKind {
        match self {
            Self::Read => EffectKind::Read,
            Self::Notify => EffectKind::Notify,
            Self::Annotate => EffectKind::Annotate,
            Self::Contain { .. } => EffectKind::Contain,
            Self::Release => EffectKind::Release,
            Self::Destroy => EffectKind::Destroy,
        }
    }
}

impl EffectKind {
    /// Whether an attempt whose outcome is unknown must be looked up before it is repeated.
    #[must_use]
    pub const fn needs_reconcile(self) -> bool {
        matches!(self, Self::Contain | Self::Release | Self::Destroy)
    }

    /// The word for it in playbooks.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Notify => "notify",
            Self::Annotate => "annotate",
            Self::Contain => "contain",
            Self::Release => "release",
            Self::Destroy => "destroy",
        }
    }
}

/// Whether doing it twice is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Idempotency {
    /// Repeating it is harmless.
    Natural,
    /// Harmless because the service is given our key.
    Keyed,
    /// Not repeated after an unknown outcome without finding out first.
    None,
}

/// How sure the facts of an endpoint are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Taken from the vendor's current page.
    Page,
    /// Taken from an older or indirect source.
    Derived,
}

/// The permissions of which the token needs one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// In application and partner context (`roles`).
    pub application: &'static [&'static str],
    /// In user context (`scp`).
    pub delegated: &'static [&'static str],
}

/// The documented limit of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rate {
    /// Calls in a minute.
    pub per_minute: Option<u32>,
    /// Calls in an hour.
    pub per_hour: Option<u32>,
}

/// The facts of one operation.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `defender.isolate-machine`.
    pub id: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// Where it lives.
    pub api: Api,
    /// The method.
    pub method: Method,
    /// The documented path; each `{…}` is filled by [`Endpoint::request`], in order.
    pub path: &'static str,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether doing it twice is harmless.
    pub idempotency: Idempotency,
    /// The permissions of which the token needs one.
    pub permissions: Permissions,
    /// The documented limit.
    pub rate: Rate,
    /// Whether its outcome comes later and is followed to its end.
    pub settles: bool,
    /// Whether the vendor may change it at any time.
    pub beta: bool,
    /// How sure these facts are.
    pub confidence: Confidence,
    /// The vendor's page.
    pub source: &'static str,
}

impl Endpoint {
    /// A request to this endpoint, the placeholders of the path filled with `segments` in order.
    ///
    /// Each segment is percent-encoded, so that no value can leave its place in the path; `.` and
    /// `..` are refused before anything is sent, see [`Request::climbs`].
    #[must_use]
    pub fn request(&self, segments: &[&str]) -> Request {
        let mut path = String::with_capacity(self.path.len() + 40);
        let mut rest = self.path;
        let mut values = segments.iter();
        while let Some((before, after)) = rest.split_once('{') {
            path.push_str(before);
            if let Some(value) = values.next() {
                encode_segment(value, &mut path);
            }
            rest = after.split_once('}').map_or("", |(_, tail)| tail);
        }
        path.push_str(rest);
        Request {
            target: Target::Api(self.api),
            method: self.method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            keep_bytes_max: None,
            operation: self.id.into(),
        }
    }
}

fn encode_segment(value: &str, out: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // A dot is safe except where the whole segment is `.` or `..`.
            b'.' if value.bytes().any(|other| other != b'.') => out.push('.'),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_segment_stays_in_its_place() {
        let mut path = String::new();
        for value in ["../x", "a/b?c#d", "..", "%2e", "pc-1.corp.example"] {
            encode_segment(value, &mut path);
            path.push(' ');
        }
        assert_eq!(path, "..%2Fx a%2Fb%3Fc%23d %2E%2E %252e pc-1.corp.example ");
    }
}
