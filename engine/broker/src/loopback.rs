//! The place on this machine where a browser brings the code of a sign-in, once.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use oauth2::RedirectUrl;
use reqwest::Url;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::error::{AuthError, AuthKind};

const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Listens where the browser is sent.
pub(crate) struct Loopback {
    listener: TcpListener,
    /// The same port at the other address of `localhost`, where the machine has it.
    other: Option<TcpListener>,
    path: String,
    /// Where the browser is sent.
    pub(crate) redirect: RedirectUrl,
}

/// What the browser brought.
pub(crate) struct Brought {
    pub(crate) code: SecretString,
}

impl Loopback {
    /// Listens at a `http` URL of loopback; port 0 is any free one.
    pub(crate) async fn bind(wanted: &Url) -> Result<Self, AuthError> {
        let taken = |_| {
            AuthError::new(
                AuthKind::Configuration,
                "the redirect cannot be listened at",
            )
        };
        let port = wanted.port_or_known_default().unwrap_or(0);
        let first = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .await
            .map_err(taken)?;
        let port = first.local_addr().map_err(taken)?.port();
        let other = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
        let other = other.await.ok();
        let host = wanted.host_str().unwrap_or("localhost");
        let path = wanted.path().to_owned();
        // As it is registered: without a slash where there is no path.
        let shown = if path == "/" { "" } else { path.as_str() };
        let redirect = RedirectUrl::new(format!("http://{host}:{port}{shown}"))
            .map_err(|_| AuthError::new(AuthKind::Configuration, "the redirect is not a URL"))?;
        Ok(Self {
            listener: first,
            other,
            path,
            redirect,
        })
    }

    async fn accept(&self) -> std::io::Result<TcpStream> {
        let accepted = match &self.other {
            None => self.listener.accept().await,
            Some(other) => tokio::select! {
                accepted = self.listener.accept() => accepted,
                accepted = other.accept() => accepted,
            },
        };
        accepted.map(|(stream, _)| stream)
    }

    /// Waits for the browser that brings a code, answers it, and listens no longer.
    pub(crate) async fn wait(self, state: &str) -> Result<Brought, AuthError> {
        let (mut stream, query) = self.next().await;
        let outcome = understand(&query, state);
        let text = match outcome {
            Ok(_) => "You are signed in. You may close this page.",
            Err(_) => "The sign-in failed. The terminal says why; you may close this page.",
        };
        answer(&mut stream, "200 OK", text).await;
        outcome
    }

    /// Waits for the browser that brings any answer, and listens no longer.
    pub(crate) async fn query(self) -> String {
        let (mut stream, query) = self.next().await;
        let text = "The terminal says what came of it. You may close this page.";
        answer(&mut stream, "200 OK", text).await;
        query
    }

    /// The next request to the place that was agreed on, with its query.
    async fn next(&self) -> (TcpStream, String) {
        loop {
            let Ok(mut stream) = self.accept().await else {
                continue;
            };
            let read = tokio::time::timeout(std::time::Duration::from_secs(5), read(&mut stream));
            let Ok(Some(target)) = read.await else {
                continue;
            };
            // Browsers ask for icons too.
            let query = target
                .strip_prefix(self.path.as_str())
                .and_then(|rest| rest.strip_prefix('?'));
            if let Some(query) = query {
                return (stream, query.to_owned());
            }
            answer(&mut stream, "404 Not Found", "There is nothing here.").await;
        }
    }
}

/// The target of a GET request.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        if bytes.len() > REQUEST_BYTES_MAX || stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8(bytes).ok()?;
    let mut words = head.lines().next()?.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some("GET"), Some(target), Some(version)) if version.starts_with("HTTP/1.") => {
            Some(target.to_owned())
        }
        _ => None,
    }
}

/// Nothing of the request comes back in the page. The browser may be gone already.
async fn answer(stream: &mut TcpStream, status: &str, text: &str) {
    let page = format!("<!doctype html><title>Quell</title><p>{text}</p>");
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
         content-security-policy: default-src 'none'\r\nconnection: close\r\n\r\n",
        page.len()
    );
    let _ = stream.write_all(format!("{head}{page}").as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn understand(query: &str, state: &str) -> Result<Brought, AuthError> {
    let failed = |reason| Err(AuthError::new(AuthKind::Interaction, reason));
    let pairs = || oauth2::url::form_urlencoded::parse(query.as_bytes());
    let value = |name: &str| {
        let mut found = pairs().filter(|(key, _)| key == name);
        let first = found.next().map(|(_, value)| value.into_owned());
        first.filter(|_| found.next().is_none())
    };
    if value("state").as_deref() != Some(state) {
        return failed("the browser came back from another sign-in");
    }
    if let Some(error) = value("error") {
        let mut declined = AuthError::new(AuthKind::Interaction, "the sign-in was not completed");
        declined.error = Some(error).filter(|word| crate::refusal::is_plain(word, 64));
        return Err(declined);
    }
    match value("code") {
        Some(code) if !code.is_empty() => Ok(Brought { code: code.into() }),
        _ => failed("the browser came back without a code"),
    }
}
