//! A door to the emulator that notes the calls of a run as they arrive.

use std::collections::HashMap;
use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use actions_emulator::Emulator;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What was seen at the door.
pub(crate) struct Tap {
    /// Where the door is.
    pub(crate) url: String,
    /// Places for runs; the last call of a run gives its place back.
    pub(crate) places: Semaphore,
    isolated: Mutex<HashMap<String, Instant>>,
}

impl Tap {
    /// Opens a door to `emulator`.
    pub(crate) async fn open(emulator: &Emulator) -> anyhow::Result<Arc<Self>> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let tap = Arc::new(Self {
            url: format!("http://{}", listener.local_addr()?),
            places: Semaphore::new(0),
            isolated: Mutex::default(),
        });
        let layer = middleware::from_fn_with_state(Arc::clone(&tap), observe);
        let listener = listener.tap_io(|stream| {
            // Without it the figures are worse, not wrong.
            let _ = stream.set_nodelay(true);
        });
        tokio::spawn(axum::serve(listener, emulator.router().layer(layer)).into_future());
        Ok(tap)
    }

    /// Forgets which devices were isolated, and takes every place back.
    pub(crate) fn clear(&self) {
        self.isolated().clear();
        self.places.forget_permits(self.places.available_permits());
    }

    /// When the request to isolate this device arrived.
    pub(crate) fn isolated_at(&self, machine: &str) -> Option<Instant> {
        self.isolated().get(machine).copied()
    }

    fn isolated(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        self.isolated.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn observe(State(tap): State<Arc<Tap>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let machine = path
        .strip_prefix("/api/machines/")
        .and_then(|rest| rest.strip_suffix("/isolate"));
    if let Some(machine) = machine {
        tap.isolated().insert(machine.to_owned(), Instant::now());
    } else if path.starts_with("/api/machineactions/") {
        tap.places.add_permits(1);
    }
    next.run(request).await
}
