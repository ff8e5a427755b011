//! What a test's world does: time, guard rails, lost answers, turns.

use crate::{shown, suite};

/// Runs tests of a playbook that stand without its head, and wants them to pass.
#[track_caller]
fn passes(playbook: &str, tests: &str) {
    let playbook = format!("version: 1\nname: p\n{playbook}");
    let tests = format!("version: 1\nplaybook: p.yaml\n{tests}");
    let (suite, broken) = suite(
        vec![("p.test.yaml".to_owned(), tests)],
        vec![("p.yaml".to_owned(), playbook)],
    );
    assert!(broken.is_empty(), "{}", shown(&broken));
    for result in suite.run(1, &|_| {}) {
        assert!(result.passed(), "{}", result.human());
    }
}

const ISOLATE: &str = "
triggers: [{id: high, alert: {source: mde, match: {severity: high}}}]
steps:
  - id: isolate
    uses: defender.isolate-machine
    with: {machine_id: \"${{ alert.device.id }}\", isolation_type: Full, comment: x}
";

#[test]
fn a_wait_of_a_year_takes_no_time_and_exactly_a_year() {
    passes(
        "timeout: 400d\nsteps: [{id: wait, wait: {for: 365d}}]\noutputs: {now: '${{ run.now }}'}\n",
        "tests:
  - name: a year
    now: 2026-01-01T00:00:00Z
    by: mona
    expect: {status: succeeded, steps: {wait: {output: {waited: 365d}}}}
",
    );
}

#[test]
fn the_policy_of_a_test_holds_as_that_of_a_tenant_does() {
    passes(
        ISOLATE,
        "defaults:
  alert: {severity: high, device: {id: d1}}
  mocks: {defender.isolate-machine: {output: {id: m1, status: Succeeded}}}
tests:
  - name: a protected role is left alone
    policy:
      roles: {dc: [{name_glob: 'dc*'}]}
      never: [{device: {role: dc}}]
    targets: {d1: {name: dc01.corp.example}}
    expect: {status: refused, refused: [{code: GR0102, step: isolate}], effects: {contain: 0}}
  - name: two people are asked and agree
    policy: {approval: [{effect: contain, quorum: 2, roles: [soc-lead]}]}
    approvals: {isolate: [{decision: approve}, {decision: approve}]}
    expect: {status: succeeded, asked: {isolate: {quorum: 2}}, effects: {contain: 1}}
  - name: nobody answers
    policy: {approval: [{effect: contain, roles: [soc-lead]}]}
    expect: {status: denied, effects: {contain: 0}}
  - name: a limit is a limit
    policy: {limits: [{effect: contain, max: 1, per: 1h, scope: tenant}]}
    events: [{at: 1m, alert: {id: a2, severity: high, device: {id: d2}}}]
    expect: {runs: 2, effects: {contain: 1}, refused: [{code: GR0106}]}
  - name: the directory does not answer
    targets: {d1: unreachable}
    expect: {status: refused, refused: [{code: GR0104}]}
  - name: several are meant
    targets: {d1: ambiguous}
    expect: {status: refused, refused: [{code: GR0105}]}
",
    );
}

#[test]
fn what_got_no_answer_is_looked_up_and_never_done_twice() {
    passes(
        ISOLATE,
        "defaults: {alert: {severity: high, device: {id: d1}}}
tests:
  - name: it had arrived
    mocks: {defender.isolate-machine: {output: {id: m1, status: Succeeded}, lost: done}}
    expect: {status: succeeded, steps: {isolate: {attempts: 2}}, effects: {contain: 1}}
  - name: it had not
    mocks: {defender.isolate-machine: [{lost: nothing}, {output: {id: m1, status: Succeeded}}]}
    expect: {status: succeeded, effects: {contain: 1}}
  - name: it cannot be told
    mocks: {defender.isolate-machine: {lost: unclear}}
    expect: {status: failed, error: {code: AC0108}, effects: {contain: 0}}
  - name: it takes its time and is followed
    mocks: {defender.isolate-machine: {output: {id: m1, status: Succeeded}, delay: 3h}}
    expect: {status: succeeded, effects: {contain: 1}, max_in_flight: {defender.isolate-machine: 1}}
  - name: the same device again within the hour is answered from the ledger
    mocks: {defender.isolate-machine: {output: {id: m1, status: Succeeded}}}
    events: [{at: 10m, alert: {id: a2, severity: high, device: {id: d1}}}]
    expect: {runs: 2, calls: [{uses: defender.isolate-machine, times: 1}]}
",
    );
}

#[test]
fn runs_with_one_key_take_turns() {
    let playbook = |conflict: &str| {
        format!(
            "
triggers: [{{id: any, alert: {{source: mde, match: {{severity: high}}}}}}]
concurrency: {{key: all, on_conflict: {conflict}}}
steps: [{{id: wait, wait: {{for: 1h}}}}]
"
        )
    };
    let tests = |status: &str| {
        format!(
            "tests:
  - name: two at once
    alert: {{id: a1, severity: high}}
    events: [{{at: 1m, alert: {{id: a2, severity: high}}}}]
    expect: {{runs: 2, status: {status}}}
"
        )
    };
    passes(&playbook("queue"), &tests("succeeded"));
    passes(&playbook("skip"), &tests("succeeded"));
    passes(&playbook("cancel_running"), &tests("cancelled"));
}

#[test]
fn a_call_that_takes_too_long_is_given_up_by_the_engine_itself() {
    passes(
        "
steps:
  - {id: read, uses: defender.get-machine, with: {machine_id: d1}, retry: {max_attempts: 2}}
",
        "tests:
  - name: two minutes are too long
    by: mona
    mocks: {defender.get-machine: {output: {id: d1}, delay: 2m}}
    expect: {status: failed, error: {kind: timeout}, steps: {read: {attempts: 2}}}
",
    );
}
