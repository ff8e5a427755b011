//! Waiting for somebody who types a short code into a browser elsewhere.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{AuthError, AuthKind};

const INTERVAL_DEFAULT: Duration = Duration::from_secs(5);
const INTERVAL_MIN: Duration = Duration::from_secs(1);
const INTERVAL_MAX: Duration = Duration::from_secs(60);
const LIFE_MAX: Duration = Duration::from_secs(3600);
const SLOWER_BY: Duration = Duration::from_secs(5);

/// Asks in intervals until there is an answer, a refusal, or the code has expired.
///
/// Asked to be slower it stays slower; when the network fails it doubles its interval.
pub(crate) async fn poll<T>(
    interval: Option<Duration>,
    expires_in: Duration,
    mut ask: impl AsyncFnMut() -> Result<T, AuthError>,
) -> Result<T, AuthError> {
    // What the service says is bounded on both sides: it must neither be asked without a pause nor
    // hold the terminal for days.
    let mut interval = interval
        .unwrap_or(INTERVAL_DEFAULT)
        .clamp(INTERVAL_MIN, INTERVAL_MAX);
    let end = Instant::now() + expires_in.min(LIFE_MAX);
    loop {
        if Instant::now() + interval >= end {
            let reason = "the code was not typed in time";
            return Err(AuthError::new(AuthKind::Interaction, reason));
        }
        sleep(interval).await;
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match (error.error.as_deref(), error.kind) {
            (Some("authorization_pending"), _) => {}
            (Some("slow_down"), _) => interval += SLOWER_BY,
            (_, AuthKind::Network | AuthKind::Timeout) => interval *= 2,
            (_, kind) if kind.is_transient() => {
                let wait = error
                    .retry_after
                    .map_or(Duration::ZERO, |wait| wait.to_std());
                sleep(wait.saturating_sub(interval)).await;
            }
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    fn said(word: &str) -> AuthError {
        let mut error = AuthError::new(AuthKind::Interaction, word);
        error.error = Some(word.to_owned());
        error
    }

    /// The seconds at which was asked, and how it ended.
    async fn check(answers: Vec<Result<(), AuthError>>) -> (Vec<u64>, Result<(), String>) {
        let mut answers = VecDeque::from(answers);
        let (began, mut times) = (Instant::now(), Vec::new());
        let ask = async || {
            times.push(began.elapsed().as_secs());
            answers.pop_front().unwrap()
        };
        let outcome = poll(None, Duration::from_secs(900), ask).await;
        (times, outcome.map_err(|error| error.reason))
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_asked_to_be_slower_stays_slower() {
        let slow = || Err(said("slow_down"));
        let pending = || Err(said("authorization_pending"));
        let (times, outcome) = check(vec![slow(), slow(), pending(), Ok(())]).await;
        assert_eq!(
            times,
            [5, 15, 30, 45],
            "intervals of 5, 10, 15 and 15 seconds"
        );
        assert_eq!(outcome, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_asked_before_the_first_interval() {
        let began = Instant::now();
        let ask = async || Ok(began.elapsed().as_secs());
        let outcome = poll(Some(Duration::from_secs(7)), Duration::from_secs(900), ask).await;
        assert_eq!(outcome, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_names_absurd_times_is_not_believed() {
        let forever = Duration::from_secs(u64::MAX);
        for (interval, wanted) in [(Duration::ZERO, 3599), (forever, 59)] {
            let mut times = 0;
            let ask = async || {
                times += 1;
                Err::<(), _>(said("authorization_pending"))
            };
            let outcome = poll(Some(interval), forever, ask).await;
            assert_eq!(
                outcome.unwrap_err().reason,
                "the code was not typed in time"
            );
            assert_eq!(times, wanted);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_that_fails_is_asked_less_often_and_a_code_expires() {
        let down = || Err(AuthError::new(AuthKind::Network, "down"));
        let (times, outcome) = check((0..20).map(|_| down()).collect()).await;
        assert_eq!(times, [5, 15, 35, 75, 155, 315, 635]);
        assert_eq!(outcome, Err("the code was not typed in time".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_ends_the_waiting_at_once() {
        for word in [
            "expired_token",
            "access_denied",
            "authorization_declined",
            "bad_verification_code",
        ] {
            let (times, outcome) = check(vec![Err(said(word))]).await;
            assert_eq!((times, outcome), (vec![5], Err(word.to_owned())));
        }
    }
}
