//! Alerts to post: the emulator's own, each with an id and a device of its own.

use std::sync::atomic::{AtomicUsize, Ordering};

use actions_emulator::Emulator;
use serde_json::json;

use crate::{playbooks, support};

/// One in so many alerts of a flood matches a playbook.
pub(crate) const MATCHING: usize = 100;

/// An alert, ready to be posted.
pub(crate) struct Alert {
    pub(crate) machine: String,
    pub(crate) body: String,
}

/// Makes alerts, none twice.
pub(crate) struct Alerts {
    text: String,
    machines: Vec<String>,
    next: AtomicUsize,
}

impl Alerts {
    pub(crate) fn new(emulator: &Emulator) -> Self {
        let mut alert = support::alert_for(emulator, "@machine@", "@id@");
        alert["title"] = json!("@title@");
        Self {
            text: alert.to_string(),
            machines: support::machines(emulator),
            next: AtomicUsize::new(0),
        }
    }

    /// Roughly how large one is.
    pub(crate) const fn size_bytes(&self) -> usize {
        self.text.len()
    }

    /// An alert that starts a run.
    pub(crate) fn matching(&self) -> Alert {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.alert(number, &playbooks::title_for(number / MATCHING))
    }

    /// An alert of a flood, and whether it starts a run: one in [`MATCHING`] does.
    pub(crate) fn mixed(&self) -> (Alert, bool) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(MATCHING) {
            let title = playbooks::title_for(number / MATCHING);
            return (self.alert(number, &title), true);
        }
        (self.alert(number, "A port was scanned from inside"), false)
    }

    fn alert(&self, number: usize, title: &str) -> Alert {
        let machine = self.machines[number % self.machines.len()].clone();
        let body = self
            .text
            .replace("@id@", &format!("load-{number}"))
            .replace("@machine@", &machine)
            .replace("@title@", title);
        Alert { machine, body }
    }
}
