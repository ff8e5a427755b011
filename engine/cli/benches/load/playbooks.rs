//! The playbooks that the engine has loaded.

/// How many playbooks there are where there are many.
pub(crate) const MANY: usize = 100;

/// What every one of them does: the three calls of the baseline.
const STEPS: &str = "
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
";

/// The playbook that every alert starts.
pub(crate) fn one() -> String {
    text("contain", "device.id|exists: true")
}

/// Playbook `number` of many, in four shapes by turns; only those of the first shape ever start.
pub(crate) fn of_many(number: usize) -> String {
    let condition = match number % 4 {
        0 => format!("title|contains: \"{}\"", marker(number)),
        1 => format!("device.name: [srv-{number}, \"srv-{number}.corp.example\"]"),
        2 => format!("entities.command_line|contains|all: [rundll32, \"payload{number}.dll\"]"),
        _ => format!("file.path|startswith: \"D:\\\\builds\\\\{number}\\\\\""),
    };
    text(&format!("contain-{number}"), &condition)
}

/// A title that starts one of the playbooks, another one for each `turn`.
pub(crate) fn title_for(turn: usize) -> String {
    format!(
        "Family {} was seen on a device",
        marker(turn % (MANY / 4) * 4)
    )
}

fn marker(number: usize) -> String {
    format!("marker-{number}-")
}

fn text(name: &str, condition: &str) -> String {
    format!(
        "version: 1
name: {name}
triggers:
  - id: any
    alert:
      source: mde
      match:
        {condition}
{}",
        STEPS.trim_start()
    )
}
