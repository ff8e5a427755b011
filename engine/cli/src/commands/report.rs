//! What a dry run would have done: the last thing it prints.

use engine_driver::guard::{AuditEntry, AuditKind, EffectFilter};
use engine_driver::{Engine, RunDocument};
use engine_model::code;
use engine_run::StepStatus;
use serde_json::{Value, json};

use crate::args::Format;
use crate::exit::Fault;
use crate::plain::Plain;

/// Entries of the audit log that are read at once.
const PAGE: usize = 1000;

/// Prints what would have happened, what was refused, and where context encoding is off.
pub(super) async fn report(
    engine: &dyn Engine,
    document: &RunDocument,
    raw: &[String],
    format: Format,
) -> Result<(), Fault> {
    let run = document.summary.id.to_string();
    let filter = EffectFilter {
        all: true,
        dry: true,
        limit: PAGE,
        ..EffectFilter::default()
    };
    let mut contained = engine.effects(&filter).await?;
    contained.retain(|row| row.run == document.summary.id);
    contained.reverse();
    let said = said(engine, &run).await?;
    let would: Vec<Value> = document
        .view
        .steps
        .iter()
        .filter(|step| step.status == StepStatus::Simulated)
        .map(|step| {
            let effect = contained.iter().find(|row| row.step == step.label);
            json!({
                "step": step.label,
                "action": step.action,
                "target": effect.map(|row| &row.target),
                "label": effect.map(|row| &row.label),
            })
        })
        .collect();
    match format {
        Format::Json => println!(
            "{}",
            json!({ "event": "dry_run", "would": would, "rules": said, "raw": raw })
        ),
        Format::Human => print(&would, &said, raw),
    }
    Ok(())
}

fn print_step(step: &Value) {
    let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let label = text("label");
    let on = if label.is_empty() {
        String::new()
    } else {
        format!(" on {label}")
    };
    println!("  {} {}{}", Plain(text("step")), text("action"), Plain(on));
}

/// What rules said about the run.
async fn said(engine: &dyn Engine, run: &str) -> Result<Vec<AuditEntry>, Fault> {
    let mut said = Vec::new();
    let mut after = 0;
    loop {
        let rows = engine.audit(after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        let of_run = |row: &engine_driver::guard::AuditRow| {
            let kinds = [AuditKind::Refused, AuditKind::Held];
            row.entry.run.as_deref() == Some(run) && kinds.contains(&row.entry.kind)
        };
        said.extend(rows.into_iter().filter(of_run).map(|row| row.entry));
    }
    Ok(said)
}

fn print(would: &[Value], said: &[AuditEntry], raw: &[String]) {
    println!("would have done:");
    would.iter().for_each(print_step);
    for entry in said {
        let text = |key: &str| entry.what[key].as_str().unwrap_or_default().to_owned();
        match entry.kind {
            AuditKind::Held => println!("  people would be asked by {}", text("rule")),
            _ => println!(
                "  refused {}: {} ({})",
                Plain(text("step")),
                Plain(text("message")),
                text("code")
            ),
        }
    }
    for place in raw {
        println!("  {}: {place}", code::PB0804);
    }
}
