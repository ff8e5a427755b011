//! One invocation of a guest, from a fresh instance to its answer or its end.

use std::pin::pin;
use std::time::Duration;

use actions_contract::{Call, Egress, Mode, Response, Sent};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use wasmtime::Store;

use crate::bindings::http::HttpError;
use crate::bindings::{PluginPre, words};
use crate::guest::{Ask, Guest};
use crate::http;
use crate::reach::{Refusal, is_safe};

/// What a guest answers.
pub(crate) type Answer = Result<words::Outcome, words::Error>;

/// How an invocation ended.
pub(crate) enum End {
    /// The guest answered.
    Answered(Answer),
    /// The guest broke, or was broken off for a [`crate::guest::Stop`].
    Trapped(wasmtime::Error),
    /// The time was over.
    TimedOut,
}

/// An invocation looked back upon.
pub(crate) struct Trace {
    pub(crate) end: End,
    /// Whether a request that changes something may have done so.
    pub(crate) acted: bool,
    /// The last request that was refused.
    pub(crate) refused: Option<Refusal>,
    /// The log lines over the limit.
    pub(crate) lines_dropped: u32,
    /// Whether it wanted to change something while it simulated.
    pub(crate) wrote_in_simulation: bool,
}

/// What the guest is asked.
pub(crate) struct Question<'a> {
    pub(crate) action: &'a str,
    pub(crate) input: String,
    pub(crate) context: words::Context,
    pub(crate) deadline: Instant,
    pub(crate) response_bytes_max: usize,
}

/// Runs the guest in `store` and serves its requests until it answers or its time is over.
///
/// The instance cannot hold `egress`, which is borrowed for the call; so it asks over a channel,
/// and whoever drives it sends. The guest stands still meanwhile.
pub(crate) async fn invoke(
    mut store: Store<Guest>,
    pre: &PluginPre<Guest>,
    question: Question<'_>,
    mut asks: mpsc::Receiver<Ask>,
    (call, egress): (&Call, &dyn Egress),
) -> Trace {
    let Question {
        action,
        input,
        context,
        deadline,
        response_bytes_max,
    } = question;
    let mut acted = false;
    let answer = {
        let mut guest = pin!(async {
            let plugin = pre.instantiate_async(&mut store).await?;
            plugin
                .quell_plugin_actions()
                .call_run(&mut store, action, &input, &context)
                .await
        });
        timeout_at(deadline, async {
            loop {
                tokio::select! {
                    biased;
                    answer = &mut guest => break answer,
                    Some(ask) = asks.recv() => {
                        let answer = send(ask.request, ask.limit, (call, egress), &mut acted).await;
                        let answer = answer.and_then(|r| http::answer(r, response_bytes_max));
                        // The guest waits for it, unless it was dropped this instant.
                        let _ = ask.reply.send(answer);
                    }
                }
            }
        })
        .await
    };
    let end = match answer {
        Ok(Ok(answer)) => End::Answered(answer),
        Ok(Err(error)) => End::Trapped(error),
        Err(_) => End::TimedOut,
    };
    let loan = store.into_data().loan;
    let (lines_dropped, wrote_in_simulation) = loan
        .as_ref()
        .map_or((0, false), |l| (l.lines_dropped, l.wrote_in_simulation));
    Trace {
        end,
        acted,
        refused: loan.and_then(|loan| loan.refused),
        lines_dropped,
        wrote_in_simulation,
    }
}

async fn send(
    request: actions_contract::Request,
    limit: Duration,
    (call, egress): (&Call, &dyn Egress),
    acted: &mut bool,
) -> Result<Response, HttpError> {
    let changes = call.mode == Mode::Execute && !is_safe(request.method);
    let before = *acted;
    // Set before the request leaves: this future may be dropped while it is on its way.
    *acted |= changes;
    let answer = tokio::time::timeout(limit, egress.send(call, request)).await;
    let arrived = match &answer {
        // A server that failed half-way may have done it; 503 says that it did not begin.
        Ok(Ok(response)) => {
            response.is_success() || (response.status >= 500 && response.status != 503)
        }
        Ok(Err(failure)) => failure.sent == Sent::Maybe,
        Err(_) => true,
    };
    *acted = before || (changes && arrived);
    match answer {
        Ok(answer) => answer.map_err(http::no_answer),
        Err(_) => Err(HttpError::Timeout),
    }
}
