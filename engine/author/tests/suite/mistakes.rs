//! What authors get wrong, and what they are told.

use expect_test::{Expect, expect};

use crate::{shown, suite};

const PLAYBOOK: &str = "
version: 1
name: contain
triggers:
  - id: serious
    alert: {source: mde, match: {severity: high}}
steps:
  - id: machine
    uses: defender.get-machine
    with: {machine_id: \"${{ alert.device.id }}\"}
  - id: isolate
    if: steps.machine.output.risk_score == 'High'
    uses: defender.isolate-machine
    with: {machine_id: \"${{ alert.device.id }}\", isolation_type: Full, comment: x}
";

#[track_caller]
fn check(tests: &str, expected: Expect) {
    let tests = vec![("w/contain.test.yaml".to_owned(), tests.to_owned())];
    let playbooks = vec![("w/contain.yaml".to_owned(), PLAYBOOK.to_owned())];
    let (suite, broken) = suite(tests, playbooks);
    let results = suite.run(1, &|_| {});
    let mut out = shown(&broken);
    for result in results.iter().filter(|result| !result.passed()) {
        out.push_str(&result.human());
    }
    let lines: Vec<String> = out.lines().map(folded).collect();
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

/// A line that fits into this file.
fn folded(line: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    for word in line.trim_end().split_inclusive(' ') {
        if width + word.len() > 80 {
            out.truncate(out.trim_end().len());
            out.push_str("\n        ");
            width = 8;
        }
        out.push_str(word);
        width += word.len();
    }
    out
}

#[test]
#[expect(clippy::too_many_lines, reason = "every problem of one file is shown")]
fn a_typo_is_underlined_with_the_word_that_was_meant() {
    check(
        "version: 1
playbook: contain.yaml
defaults:
  alert: {severity: high, device: {id: d1}}
tests:
  - name: names
    mocks:
      defender.get-machines: {}
      defender.get-machine: {output: {risk_scor: High}, dela: 1m}
    approvals: {isolat: {decision: approve}}
    expect:
      steps: {machin: succeeded, isolate: suceeded}
      stopped_by: nobody
      calls: [{uses: defender.isolate}]
",
        expect![[r#"
            w/contain.test.yaml:8:7: error[PB0501]: there is no action
                    `defender.get-machines`
              |
            8 |       defender.get-machines: {}
              |       ^^^^^^^^^^^^^^^^^^^^^
              |
              = help: did you mean `defender.get-machine`?
              = quell explain PB0501

            w/contain.test.yaml:9:39: error[PB0401]: unknown field `risk_scor`
              |
            9 |       defender.get-machine: {output: {risk_scor: High}, dela: 1m}
              |                                       ^^^^^^^^^
              |
              = help: did you mean `risk_score`? valid here: aad_device_id,
                    computer_dns_name,
                      device_value, exposure_level, extra, first_seen, health_status, id,
                      ip_addresses, is_aad_joined, last_external_ip_address,
                    last_ip_address,
                      last_seen, machine_tags, onboarding_status, os_architecture, os_build,
                      os_platform, os_processor, rbac_group_id, rbac_group_name, risk_score,
                      version
              = quell explain PB0401

            w/contain.test.yaml:9:57: error[PB0201]: unknown key `dela`
              |
            9 |       defender.get-machine: {output: {risk_scor: High}, dela: 1m}
              |                                                         ^^^^
              |
              = help: did you mean `delay`? valid here: delay, error, lost, output, when
              = quell explain PB0201

            w/contain.test.yaml:10:17: error[PB0301]: the playbook has no step `isolat`
               |
            10 |     approvals: {isolat: {decision: approve}}
               |                 ^^^^^^
               |
               = help: did you mean `isolate`?
               = quell explain PB0301

            w/contain.test.yaml:12:15: error[PB0301]: the playbook has no step `machin`
               |
            12 |       steps: {machin: succeeded, isolate: suceeded}
               |               ^^^^^^
               |
               = help: did you mean `machine`?
               = quell explain PB0301

            w/contain.test.yaml:12:43: error[PB0202]: `suceeded` is none of succeeded,
                    failed, skipped, timed_out, cancelled, denied, refused
               |
            12 |       steps: {machin: succeeded, isolate: suceeded}
               |                                           ^^^^^^^^
               |
               = help: did you mean `succeeded`?
               = quell explain PB0202

            w/contain.test.yaml:13:19: error[PB0301]: the playbook has no step `nobody`
               |
            13 |       stopped_by: nobody
               |                   ^^^^^^
               |
               = quell explain PB0301

            w/contain.test.yaml:14:22: error[PB0501]: there is no action `defender.isolate`
               |
            14 |       calls: [{uses: defender.isolate}]
               |                      ^^^^^^^^^^^^^^^^
               |
               = help: did you mean `defender.isolate-machine`?
               = quell explain PB0501

        "#]],
    );
}

#[test]
fn what_is_not_as_expected_is_shown_beside_what_is() {
    check(
        "version: 1
playbook: contain.yaml
defaults:
  alert: {severity: high, device: {id: d1}}
  mocks:
    defender.get-machine: {output: {id: d1, risk_score: Low}}
tests:
  - name: it is isolated
    expect:
      status: succeeded
      steps: {isolate: succeeded}
      effects: {contain: 1}
      calls: [{uses: defender.isolate-machine, with: {machine_id: d1}}]
  - name: no answer is there
    mocks: {defender.get-machine: {output: {id: d1, risk_score: High}}}
    expect: {triggered: true}
  - name: an alert of another kind
    alert: {severity: low}
    expect: {triggered: true}
",
        expect![[r#"
            w/contain.test.yaml:8:11: FAILED it is isolated
              w/contain.test.yaml:11:24 steps.isolate
                expected                               | actual
                succeeded                              | skipped
              w/contain.test.yaml:12:26 effects.contain
                expected                               | actual
                1                                      | 0
              w/contain.test.yaml:13:15 calls[0]
                expected                               | actual
                at least 1 of defender.isolate-machine | 0 calls
                 with {"machine_id":"d1"}              |
              happened  machine succeeded
                        isolate skipped
                        the run succeeded
            w/contain.test.yaml:14:11: FAILED no answer is there
              w/contain.test.yaml:14:11 mocks
                expected                               | actual
                an answer                              | `defender.isolate-machine` was
                    called,
                                                       |  and `mocks` says nothing about it
              happened  machine succeeded
                        isolate failed: the test has no answer for
                    `defender.isolate-machine` (AC0109)
                        the run failed: the test has no answer for
                    `defender.isolate-machine`
            w/contain.test.yaml:17:11: FAILED an alert of another kind
              w/contain.test.yaml:19:25 triggered
                expected                               | actual
                true                                   | false
              happened  no run began
                        serious: `severity` is `low`, wanted `high`
        "#]],
    );
}

#[test]
fn a_playbook_that_is_not_there_is_named_with_the_one_that_was_meant() {
    check(
        "version: 1
playbook: contane.yaml
tests:
  - name: x
    expect: {status: succeeded}
",
        expect![[r#"
            w/contain.test.yaml:2:11: error[PB0202]: there is no playbook `w/contane.yaml`
              |
            2 | playbook: contane.yaml
              |           ^^^^^^^^^^^^
              |
              = help: did you mean `contain.yaml`?
              = quell explain PB0202

        "#]],
    );
}

#[test]
fn a_test_that_cannot_fail_or_begin_is_refused() {
    check(
        "version: 1
playbook: contain.yaml
tests:
  - {name: x, alert: {severty: high}, expect: {status: succeeded}}
  - {name: x, alert: {}, expect: {}}
  - {name: y, expect: {runs: 0}}
  - {name: z, alert: {}, policy: {limits: 3}, expect: {runs: 0}}
",
        expect![[r#"
            w/contain.test.yaml:4:15: error[PB0402]: this is not an alert: unknown field
                    `severty`, expected one of `id`, `tenant`, `source`, `created_at`,
                    `updated_at`, `title`, `severity`, `category`, `status`,
                    `classification`, `device`, `user`, `file`, `entities`, `raw`
              |
            4 |   - {name: x, alert: {severty: high}, expect: {status: succeeded}}
              |               ^^^^^
              |
              = quell explain PB0402

            w/contain.test.yaml:6:12: warning[PB0801]: `y` is text here, a boolean for
                    other YAML readers
              |
            6 |   - {name: y, expect: {runs: 0}}
              |            ^
              |
              = help: quote it: `'y'`
              = quell explain PB0801

        "#]],
    );
}
