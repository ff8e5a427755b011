//! `kill -9` of the real process: every device is asked to be isolated exactly once, and every
//! acknowledged alert's run succeeds.
//!
//! The emulator counts the isolate requests that *arrived*, refused ones included, and shows a new
//! action late. Three moments of an attempt are forced without any hook in the program:
//!
//! - *intent durable*: a proxy swallows the request, so that it left and never arrived;
//! - *request sent*: the emulator does it and withholds the answer;
//! - *answer unrecorded*: the same, but the answer is let through while another connection holds
//!   the database's write lock, so that it cannot be recorded.

mod forced;
mod proxy;
mod random;

/// One containing step, no branches: what is counted is what the engine does about it.
const PLAYBOOK: &str = "
version: 1
name: contain
triggers:
  - id: any
    alert:
      source: mde
      match:
        device.id|exists: true
timeout: 1d
steps:
  - id: machine
    uses: defender.get-machine
    with:
      machine_id: ${{ alert.device.id }}
  - id: isolate
    uses: defender.isolate-machine
    with:
      machine_id: ${{ steps.machine.output.id }}
      isolation_type: Full
      comment: Alert ${{ alert.id }}
outputs:
  action: ${{ steps.isolate.output.id }}
";

/// How much is tried, and how slow the service is.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Kills at each forced moment.
    kills: usize,
    /// How late the service shows a new action.
    visibility_ms: u64,
    /// The engine's window for that.
    window_ms: u64,
}

const SAMPLE: Scale = Scale {
    kills: 2,
    visibility_ms: 300,
    window_ms: 800,
};
const CAMPAIGN: Scale = Scale {
    kills: 50,
    visibility_ms: 2000,
    window_ms: 3000,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_a_forced_moment_isolates_once() {
    forced::all_moments(SAMPLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_a_random_moment_isolates_once() {
    random::kills(random::Scale { runs: 40, kills: 4 }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: 150 kills at three forced moments, about four minutes"]
async fn campaign_of_kills_at_forced_moments() {
    forced::all_moments(CAMPAIGN).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: 100 kills at random moments with 1,000 runs in flight, about four minutes"]
async fn campaign_of_kills_at_random_moments() {
    random::kills(random::Scale {
        runs: 1000,
        kills: 100,
    })
    .await;
}
