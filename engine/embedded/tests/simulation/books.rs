//! The playbooks and policies of the simulation.

use std::sync::{Arc, LazyLock};

use actions_contract::{Action, OperationAction};
use actions_defender::Followed;
use actions_defender::machine_actions::{IsolateMachine, UnisolateMachine};
use actions_defender::machines::GetMachine;
use actions_defender::responses::{RemoveAppRestriction, RestrictAppExecution};
use engine_driver::guard::Policy;
use engine_driver::{PlaybookText, Playbooks};
use engine_model::Millis;

/// What a playbook of the simulation promises.
pub(crate) struct Book {
    pub(crate) name: &'static str,
    pub(crate) timeout: Millis,
    /// Whether it cleans up, for which it has time beyond its deadline.
    pub(crate) cleans_up: bool,
    text: &'static str,
}

const fn book(name: &'static str, minutes: u64, cleans_up: bool, text: &'static str) -> Book {
    Book {
        name,
        timeout: Millis::from_secs(minutes * 60),
        cleans_up,
        text,
    }
}

/// Playbooks that a person starts with a device.
pub(crate) const BY_HAND: [&str; 9] = [
    "one", "several", "nested", "beside", "later", "breaks", "undoes", "turns", "looks",
];

pub(crate) const BOOKS: [Book; 11] = [
    book(
        "contain",
        15,
        false,
        "
triggers:
  - {id: a, alert: {source: api, match: {severity: high, device.id|exists: true}}}
steps:
  - id: isolate
    uses: defender.isolate-machine
    release: {after: 4m}
    with: {machine_id: '${{ alert.device.id }}', isolation_type: Full, comment: c}
",
    ),
    book(
        "restrict",
        12,
        false,
        "
triggers:
  - id: a
    alert:
      source: api
      on: [created, updated]
      match: {severity: high, device.id|exists: true}
steps:
  - {id: look, uses: defender.get-machine, with: {machine_id: '${{ alert.device.id }}'}}
  - id: restrict
    uses: defender.restrict-app-execution
    release: {after: 3m}
    with: {machine_id: '${{ steps.look.output.id }}', comment: c}
",
    ),
    book(
        "one",
        10,
        false,
        "
inputs: {device: {type: string, required: true}}
steps:
  - id: isolate
    uses: defender.isolate-machine
    retry: {max_attempts: 3, delay: 2s}
    release: {after: 3m}
    with: {machine_id: '${{ inputs.device }}', isolation_type: Full, comment: c}
",
    ),
    book(
        "several",
        10,
        false,
        "
inputs: {device: {type: string, required: true}}
steps:
  - id: each
    for_each:
      in: '${{ [\"pc1\", \"pc2\", \"pc3\", \"web1\", inputs.device] }}'
      as: n
      concurrency: 2
      on_item_error: continue
    uses: defender.isolate-machine
    release: {after: 2m}
    with: {machine_id: '${{ n }}', isolation_type: Full, comment: c}
",
    ),
    book(
        "nested",
        14,
        false,
        "
inputs: {device: {type: string, required: true}}
steps:
  - {id: other, playbook: one, with: {device: '${{ inputs.device }}'}}
  - {id: more, playbook: undoes, wait: false, with: {device: pc2}}
",
    ),
    book(
        "beside",
        10,
        false,
        "
inputs: {device: {type: string, required: true}}
steps:
  - id: both
    parallel:
      - id: isolate
        uses: defender.isolate-machine
        release: {after: 4m}
        with: {machine_id: '${{ inputs.device }}', isolation_type: Full, comment: c}
      - id: restrict
        uses: defender.restrict-app-execution
        release: {after: 2m}
        with: {machine_id: '${{ inputs.device }}', comment: c}
",
    ),
    book(
        "later",
        8,
        false,
        "
inputs: {device: {type: string, required: true}}
steps:
  - {id: wait, wait: {for: 90s}}
  - id: isolate
    uses: defender.isolate-machine
    release: {after: 3m}
    with: {machine_id: '${{ inputs.device }}', isolation_type: Full, comment: c}
  - {id: again, wait: {for: 1m}}
  - id: end
    uses: defender.unisolate-machine
    with: {machine_id: '${{ inputs.device }}', comment: c}
",
    ),
    book(
        "breaks",
        6,
        true,
        "
inputs: {device: {type: string, required: true}}
steps:
  - id: isolate
    uses: defender.isolate-machine
    release: {after: 3m}
    with: {machine_id: '${{ inputs.device }}', isolation_type: Full, comment: c}
  - id: look
    uses: defender.get-machine
    with: {machine_id: '00000000000000000000000000000000000000ff'}
finally:
  - id: last
    uses: defender.get-machine
    with: {machine_id: '00000000000000000000000000000000000000a0'}
",
    ),
    book(
        "undoes",
        10,
        false,
        "
inputs: {device: {type: string, required: true}}
steps:
  - id: isolate
    uses: defender.isolate-machine
    release: {after: 5m}
    with: {machine_id: '${{ inputs.device }}', isolation_type: Full, comment: c}
  - id: end
    uses: defender.unisolate-machine
    with: {machine_id: '${{ inputs.device }}', comment: c}
",
    ),
    book(
        "turns",
        10,
        false,
        "
inputs: {device: {type: string, required: true}}
concurrency: {key: all, limit: 1, on_conflict: cancel_running}
steps:
  - {id: wait, wait: {for: 20s}}
  - id: restrict
    uses: defender.restrict-app-execution
    release: {after: 3m}
    with: {machine_id: '${{ inputs.device }}', comment: c}
  - {id: again, wait: {for: 2m}}
",
    ),
    book(
        "looks",
        5,
        false,
        "
inputs: {device: {type: string, required: true}}
steps:
  - id: look
    uses: defender.get-machine
    with: {machine_id: '00000000000000000000000000000000000000a1'}
    until: \"'never' in output.machine_tags\"
    every: 20s
    on_error: continue
  - {id: wait, wait: {for: 30s}}
",
    ),
];

