//! A proxy that can swallow requests: they leave the engine and never arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the proxy does with isolate requests, and how many it swallowed.
#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) closed: AtomicBool,
    pub(crate) swallowed: AtomicUsize,
}

/// Starts a proxy to `target`; its address.
pub(crate) async fn start(target: String, gate: Arc<Gate>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let target = target.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        loop {
            let (engine, _) = listener.accept().await.unwrap();
            tokio::spawn(pump(engine, target.clone(), Arc::clone(&gate)));
        }
    });
    format!("http://{address}")
}

async fn pump(engine: TcpStream, target: String, gate: Arc<Gate>) {
    let Ok(service) = TcpStream::connect(target).await else {
        return;
    };
    let (mut from_engine, mut to_engine) = engine.into_split();
    let (mut from_service, mut to_service) = service.into_split();
    let answers = tokio::spawn(async move {
        // Either side may go away at any time: that is what is tested.
        let _ = tokio::io::copy(&mut from_service, &mut to_engine).await;
    });
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from_engine.read(&mut buffer).await {
        let chunk = &buffer[..read];
        let isolates = chunk.starts_with(b"POST ") && contains(chunk, b"/isolate HTTP/1.1");
        if isolates && gate.closed.load(Ordering::SeqCst) {
            gate.swallowed.fetch_add(1, Ordering::SeqCst);
            // Held until the engine goes away.
            while let Ok(1..) = from_engine.read(&mut buffer).await {}
            break;
        }
        if to_service.write_all(chunk).await.is_err() {
            break;
        }
    }
    answers.abort();
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
