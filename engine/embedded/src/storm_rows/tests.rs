use engine_driver::storm;
use engine_playbook::expr::Template;
use engine_playbook::plan::{Dedup, Storm};
use engine_trigger::AlertChange;
use engine_trigger::storm::{Facts, Group, Passed};
use serde_json::{Value, json};

use super::*;
use crate::schema::Folder;

/// What `keys` keys take in the file, after a second alert for each of them.
fn bytes_per_key(keys: u32) -> u64 {
    let home = tempfile::tempdir().unwrap();
    let (folder, _taken) = Folder::lock(home.path()).unwrap();
    let connection = folder.writer().unwrap();
    let pages = || -> u64 {
        let count = connection.pragma_query_value(None, "page_count", |row| row.get(0));
        let free: u64 = connection
            .pragma_query_value(None, "freelist_count", |row| row.get(0))
            .unwrap();
        (count.unwrap_or(0_u64) - free) * 4096
    };
    let before = pages();
    let place = Place {
        tenant: "contoso".parse().unwrap(),
        playbook: "contain".parse().unwrap(),
        trigger: "any".parse().unwrap(),
    };
    let storm = Storm {
        dedup: Some(Dedup {
            key: Template::Literal(Value::Null),
            window: engine_model::Millis::from_secs(4 * 3600),
        }),
        ..Storm::default()
    };
    connection.execute_batch("BEGIN").unwrap();
    for told in 0..2 {
        for key in 0..keys {
            let at = Timestamp::from_ms(1_780_000_000_000 + i64::from(key));
            let facts = Facts {
                alert: AlertRef(i64::from(told * keys + key)),
                at,
                now: at,
                change: AlertChange::Created,
                key: Some(json!(format!("device-{key}"))),
                group: Group::new(),
                values: Vec::new(),
                stages: 0,
                batch: Group::new(),
                throttle: Group::new(),
            };
            let mut tables = Tables(&connection);
            let weighed = storm::weigh(&mut tables, &storm, &place, &facts).unwrap();
            assert_eq!(
                matches!(weighed.passed, Passed::Starts(_)),
                told == 0,
                "{key}"
            );
            weighed.keep(&mut tables, &storm, &place).unwrap();
        }
    }
    connection.execute_batch("COMMIT").unwrap();
    let after = pages();
    let long_after = Timestamp::from_ms(i64::MAX - 1);
    while forget_cells(&connection, long_after).unwrap() {}
    let left: u32 = connection
        .query_row("SELECT count(*) FROM storm_cells", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0, "what is over is forgotten");
    (after - before) / u64::from(keys)
}

#[test]
fn a_key_of_dedup_takes_less_than_two_hundred_bytes_and_is_forgotten() {
    assert!(bytes_per_key(5_000) <= 200);
}

#[test]
#[ignore = "long: 100,000 keys, some seconds"]
fn campaign_of_a_hundred_thousand_keys_of_dedup() {
    let bytes = bytes_per_key(100_000);
    println!("{bytes} bytes per key of dedup at 100,000 keys");
    assert!(bytes <= 200);
}
