use proptest::prelude::*;

use super::*;

const MDE: QuotaFigures = QuotaFigures {
    per_minute: Some(80),
    per_hour: Some(1200),
    concurrent: None,
};

/// A bucket and its time.
struct World {
    state: QuotaState,
    figures: QuotaFigures,
    now_ms: i64,
}

impl World {
    fn new(figures: QuotaFigures) -> Self {
        Self {
            state: QuotaState::default(),
            figures,
            now_ms: 1_000_000_000,
        }
    }

    fn take(&mut self, lane: Lane) -> QuotaAnswer {
        let change = QuotaChange::Take {
            figures: self.figures,
            lane,
            over_at_ms: self.now_ms + 30_000,
        };
        self.state.apply(change, self.now_ms)
    }

    /// How many calls pass until one has to wait.
    fn drain(&mut self, lane: Lane) -> u32 {
        (0..100_000)
            .find(|_| matches!(self.take(lane), QuotaAnswer::Wait { .. }))
            .unwrap_or(u32::MAX)
    }

    fn pause(&mut self, secs: u64) {
        let (sent_ms, wait) = (self.now_ms, Millis::from_secs(secs));
        self.state
            .apply(QuotaChange::Pause { sent_ms, wait }, self.now_ms);
    }

    fn pass(&mut self, secs: i64) {
        self.now_ms += secs * 1000;
    }

    /// What holds a lane back, and for how many seconds.
    fn held(&mut self, lane: Lane) -> Option<(Obstacle, i64)> {
        let change = QuotaChange::Foresee {
            figures: self.figures,
            lane,
            places: 1,
        };
        match self.state.apply(change, self.now_ms) {
            QuotaAnswer::Go { .. } => None,
            QuotaAnswer::Wait { until_ms, obstacle } => {
                Some((obstacle, (until_ms - self.now_ms) / 1000))
            }
        }
    }
}

#[test]
fn the_last_fifth_of_a_minute_is_kept_for_containment() {
    let mut world = World::new(MDE);
    assert_eq!(world.drain(Lane::Reading), 64);
    assert_eq!(world.drain(Lane::Evidence), 0);
    assert_eq!(world.drain(Lane::Containment), 16);
    assert_eq!(world.held(Lane::Containment), Some((Obstacle::Minute, 61)));
    world.pass(61);
    assert_eq!(world.drain(Lane::Reading), 64);
}

#[test]
fn the_hour_holds_when_the_minute_would_let_pass() {
    let mut world = World::new(MDE);
    let mut passed = 0;
    for _ in 0..15 {
        passed += world.drain(Lane::Reading);
        world.pass(61);
    }
    assert_eq!(passed, 960, "four fifths of the hour");
    assert!(matches!(world.held(Lane::Reading), Some((Obstacle::Hour, secs)) if secs > 2000));
    assert_eq!(world.held(Lane::Containment), None);
}

#[test]
fn a_pause_holds_everybody_until_it_is_over() {
    let mut world = World::new(MDE);
    world.pause(7);
    for lane in [Lane::Containment, Lane::Evidence, Lane::Reading] {
        assert_eq!(world.held(lane), Some((Obstacle::Pause, 7)));
    }
    world.pass(7);
    assert_eq!(world.held(Lane::Reading), None);
}

#[test]
fn two_pauses_in_ten_minutes_halve_the_minute_and_it_grows_back_by_a_tenth_a_minute() {
    let mut world = World::new(MDE);
    world.pause(1);
    world.pass(62);
    assert_eq!(
        world.drain(Lane::Containment),
        80,
        "one pause costs nothing"
    );
    world.pause(1);
    world.pass(61);
    assert_eq!(
        world.drain(Lane::Containment),
        48,
        "half, and a tenth after a minute"
    );
    world.pass(122);
    assert_eq!(world.drain(Lane::Containment), 64);
    world.pass(600);
    assert_eq!(world.drain(Lane::Containment), 80);
}

#[test]
fn requests_that_left_together_and_were_all_refused_are_one_pause() {
    let mut world = World::new(MDE);
    let sent_ms = world.now_ms;
    world.pass(1);
    for _ in 0..50 {
        let wait = Millis::from_secs(5);
        world
            .state
            .apply(QuotaChange::Pause { sent_ms, wait }, world.now_ms);
    }
    world.pass(5);
    assert_eq!(world.drain(Lane::Containment), 80);
}

