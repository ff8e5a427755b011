//! The emulator on a socket.

use std::convert::Infallible;
use std::io;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::emulator::Emulator;

/// The mark on a response that is never sent: its connection is closed instead.
///
/// [`Listening`] does so. Where the router is called directly, look for it in the extensions of the
/// response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection is cut")]
pub struct Cut;

impl IntoResponse for Cut {
    fn into_response(self) -> Response {
        let mut response = http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// An emulator that has a socket and does not serve it yet.
#[derive(Debug)]
pub struct Listening {
    emulator: Emulator,
    listener: TcpListener,
    base_url: String,
}

impl Listening {
    pub(crate) fn new(emulator: Emulator, listener: TcpListener) -> io::Result<Self> {
        let base_url = format!("http://{}", listener.local_addr()?);
        emulator.reached_at(&base_url);
        Ok(Self {
            emulator,
            listener,
            base_url,
        })
    }

    /// Where it can be reached: `http://127.0.0.1:49152`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Serves until `shutdown` completes; open connections are then closed.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let router = self.emulator.router();
        // Dropped at the end, which ends the tasks in it.
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, router.clone()));
                    }
                    Err(error) => {
                        tracing::debug!(%error, "a connection was not accepted");
                        // Most likely out of file handles: let some connections end.
                        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    }
                },
            }
        }
    }
}

async fn connection(stream: TcpStream, router: axum::Router) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let service = service_fn(move |request: http::Request<Incoming>| {
        let router = router.clone();
        async move {
            let answer: Result<Response, Infallible> = router.oneshot(request.map(Body::new)).await;
            let response = answer.unwrap_or_else(|never| match never {});
            // An error here makes the server close the connection without a word.
            match response.extensions().get::<Cut>() {
                Some(cut) => Err(*cut),
                None => Ok(response),
            }
        }
    });
    if let Err(error) = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
    {
        tracing::debug!(%error, "a connection ended early");
    }
}
