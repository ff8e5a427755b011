//! The suite that every driver passes by calling it.
//!
//! A driver implements [`Stand`] and calls [`conformance_tests!`](crate::conformance_tests) in a
//! test; each case becomes a test of its own. The cases know nothing of how a driver stores what
//! it stores: they open engines on a stand, tell the scripted actions what to answer, stop engines
//! in the middle of things, and look at what the next one makes of it.
//!
//! Everything here panics where a driver does not behave; it is called by tests only.

pub mod alerts;
pub mod cancel;
pub mod flow;
pub mod letters;
pub mod lists;
pub mod runs;
mod scene;
pub mod schedules;
mod script;
pub mod signals;
pub mod starts;
pub mod stops;
pub mod storm;

use engine_model::{TenantId, Timestamp};
use engine_run::Settings;

pub use scene::Scene;
pub use script::{Answer, NoEgress, Script, Scripted};

use crate::{Attempts, Clock, Engine, Playbooks};
use std::sync::Arc;

/// What a case hands to a driver to make an engine of.
pub struct Parts {
    /// The playbooks.
    pub playbooks: Arc<Playbooks>,
    /// Performs tries.
    pub attempts: Attempts,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is fixed for each run when it begins.
    pub settings: Settings,
    /// The tenant of runs that no alert starts.
    pub tenant: TenantId,
    /// Schedules that were never seen before are watched since this instant.
    pub schedules_since: Option<Timestamp>,
}

/// A place that keeps what an engine stores, and opens engines on it, one after another.
pub trait Stand: Send + Sync {
    /// The engine of the driver.
    type Engine: Engine + 'static;

    /// Opens an engine on whatever the engines before it left.
    fn open(&self, parts: Parts) -> impl Future<Output = Self::Engine> + Send;

    /// Stops an engine as suddenly as the driver can, whatever it is doing, and comes back once
    /// the next one may be opened.
    fn stop(&self, engine: Self::Engine) -> impl Future<Output = ()> + Send;
}

/// Makes a test of every case; `$stand` is an expression that makes a fresh, empty stand.
#[macro_export]
macro_rules! conformance_tests {
    ($stand:expr) => {
        $crate::conformance_tests! { @each $stand;
            alerts::a_duplicate_alert_starts_nothing_and_gets_the_first_answer,
            alerts::an_alert_that_comes_many_times_at_once_is_taken_once,
            alerts::changed_content_is_a_new_revision_and_starts_only_who_asks_for_it,
            alerts::content_that_comes_back_is_a_revision_but_starts_nothing_twice,
            alerts::every_playbook_that_matches_starts,
            alerts::an_alert_that_was_acknowledged_is_there_after_a_stop,
            alerts::an_alert_whose_sender_goes_away_is_worked_on_all_the_same,
            alerts::the_same_id_in_another_tenant_is_another_alert,
            cancel::a_run_that_waits_for_a_timer_is_cancelled_at_once,
            cancel::a_read_under_way_is_not_waited_for,
            cancel::a_containing_try_under_way_is_waited_for,
            cancel::a_cancel_outlives_a_stop,
            cancel::a_run_that_is_over_cannot_be_cancelled,
            flow::a_call_hands_outputs_back_across_a_stop,
            flow::a_call_that_cannot_be_made_fails_its_step,
            flow::a_cancel_reaches_the_run_that_was_called,
            flow::a_run_waits_for_its_turn,
            flow::a_conflict_skips_the_run_or_cancels_the_other_one,
            flow::an_alert_that_is_waited_for_wakes_the_run,
            flow::an_alert_that_came_before_it_was_waited_for_counts,
            flow::a_question_outlives_stops,
            flow::a_run_goes_on_where_another_one_failed,
            letters::what_could_not_start_is_a_dead_letter_and_starts_once_when_replayed,
            letters::a_run_that_failed_for_good_is_a_dead_letter_that_can_be_replayed,
            letters::what_a_full_queue_dropped_is_a_dead_letter_that_can_be_replayed,
            letters::the_end_of_a_run_starts_who_waits_for_it_once,
            letters::runs_that_start_one_another_end_after_three_hops,
            lists::a_watermark_never_moves_back_and_outlives_a_stop,
            lists::runs_are_listed_newest_first_page_by_page,
            lists::alerts_are_listed_once_with_the_runs_of_all_revisions,
            lists::what_does_not_exist_is_said_to_be_missing,
            runs::a_run_tells_what_happens_while_it_happens,
            runs::an_action_that_breaks_fails_its_step_and_nothing_else,
            runs::a_try_that_takes_too_long_is_given_up,
            runs::many_runs_wait_at_the_same_time_and_all_of_them_end,
            runs::a_run_stays_with_the_playbook_it_began_with,
            schedules::a_planned_instant_starts_one_run_however_often_the_engine_restarts,
            schedules::a_missed_instant_is_made_up_for_as_the_schedule_says,
            schedules::an_instant_that_comes_while_the_engine_runs_starts_a_run,
            signals::a_signal_wakes_the_run_that_waits_for_it,
            signals::an_early_signal_is_kept_until_it_is_waited_for,
            signals::a_signal_that_was_taken_outlives_a_stop,
            signals::a_no_ends_the_run_denied,
            signals::an_answer_that_does_not_count_is_refused_with_the_reason,
            signals::a_signal_that_nothing_waits_for_changes_nothing,
            schedules::an_instant_during_an_earlier_run_is_treated_as_the_schedule_says,
            starts::the_same_key_starts_one_run,
            starts::a_start_that_is_not_allowed_leaves_nothing_behind,
            starts::a_dry_run_changes_nothing,
            starts::a_run_by_hand_belongs_to_the_tenant_asked_for,
            stops::a_run_that_is_stopped_at_any_call_ends_and_contains_once,
            stops::a_timer_that_passed_while_no_engine_ran_wakes_its_run,
            stops::a_run_survives_any_number_of_stops_at_any_time,
            storm::alerts_with_the_key_of_an_earlier_one_are_linked_to_its_run,
            storm::alerts_that_reach_a_number_are_in_the_run_that_they_start,
            storm::a_batch_starts_when_it_has_waited_whatever_happens_meanwhile,
            storm::starts_past_a_limit_wait_and_past_the_queue_are_dropped_visibly,
            storm::a_storm_with_stops_in_it_starts_what_it_starts_without,
        }
    };
    (@each $stand:expr; $($part:ident :: $case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$part::$case(&$stand).await;
            }
        )*
    };
}