#[test]
fn however_often_the_service_refuses_a_tenth_is_still_tried() {
    let mut world = World::new(MDE);
    for _ in 0..50 {
        world.pause(1);
        world.pass(1);
    }
    assert_eq!(world.drain(Lane::Containment), 8);
}

#[test]
fn a_pause_lasts_an_hour_at_most_even_if_the_clock_is_set_back() {
    let mut world = World::new(MDE);
    world.pause(1_000_000);
    assert_eq!(world.held(Lane::Reading), Some((Obstacle::Pause, 3600)));
    world.pass(-86_400);
    assert_eq!(world.held(Lane::Reading), Some((Obstacle::Pause, 3600)));
}

#[test]
fn a_place_under_way_is_given_back_or_runs_out() {
    let mut world = World::new(QuotaFigures {
        concurrent: Some(2),
        ..QuotaFigures::default()
    });
    let QuotaAnswer::Go { lease: Some(lease) } = world.take(Lane::Containment) else {
        panic!("a lease is given where their number is limited");
    };
    world.pass(10);
    world.take(Lane::Containment);
    let held = world.held(Lane::Containment);
    assert_eq!(
        held,
        Some((Obstacle::Concurrency, 20)),
        "until the first ends"
    );
    world
        .state
        .apply(QuotaChange::Return { lease }, world.now_ms);
    assert_eq!(world.held(Lane::Containment), None);
    world.take(Lane::Containment);
    world.pass(30);
    assert_eq!(world.held(Lane::Containment), None, "nobody gave them back");
}

#[test]
fn a_limit_of_one_still_lets_reading_pass() {
    let mut world = World::new(QuotaFigures {
        per_minute: Some(1),
        ..QuotaFigures::default()
    });
    assert_eq!(world.drain(Lane::Reading), 1);
}

#[test]
fn what_is_kept_over_a_restart_counts_on() {
    let mut world = World::new(MDE);
    world.drain(Lane::Reading);
    world.pause(30);
    let text = serde_json::to_string(&world.state).unwrap();
    world.state = serde_json::from_str(&text).unwrap();
    assert_eq!(world.held(Lane::Reading), Some((Obstacle::Minute, 61)));
    world.pass(61);
    world.figures.per_hour = Some(64);
    assert!(matches!(
        world.held(Lane::Containment),
        Some((Obstacle::Hour, _))
    ));
}

proptest! {
    #[test]
    fn in_any_order_no_window_holds_more_than_its_limit_and_containment_is_never_behind(
        steps in proptest::collection::vec((0_u8..8, 0_i64..9_000), 1..500),
    ) {
        let figures = QuotaFigures {
            per_minute: Some(10),
            per_hour: Some(60),
            concurrent: Some(4),
        };
        let mut world = World::new(figures);
        let (mut calls, mut leases) = (Vec::new(), Vec::new());
        for (step, ms) in steps {
            world.now_ms += ms;
            let lane = [Lane::Containment, Lane::Evidence, Lane::Reading][usize::from(step % 3)];
            match step {
                0..=5 => {
                    let contained = world.held(Lane::Containment);
                    match world.take(lane) {
                        QuotaAnswer::Go { lease } => {
                            prop_assert_eq!(contained, None, "reading passed, containment not");
                            calls.push(world.now_ms);
                            leases.push((lease.unwrap(), world.now_ms + 30_000));
                        }
                        QuotaAnswer::Wait { until_ms, .. } => {
                            prop_assert!(until_ms > world.now_ms, "a wait for the past");
                        }
                    }
                }
                6 => {
                    if let Some((lease, _)) = leases.pop() {
                        world.state.apply(QuotaChange::Return { lease }, world.now_ms);
                    }
                }
                _ => world.pause(ms.unsigned_abs() / 1000),
            }
            let within = |ms: i64| calls.iter().filter(|at| **at > world.now_ms - ms).count();
            prop_assert!(within(60_000) <= 10);
            prop_assert!(within(3_600_000) <= 60);
            leases.retain(|(_, over)| *over > world.now_ms);
            prop_assert!(leases.len() <= 4);
        }
    }
}
