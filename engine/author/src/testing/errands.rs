//! What a run waits for beside actions: people, alerts, other runs, its turn.

use std::sync::Arc;

use engine_model::{Millis, PlaybookName};
use engine_run::{Await, Cid, Enter, Question, StartChild, Wants};
use serde_json::{Value, json};

use super::names::last_part;
use super::syntax::{Approval, RunWord};
use super::turns::Turn;
use super::world::World;
use engine_trigger::AlertView;

/// How long people and other runs take where the test does not say.
const MINUTE: Millis = Millis::from_secs(60);

impl World {
    pub(super) fn wait_for(&mut self, run: usize, wait: &Await) {
        self.runs[run].awaits.insert(wait.cid.0, wait.name.clone());
        match &wait.wants {
            Wants::Answers { question } => self.ask((run, wait.cid), question),
            Wants::Alert { id, now: true } => {
                let newest = self.revisions.iter().rev().find(|alert| alert.id == *id);
                if let Some(alert) = newest {
                    let value = (**AlertView::new(alert).value()).clone();
                    self.signal((run, wait.cid), self.now, "intake", value);
                }
            }
            Wants::Alert { .. } | Wants::Webhook => {}
        }
    }

    /// People answer as the test says; whoever it does not name says nothing.
    fn ask(&mut self, place: (usize, Cid), question: &Question) {
        let shown = json!({
            "message": question.ask.message,
            "roles": question.ask.approvers.roles,
            "users": question.ask.approvers.users,
            "quorum": question.ask.quorum,
        });
        self.asked.insert(question.step.clone(), shown);
        let approvals = &self.situation.approvals;
        let label = question.step.as_str();
        let answers = approvals
            .get(label)
            .or_else(|| approvals.get(last_part(label)));
        let answers: Vec<Approval> = answers
            .into_iter()
            .flat_map(|all| all.iter().cloned())
            .collect();
        for (number, answer) in answers.iter().enumerate() {
            let at = question.asked_at.plus(answer.after.unwrap_or(MINUTE));
            // The question is put again when others may answer too; what was said is said.
            if at < self.now {
                continue;
            }
            let by = answer.by.clone().unwrap_or_else(|| usual(question, number));
            let roles = answer
                .roles
                .as_ref()
                .unwrap_or(&question.ask.approvers.roles);
            let mut value = json!({
                "decision": answer.decision.decision(),
                "digest": question.digest,
                "roles": roles,
            });
            for (key, said) in [
                ("comment", answer.comment.clone().map(Value::String)),
                ("form", answer.form.clone()),
            ] {
                if let Some(said) = said {
                    value[key] = said;
                }
            }
            self.signal(place, at, &by, value);
        }
    }

    /// Everybody who waits for a revision of this alert gets it.
    pub(super) fn offer(&mut self, id: &str, alert: &Arc<Value>) {
        let name = format!("alert/{id}");
        let mut waiting = Vec::new();
        for (run, live) in self.runs.iter().enumerate() {
            let of_name = live.awaits.iter().filter(|(_, waits)| **waits == name);
            waiting.extend(of_name.map(|(cid, _)| (run, Cid(*cid))));
        }
        for place in waiting {
            self.signal(place, self.now, "intake", (**alert).clone());
        }
    }

    /// A run calls another playbook: the test says how that ends, else it is run.
    pub(super) fn call(&mut self, run: usize, child: &StartChild) {
        let name = child.playbook.as_str();
        if let Some(Some(ends)) = self.situation.playbooks.get(name) {
            let ends: Vec<_> = ends.iter().cloned().collect();
            let used = self.children.entry(name.to_owned()).or_default();
            let end = ends.get(*used).or(ends.last()).cloned().unwrap_or_default();
            *used += 1;
            let status = end.status.unwrap_or(RunWord::Succeeded).status();
            let value = json!({
                "run": child.run,
                "status": status,
                "outputs": end.outputs.unwrap_or_default(),
                "error": end.message.map(|message| json!({
                    "kind": "internal", "message": message,
                })),
            });
            let at = self.now.plus(end.after.unwrap_or(MINUTE));
            if child.wait {
                self.signal((run, child.cid), at, child.run.as_str(), value);
            }
            return;
        }
        match self.call_real(run, child, &child.playbook) {
            Some(number) if child.wait => self.runs[number].parent = Some((run, child.cid)),
            Some(_) => {}
            None if child.wait => {
                let why = self.not_started.last().cloned().unwrap_or_default();
                let value = json!({
                    "status": "failed",
                    "error": { "kind": "invalid_input", "message": why },
                });
                self.signal((run, child.cid), self.now, "engine", value);
            }
            None => {}
        }
    }

    fn call_real(&mut self, run: usize, child: &StartChild, name: &PlaybookName) -> Option<usize> {
        let Some(plan) = self.beside.get(name).cloned() else {
            self.not_started
                .push(format!("there is no playbook `{name}` beside this one"));
            return None;
        };
        let origin = &self.runs[run].origin;
        let (tenant, id) = (origin.tenant.clone(), origin.run.clone());
        let call = engine_trigger::Call {
            tenant: &tenant,
            run: &id,
            command: child.cid.0,
            depth: child.depth,
            inputs: child.inputs.clone(),
        };
        let start = engine_trigger::start_by_run(&plan, call);
        self.start(&plan, start, None)
    }

    pub(super) fn stop_child(&mut self, run: usize, cid: Cid) {
        let called = |live: &super::world::Live| live.parent == Some((run, cid));
        match self.runs.iter().position(called) {
            Some(child) => {
                let by = self.runs[run].origin.run.to_string();
                self.cancel(child, &by);
            }
            None => {
                let value = json!({ "status": "cancelled" });
                self.signal((run, cid), self.now, "engine", value);
            }
        }
    }

    pub(super) fn enter(&mut self, run: usize, enter: &Enter) {
        let playbook = self.runs[run].origin.playbook.to_string();
        let name = format!("turn/{}", enter.cid.0);
        self.runs[run].awaits.insert(enter.cid.0, name);
        let place = (run, enter.cid);
        match self.turns.enter(run, &playbook, enter) {
            Turn::Now => self.signal(place, self.now, "concurrency", json!({})),
            Turn::Later => {}
            Turn::Never(why) => {
                let value = json!({ "refused": why });
                self.signal(place, self.now, "concurrency", value);
            }
            Turn::After(others) => {
                let by = self.runs[run].origin.run.to_string();
                for other in others {
                    self.cancel(other, &by);
                }
            }
        }
    }
}

/// Who answers where the test does not say.
fn usual(question: &Question, number: usize) -> String {
    let approvers = &question.ask.approvers;
    match approvers.users.get(number) {
        Some(user) if approvers.roles.is_empty() => user.clone(),
        _ if number == 0 => "approver".to_owned(),
        _ => format!("approver-{}", number + 1),
    }
}
