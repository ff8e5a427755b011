//! Many alerts, read page by page.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::door::Door;
use crate::operations::{call, done, perform};

/// The resident memory of this process, in KiB.
#[expect(
    clippy::disallowed_methods,
    reason = "the system tells of memory by a file"
)]
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
    let digits = line.unwrap_or_default().trim().trim_end_matches(" kB");
    digits.parse().unwrap_or(0)
}

/// Adds `count` alerts and reads them in parts of `limit`: how much memory grew from the second
/// part to the last one, in KiB.
async fn paged(count: usize, limit: usize) -> u64 {
    let door = Door::new();
    let tenant = door.emulator.options().tenants[0].id.clone();
    for number in 0..count {
        let alert = json!({ "id": format!("al{number}"), "serviceSource": "dataLossPrevention" });
        door.emulator.add_graph_alert(&tenant, alert).unwrap();
    }
    let mut seen: HashSet<String> = HashSet::with_capacity(count);
    let (mut next, mut parts, mut first, mut most) = (Value::Null, 0, 0, 0);
    loop {
        let mut args = json!({ "filter": "serviceSource eq 'dataLossPrevention'", "limit": limit });
        if !next.is_null() {
            args["continue_from"] = next.clone();
        }
        let listed = done(perform(&door, &call(&door, "graph.list-security-alerts", args)).await);
        for alert in listed["value"].as_array().unwrap() {
            let id = alert["id"].as_str().unwrap();
            assert!(id.starts_with("al"), "{id}");
            assert!(seen.insert(id.to_owned()), "{id} came twice");
        }
        next = listed["next"].clone();
        drop(listed);
        parts += 1;
        match parts {
            1 | 2 => first = resident_kib(),
            _ => most = most.max(resident_kib()),
        }
        if next.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), count, "some were lost");
    most.saturating_sub(first)
}

#[tokio::test]
async fn alerts_are_paged_without_losing_or_repeating_one() {
    paged(2500, 700).await;
}

#[tokio::test]
#[ignore = "long: a hundred thousand alerts"]
#[expect(clippy::disallowed_methods, reason = "a figure for people")]
async fn campaign_a_hundred_thousand_alerts_are_paged_and_memory_stays_flat() {
    let _alone = crate::ALONE.lock().await;
    let begun = std::time::Instant::now();
    let grown = paged(100_000, 2000).await;
    println!(
        "100,000 alerts in 50 parts of 2,000, none lost, none twice: \
         memory grew by {grown} KiB, {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    // A part is about two MiB; what was read must not stay.
    assert!(grown < 24 * 1024, "memory grew by {grown} KiB");
}
