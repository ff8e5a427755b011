//! Who gets into the intake: a key, a place, and room for the body.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use engine_model::code;
use flate2::read::MultiGzDecoder;
use tokio::sync::Semaphore;

use crate::api::Shared;
use crate::auth;
use crate::body::{self, BODY_BYTES_MAX};
use crate::problem::Problem;

/// The longest time in which a body arrives: whoever sends slower holds a place of others.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// What bodies under way take together at the most, so that a flood ends in refusals and not in
/// memory.
const BODIES_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;
/// Room is counted in pieces of this size.
const PIECE_BYTES: usize = 1024;

/// The places and the room of the intake.
pub(crate) struct Admission {
    places: Semaphore,
    room: Semaphore,
}

impl Admission {
    /// So many requests at the same time.
    pub(crate) fn new(places: usize) -> Self {
        Self {
            places: Semaphore::new(places),
            room: Semaphore::new(BODIES_BYTES_MAX / PIECE_BYTES),
        }
    }
}

/// How a body is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    Plain,
    Gzip,
}

/// Lets a request in: nothing of its body is read before its key is known, and none before there
/// is room for the largest that it may be.
pub(crate) async fn admit(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    auth::may_hand_in(&shared.keys, request.headers())?;
    let Ok(_place) = shared.admission.places.try_acquire() else {
        return Err(Problem::busy());
    };
    let coding = coding(request.headers())?;
    let pieces = u32::try_from(size_max(request.headers(), coding).div_ceil(PIECE_BYTES));
    let pieces = pieces.map_err(|_| body::too_large())?;
    let Ok(_room) = shared.admission.room.try_acquire_many(pieces) else {
        return Err(Problem::busy());
    };
    request.headers_mut().remove(header::CONTENT_ENCODING);
    let (head, body) = request.into_parts();
    let arrived = tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, BODY_BYTES_MAX)).await;
    let bytes = arrived
        .map_err(|_| {
            let detail = "the body did not arrive within 30 seconds";
            Problem::new(StatusCode::REQUEST_TIMEOUT, code::SV0102, detail)
        })?
        .map_err(|_| body::too_large())?;
    let body = match coding {
        Coding::Plain => Body::from(bytes),
        Coding::Gzip => Body::from(unpacked(&bytes)?),
    };
    Ok(next.run(Request::from_parts(head, body)).await)
}

fn coding(headers: &HeaderMap) -> Result<Coding, Problem> {
    match headers
        .get(header::CONTENT_ENCODING)
        .map(|value| value.as_bytes())
    {
        None | Some(b"identity") => Ok(Coding::Plain),
        Some(b"gzip" | b"x-gzip") => Ok(Coding::Gzip),
        Some(_) => {
            let detail = "a body is plain or gzip; no other `content-encoding` is taken";
            Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                code::SV0102,
                detail,
            ))
        }
    }
}

/// The largest that a body may be, as far as it says.
fn size_max(headers: &HeaderMap, coding: Coding) -> usize {
    let said = headers.get(header::CONTENT_LENGTH);
    let said = said.and_then(|value| value.to_str().ok()?.parse().ok());
    match (coding, said) {
        (Coding::Plain, Some(bytes)) => BODY_BYTES_MAX.min(bytes),
        _ => BODY_BYTES_MAX,
    }
}

/// What a packed body holds, no more than a body may have: a small one can hold very much.
fn unpacked(packed: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let limit = BODY_BYTES_MAX as u64 + 1;
    let read = MultiGzDecoder::new(packed)
        .take(limit)
        .read_to_end(&mut bytes);
    read.map_err(|error| {
        let detail = format!("the body is not gzip: {error}");
        Problem::new(StatusCode::BAD_REQUEST, code::SV0102, detail)
    })?;
    if bytes.len() > BODY_BYTES_MAX {
        return Err(body::too_large());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_packed_body_is_read_up_to_the_size_of_a_body() {
        assert_eq!(unpacked(&packed(b"{}")).unwrap(), b"{}");
        let bomb = packed(&vec![b' '; BODY_BYTES_MAX + 1]);
        assert!(bomb.len() < BODY_BYTES_MAX / 50);
        let refused = unpacked(&bomb).unwrap_err();
        assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(
            unpacked(b"{}").unwrap_err().status(),
            StatusCode::BAD_REQUEST
        );
    }

    #[test]
    fn a_body_that_does_not_say_its_size_takes_the_room_of_the_largest() {
        let mut headers = HeaderMap::new();
        assert_eq!(size_max(&headers, Coding::Plain), BODY_BYTES_MAX);
        headers.insert(header::CONTENT_LENGTH, "100".parse().unwrap());
        assert_eq!(size_max(&headers, Coding::Plain), 100);
        assert_eq!(size_max(&headers, Coding::Gzip), BODY_BYTES_MAX);
    }
}