impl Book {
    fn file(&self) -> PlaybookText {
        let minutes = self.timeout.as_ms() / 60_000;
        let (name, text) = (self.name, self.text);
        PlaybookText {
            path: format!("{name}.yaml"),
            text: format!("version: 1\nname: {name}\ntimeout: {minutes}m{text}"),
        }
    }
}

/// The operations that the playbooks use.
pub(crate) fn operations() -> Vec<OperationAction> {
    vec![
        OperationAction::of::<Followed<IsolateMachine>>(),
        OperationAction::of::<Followed<UnisolateMachine>>(),
        OperationAction::of::<Followed<RestrictAppExecution>>(),
        OperationAction::of::<Followed<RemoveAppRestriction>>(),
        OperationAction::of::<GetMachine>(),
    ]
}

fn load(books: &[Book]) -> Arc<Playbooks> {
    let infos = operations();
    let infos = infos.iter().map(|action| Arc::new(action.info().clone()));
    let playbooks = Playbooks::new(infos.collect());
    let refused = playbooks.load(books.iter().map(Book::file).collect());
    assert!(refused.is_empty(), "{refused:#?}");
    Arc::new(playbooks)
}

static ALL: LazyLock<Arc<Playbooks>> = LazyLock::new(|| load(&BOOKS));
/// Some were deleted.
static FEWER: LazyLock<Arc<Playbooks>> = LazyLock::new(|| load(&BOOKS[2..5]));

/// The playbooks, all of them or only a few.
pub(crate) fn playbooks(all: bool) -> Arc<Playbooks> {
    Arc::clone(if all { &ALL } else { &FEWER })
}

/// The most that may be contained in [`LIMIT_PER`] where a policy says so.
pub(crate) const LIMIT_MAX: usize = 3;
pub(crate) const LIMIT_PER: Millis = Millis::from_secs(600);

/// A policy of the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    Limits,
    Approval,
    Both,
}

const NEVER: &str = "
version: 1
roles: {controller: [{name_glob: 'dc*'}]}
never: [{device: {role: controller}}, {device: {tag: crown}}]
";
const LIMITS: &str = "limits: [{effect: contain, max: 3, per: 10m, scope: tenant}]\n";
const APPROVAL: &str = "
approval: [{effect: contain, when: \"'server' in target.tags\", roles: [lead], timeout: 5m}]
";

static POLICIES: LazyLock<[Arc<Policy>; 3]> = LazyLock::new(|| {
    let texts = [
        format!("{NEVER}{LIMITS}"),
        format!("{NEVER}{APPROVAL}"),
        format!("{NEVER}{LIMITS}max_targets: 4\n{APPROVAL}"),
    ];
    texts.map(|text| Arc::new(Policy::read(&text, None).unwrap()))
});

impl Rules {
    pub(crate) const ALL: [Self; 3] = [Self::Limits, Self::Approval, Self::Both];

    pub(crate) fn policy(self) -> Arc<Policy> {
        Arc::clone(&POLICIES[self as usize])
    }

    pub(crate) const fn limits(self) -> bool {
        matches!(self, Self::Limits | Self::Both)
    }

    pub(crate) const fn asks(self) -> bool {
        matches!(self, Self::Approval | Self::Both)
    }
}
