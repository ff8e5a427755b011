//! The client's end of one keep-alive connection; as little work per request as possible, since the
//! client shares the machine with what it measures.

use anyhow::{Context as _, ensure};
use axum::body::{Body, Bytes};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::support::KEY;

/// One connection to a program that is measured.
pub(crate) struct Connection {
    sender: SendRequest<Body>,
    host: String,
}

impl Connection {
    pub(crate) async fn open(url: &str) -> anyhow::Result<Self> {
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(Self { sender, host })
    }

    /// Posts an alert; fails unless it was taken as a new one.
    pub(crate) async fn post(&mut self, path: &str, alert: String) -> anyhow::Result<()> {
        let (status, body) = self.send(Method::POST, path, Body::from(alert)).await?;
        let text = String::from_utf8_lossy(&body);
        ensure!(
            status == StatusCode::ACCEPTED,
            "an alert was answered with {status}: {text}"
        );
        Ok(())
    }

    /// Whether a run is going on.
    pub(crate) async fn is_busy(&mut self) -> anyhow::Result<bool> {
        let path = "/v1/runs?status=running&limit=1";
        let (status, body) = self.send(Method::GET, path, Body::empty()).await?;
        ensure!(
            status == StatusCode::OK,
            "the list of runs was answered with {status}"
        );
        let page: Value = serde_json::from_slice(&body)?;
        let items = page["items"]
            .as_array()
            .context("the list of runs has no items")?;
        Ok(!items.is_empty())
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Body,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, format!("Bearer {KEY}"))
            .header(CONTENT_TYPE, "application/json")
            .body(body)?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = axum::body::to_bytes(Body::new(response.into_body()), 1 << 20).await?;
        Ok((status, body))
    }
}
