//! The guide to tests: what it shows is valid, and its first test passes.

use crate::{shown, suite};

const PLAYBOOK: &str = "version: 1
name: guide
triggers: [{id: serious, alert: {source: mde, match: {severity: high}}}]
steps:
  - {id: machine, uses: defender.get-machine, with: {machine_id: '${{ alert.device.id }}'}}
  - id: ask
    if: \"'server' in steps.machine.output.machine_tags\"
    approve: {message: Isolate it?, approvers: {roles: [soc-lead]}}
  - id: isolate
    uses: defender.isolate-machine
    with: {machine_id: '${{ alert.device.id }}', isolation_type: Full, comment: x}
";

#[test]
fn every_snippet_of_the_guide_is_valid_and_its_first_test_passes() {
    let guide = include_str!("../../../../docs/testing.md");
    let snippets = guide.split("```yaml\n").skip(1);
    let snippets: Vec<&str> = snippets
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(snippets.len() >= 3, "the snippets of the guide are gone");
    for snippet in snippets {
        let whole = snippet.contains("\ntests:");
        let tests = if whole {
            snippet.to_owned()
        } else {
            let inner = snippet.replace('\n', "\n  ");
            format!(
                "version: 1\nplaybook: guide.yaml\ndefaults:\n  {inner}\ntests:\n  \
                 - {{name: a, alert: {{severity: low}}, expect: {{triggered: false}}}}\n"
            )
        };
        let (suite, broken) = suite(
            vec![("guide.test.yaml".to_owned(), tests)],
            vec![("guide.yaml".to_owned(), PLAYBOOK.to_owned())],
        );
        assert!(broken.is_empty(), "{}", shown(&broken));
        for result in suite.run(1, &|_| {}) {
            assert!(result.passed(), "{}", result.human());
        }
    }
}
