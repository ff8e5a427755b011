use engine_model::{Timestamp, code};
use engine_playbook::plan::{Missed, Schedule};
use proptest::prelude::*;

use super::Timetable;

fn schedule(cron: &str, timezone: &str) -> Schedule {
    Schedule {
        rhythm: engine_playbook::plan::Rhythm::Cron(cron.to_owned()),
        timezone: timezone.to_owned(),
        missed: Missed::Latest,
        start: None,
        end: None,
        overlap: engine_playbook::plan::Overlap::Skip,
        jitter: engine_model::Millis::ZERO,
        path: "triggers[0].schedule".to_owned(),
    }
}

fn timetable(cron: &str, timezone: &str) -> Timetable {
    Timetable::new(&schedule(cron, timezone)).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The first `count` instants after `from`, as wall-clock times with their offset.
fn check(cron: &str, timezone: &str, from: &str, expected: &[&str]) {
    let zone: chrono_tz::Tz = timezone.parse().unwrap();
    let timetable = timetable(cron, timezone);
    let found: Vec<String> = std::iter::successors(timetable.next_after(at(from)), |at| {
        timetable.next_after(*at)
    })
    .take(expected.len())
    .map(|at| {
        let at = chrono::DateTime::from_timestamp_millis(at.as_ms()).unwrap();
        at.with_timezone(&zone)
            .format("%a %d %H:%M %:z")
            .to_string()
    })
    .collect();
    assert_eq!(found, expected, "{cron} in {timezone}");
}

#[test]
fn a_fixed_time_in_the_spring_gap_runs_at_the_first_minute_after_it() {
    check(
        "30 2 * * *",
        "Europe/Paris",
        "2026-03-28T00:00:00Z",
        &[
            "Sat 28 02:30 +01:00",
            "Sun 29 03:00 +02:00",
            "Mon 30 02:30 +02:00",
        ],
    );
}

#[test]
fn several_fixed_times_in_one_gap_run_once() {
    check(
        "*/20 2 * * *",
        "Europe/Paris",
        "2026-03-29T00:00:00Z",
        &[
            "Sun 29 03:00 +02:00",
            "Mon 30 02:00 +02:00",
            "Mon 30 02:20 +02:00",
        ],
    );
}

#[test]
fn a_fixed_time_that_occurs_twice_in_autumn_runs_the_first_time() {
    check(
        "30 2 * * *",
        "Europe/Paris",
        "2026-10-24T12:00:00Z",
        &["Sun 25 02:30 +02:00", "Mon 26 02:30 +01:00"],
    );
    // Asked between the two: the second one does not count.
    check(
        "30 2 * * *",
        "Europe/Paris",
        "2026-10-25T01:15:00Z",
        &["Mon 26 02:30 +01:00"],
    );
}

#[test]
fn an_interval_runs_through_the_autumn_hour_twice() {
    check(
        "*/30 * * * *",
        "Europe/Paris",
        "2026-10-24T23:40:00Z",
        &[
            "Sun 25 02:00 +02:00",
            "Sun 25 02:30 +02:00",
            "Sun 25 02:00 +01:00",
            "Sun 25 02:30 +01:00",
            "Sun 25 03:00 +01:00",
        ],
    );
}

#[test]
fn an_interval_goes_on_after_the_spring_gap_without_an_extra_run() {
    check(
        "15,45 * * * *",
        "Europe/Paris",
        "2026-03-29T00:20:00Z",
        &[
            "Sun 29 01:45 +01:00",
            "Sun 29 03:15 +02:00",
            "Sun 29 03:45 +02:00",
        ],
    );
}

#[test]
fn an_interval_of_hours_is_never_longer_than_it_says() {
    check(
        "15 */2 * * *",
        "Europe/Paris",
        "2026-03-28T22:00:00Z",
        &[
            "Sun 29 00:15 +01:00",
            "Sun 29 03:15 +02:00",
            "Sun 29 04:15 +02:00",
        ],
    );
    // Asked inside the hour after the gap: what the gap swallowed still comes.
    check(
        "15 */2 * * *",
        "Europe/Paris",
        "2026-03-29T01:05:00Z",
        &["Sun 29 03:15 +02:00"],
    );
}

#[test]
fn lord_howe_moves_its_clocks_by_half_an_hour() {
    // Back at 02:00: 01:30 to 02:00 occurs twice.
    check(
        "45 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-04T00:00:00Z",
        &["Sun 05 01:45 +11:00", "Mon 06 01:45 +10:30"],
    );
    // Forward at 02:00: 02:00 to 02:30 does not occur.
    check(
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T12:00:00Z",
        &["Sun 04 02:30 +11:00", "Mon 05 02:15 +11:00"],
    );
    check(
        "*/30 * * * *",
        "Australia/Lord_Howe",
        "2026-10-03T15:00:00Z",
        &["Sun 04 02:30 +11:00", "Sun 04 03:00 +11:00"],
    );
}

#[test]
fn one_to_five_are_monday_to_friday() {
    check(
        "0 9 * * 1-5",
        "UTC",
        "2026-11-19T12:00:00Z",
        &[
            "Fri 20 09:00 +00:00",
            "Mon 23 09:00 +00:00",
            "Tue 24 09:00 +00:00",
        ],
    );
    check(
        "0 9 * * FRI-SUN/2",
        "UTC",
        "2026-11-19T12:00:00Z",
        &["Fri 20 09:00 +00:00", "Sun 22 09:00 +00:00"],
    );
}

#[test]
fn sunday_is_zero_and_seven() {
    for sunday in ["0", "7", "sun", "5-7", "0-6"] {
        let timetable = timetable(&format!("0 0 * * {sunday}"), "UTC");
        let next = timetable.next_after(at("2026-11-21T12:00:00Z"));
        assert_eq!(next, Some(at("2026-11-22T00:00:00Z")), "{sunday}");
    }
}

#[test]
fn the_thirteenth_and_friday_mean_either() {
    check(
        "0 0 13 * FRI",
        "UTC",
        "2026-11-06T12:00:00Z",
        &["Fri 13 00:00 +00:00", "Fri 20 00:00 +00:00"],
    );
    check(
        "0 0 13 * FRI",
        "UTC",
        "2026-12-05T00:00:00Z",
        &[
            "Fri 11 00:00 +00:00",
            "Sun 13 00:00 +00:00",
            "Fri 18 00:00 +00:00",
        ],
    );
    // A day field that begins with `*` names no days: both have to hold.
    check(
        "0 0 */2 * FRI",
        "UTC",
        "2026-11-06T12:00:00Z",
        &["Fri 13 00:00 +00:00"],
    );
}

#[test]
fn the_31st_of_february_never_comes() {
    let never = timetable("0 0 31 2 *", "Europe/Paris");
    assert_eq!(never.next_after(at("2026-11-21T00:00:00Z")), None);
    assert!(!never.ever_fires());
}

#[test]
fn shorthands_are_the_lines_they_stand_for() {
    for (shorthand, next) in [
        ("@hourly", "2026-11-21T13:00:00Z"),
        ("@daily", "2026-11-22T00:00:00Z"),
        ("@midnight", "2026-11-22T00:00:00Z"),
        ("@weekly", "2026-11-22T00:00:00Z"),
        ("@monthly", "2026-12-01T00:00:00Z"),
        ("@yearly", "2027-01-01T00:00:00Z"),
        ("@Annually", "2027-01-01T00:00:00Z"),
    ] {
        let found = timetable(shorthand, "UTC").next_after(at("2026-11-21T12:00:00Z"));
        assert_eq!(found, Some(at(next)), "{shorthand}");
    }
}

#[test]
fn start_and_end_are_part_of_the_schedule() {
    let mut schedule = schedule("0 * * * *", "UTC");
    schedule.start = Some(at("2026-11-21T12:00:00Z"));
    schedule.end = Some(at("2026-11-21T13:00:00Z"));
    let timetable = Timetable::new(&schedule).unwrap();
    let first = timetable.next_after(at("2026-01-01T00:00:00Z"));
    assert_eq!(first, Some(at("2026-11-21T12:00:00Z")));
    assert_eq!(
        timetable.next_after(first.unwrap()),
        Some(at("2026-11-21T13:00:00Z"))
    );
    assert_eq!(timetable.next_after(at("2026-11-21T13:00:00Z")), None);
}

#[test]
fn instants_far_outside_the_calendar_have_no_next_one() {
    let timetable = timetable("* * * * *", "Europe/Paris");
    assert_eq!(timetable.next_after(Timestamp::from_ms(i64::MAX)), None);
    assert_eq!(timetable.next_after(at("2101-01-01T00:00:00Z")), None);
    assert_eq!(
        timetable.next_after(Timestamp::from_ms(i64::MIN)),
        Some(Timestamp::from_ms(0))
    );
}

#[test]
fn a_line_that_cannot_be_read_says_why() {
    for (line, expected) in [
        ("* * * *", "a schedule has five fields, found 4"),
        (
            "0 25 * * *",
            "`25` is outside 0 to 23, the range of the hour field",
        ),
        (
            "0 0 0 * *",
            "`0` is outside 1 to 31, the range of the day-of-month field",
        ),
        (
            "0 0 * * 8",
            "`8` is outside 0 to 7, the range of the day-of-week field",
        ),
        (
            "0 0 * * mno",
            "`mno` in the day-of-week field cannot be read",
        ),
        ("0 0 L * *", "`L` in the day-of-month field cannot be read"),
        (
            "0 0 * * MON#1",
            "`MON#1` in the day-of-week field cannot be read",
        ),
        (
            "5/15 * * * *",
            "`5` in the minute field has a step but no range",
        ),
        ("*/0 * * * *", "`*/0` in the minute field steps by `0`"),
        ("0 22-2 * * *", "`22-2` in the hour field goes backwards"),
        ("0 0 , * *", "`` in the day-of-month field cannot be read"),
        (
            "99999999999 0 * * *",
            "`99999999999` is outside 0 to 59, the range of the minute field",
        ),
        ("@reboot", "`@reboot` is not a schedule"),
        ("", "a schedule has five fields, found 0"),
    ] {
        let problem = Timetable::new(&schedule(line, "UTC")).unwrap_err();
        assert_eq!(problem.message, expected, "{line}");
        assert_eq!(
            (problem.code, problem.path.as_str()),
            (code::PB0601, "triggers[0].schedule.cron")
        );
    }
}

#[test]
fn a_misspelt_zone_is_answered_with_the_one_meant() {
    let problem = Timetable::new(&schedule("0 0 * * *", "Europe/Pariss")).unwrap_err();
    assert_eq!(
        problem.help.as_deref(),
        Some("a zone with a similar name exists: `Europe/Paris`")
    );
    assert_eq!(problem.path, "triggers[0].schedule.timezone");
}

/// The instants made up for after an outage from 8 to 12 o'clock, as hours.
fn missed(policy: Missed, cron: &str) -> Vec<String> {
    let timetable = Timetable::new(&Schedule {
        missed: policy,
        ..schedule(cron, "UTC")
    })
    .unwrap();
    let missed = timetable.missed(Some(at("2026-11-21T08:00:00Z")), at("2026-11-21T12:00:00Z"));
    missed
        .iter()
        .map(|at| at.to_string()[11..16].to_owned())
        .collect()
}

#[test]
fn missed_instants_are_made_up_for_as_the_policy_says() {
    assert!(missed(Missed::Skip, "0 * * * *").is_empty());
    assert_eq!(missed(Missed::Latest, "0 * * * *"), ["12:00"]);
    assert_eq!(missed(Missed::Latest, "0 9 * * *"), ["09:00"]);
    assert!(missed(Missed::Latest, "0 7 * * *").is_empty());
    let all = |max_catchup| missed(Missed::All { max_catchup }, "30 * * * *");
    assert_eq!(all(10), ["08:30", "09:30", "10:30", "11:30"]);
    assert_eq!(all(2), ["10:30", "11:30"]);
    assert!(all(0).is_empty());
}

#[test]
fn a_new_schedule_has_missed_nothing() {
    let now = at("2026-11-21T12:00:00Z");
    assert!(timetable("* * * * *", "UTC").missed(None, now).is_empty());
}

fn whole_hour_zones() -> impl Strategy<Value = chrono_tz::Tz> {
    let zones: Vec<chrono_tz::Tz> = chrono_tz::TZ_VARIANTS
        .into_iter()
        .filter(|zone| {
            !["Lord_Howe", "LHI"]
                .iter()
                .any(|name| zone.name().contains(name))
        })
        .collect();
    prop::sample::select(zones)
}

/// Instants of the years in which the rules of all zones are known and shift by whole hours.
fn instant() -> impl Strategy<Value = i64> {
    1_640_995_200_000_i64..2_000_000_000_000
}

/// Weekly probes until the clocks change, so that samples are not all far from any change.
fn near_change(zone: chrono_tz::Tz, from: i64) -> i64 {
    let change = super::zone::Zone(zone).first_change(from / 1000, from / 1000 + 200 * 86_400);
    change.map_or(from, |change| (change.at - 7200) * 1000)
}

proptest! {
    #[test]
    fn half_hours_are_half_an_hour_apart_in_every_zone(
        zone in whole_hour_zones(), from in instant(), near in any::<bool>(),
    ) {
        let from = if near { near_change(zone, from) } else { from };
        let timetable = timetable("*/30 * * * *", zone.name());
        let first = timetable.next_after(Timestamp::from_ms(from)).unwrap();
        let instants = std::iter::successors(Some(first), |at| timetable.next_after(*at));
        let instants: Vec<i64> = instants.take(12).map(Timestamp::as_ms).collect();
        for pair in instants.windows(2) {
            prop_assert_eq!(pair[1] - pair[0], 1_800_000, "{} {:?}", zone.name(), pair);
        }
    }

    #[test]
    fn instants_only_go_up_and_do_not_depend_on_where_one_asks(
        zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        line in prop::sample::select(vec![
            "*/7 * * * *", "30 2 * * *", "0 0 * * *", "15 */3 * * *", "59 1-3 * * *",
            "0 0 1 * 1", "*/20 2,3 * * 0", "5 0 29 2 *",
        ]),
        from in instant(),
        near in any::<bool>(),
    ) {
        let from = if near { near_change(zone, from) } else { from };
        let timetable = timetable(line, zone.name());
        let mut last = Timestamp::from_ms(from);
        for _ in 0..8 {
            let next = timetable.next_after(last).unwrap();
            prop_assert!(next > last);
            // Asked anywhere in between, the answer is the same.
            let between = Timestamp::from_ms(last.as_ms() + (next.as_ms() - last.as_ms()) / 3);
            prop_assert_eq!(timetable.next_after(between), Some(next));
            last = next;
        }
    }

    #[test]
    fn a_fixed_time_runs_every_day(zone in whole_hour_zones(), from in instant(), hour in 0..24) {
        let timetable = timetable(&format!("30 {hour} * * *"), zone.name());
        let first = timetable.next_after(Timestamp::from_ms(near_change(zone, from))).unwrap();
        let second = timetable.next_after(first).unwrap();
        let hours = (second.as_ms() - first.as_ms()) / 60_000;
        prop_assert!((22 * 60..=26 * 60).contains(&hours), "{hours} minutes in {}", zone.name());
    }
}
