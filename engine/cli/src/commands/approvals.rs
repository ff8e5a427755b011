//! `quell approvals`, `quell approve`, `quell deny`.

use engine_driver::{AskedFilter, short_digest};
use engine_run::{Decision, Question};
use serde_json::{Value, json};

use super::run::pairs;
use super::runs::print_json;
use crate::args::{AnswerArgs, Format, PeopleCommand};
use crate::client::{AskedOfMe, Client, run_id};
use crate::exit::{Fault, Kind};
use crate::plain::Plain;

pub(super) async fn people(command: PeopleCommand) -> Result<(), Fault> {
    match command {
        PeopleCommand::Approvals {
            run,
            mine,
            limit,
            place,
        } => {
            let filter = AskedFilter {
                run: run.as_deref().map(run_id).transpose()?,
                before: None,
                limit,
            };
            let mut page = Client::find(&place).await?.approvals(&filter).await?;
            page.items.retain(|one| !mine || one.objection.is_none());
            match place.format {
                Format::Json => print_json(&page),
                Format::Human if page.items.is_empty() => println!("nothing waits for people"),
                Format::Human => page.items.iter().for_each(print_asked),
            }
            Ok(())
        }
        PeopleCommand::Approve(args) => answer(&args, Decision::Approve).await,
        PeopleCommand::Deny(args) => answer(&args, Decision::Deny).await,
    }
}

async fn answer(args: &AnswerArgs, decision: Decision) -> Result<(), Fault> {
    let client = Client::find(&args.place).await?;
    let filter = AskedFilter {
        run: Some(run_id(&args.run)?),
        before: None,
        limit: 1,
    };
    let open = client.approvals(&filter).await?.items;
    let Some(one) = open.iter().find(|one| one.asked.question.step == args.step) else {
        let steps: Vec<&str> = open
            .iter()
            .map(|one| one.asked.question.step.as_str())
            .collect();
        let message = match steps.as_slice() {
            [] => "nothing of this run waits for people".to_owned(),
            steps => format!("open are: {}", steps.join(", ")),
        };
        let code = engine_model::code::SV0201;
        return Err(Fault::of_code(code.as_str(), message));
    };
    let question = &one.asked.question;
    if let Some(seen) = &args.digest
        && !is_seen(question, seen)
    {
        let message = "something else is asked by now; look at `quell approvals`";
        let code = engine_model::code::SV0201;
        return Err(Fault::of_code(code.as_str(), message));
    }
    let mut body = json!({ "comment": args.comment });
    if !args.form.is_empty() {
        body["form"] = Value::Object(pairs("--form", &args.form)?);
    }
    if args.place.format == Format::Human {
        print_asked(one);
    }
    let tally = client
        .answer((&one.asked.run, &question.digest), decision, &body)
        .await?;
    match (args.place.format, tally.decided) {
        (Format::Json, _) => print_json(&tally),
        (Format::Human, Some(Decision::Approve)) => println!("approved; the run goes on"),
        (Format::Human, Some(Decision::Deny)) => println!("denied; it is not done"),
        (Format::Human, None) => println!("{} of {} agreed", tally.agreed, tally.quorum),
    }
    Ok(())
}

/// At least the eight characters that nobody types by chance.
fn is_seen(question: &Question, seen: &str) -> bool {
    let seen = seen.trim_start_matches("sha256:");
    let hex = question.digest.as_str().trim_start_matches("sha256:");
    seen.len() >= 8 && hex.starts_with(seen)
}

fn print_asked(one: &AskedOfMe) {
    let (asked, question) = (&one.asked, &one.asked.question);
    println!("{}  {}", asked.run, Plain(&question.step));
    println!("  asked    {}", Plain(&question.ask.message));
    let shown = &question.shown;
    if let Some(target) = shown.get("target") {
        let text = |key: &str| target.get(key).and_then(Value::as_str).unwrap_or("?");
        let (entity, name, id) = (text("entity"), text("name"), text("id"));
        println!(
            "  target   {} {} ({})",
            Plain(entity),
            Plain(name),
            Plain(id)
        );
    }
    if let Some(parameters) = shown.get("parameters") {
        println!("  with     {}", Plain(parameters));
    }
    println!("  playbook {}, by {}", asked.playbook, Plain(&asked.cause));
    println!("  until    {}", question.until);
    let agreed = asked.agreed();
    let names = match agreed.as_slice() {
        [] => String::new(),
        names => format!(": {}", Plain(names.join(", "))),
    };
    println!(
        "  agreed   {} of {}{names}",
        agreed.len(),
        question.ask.quorum
    );
    if let Some(form) = &question.ask.form {
        let fields = form.get("properties").and_then(Value::as_object);
        let names: Vec<&str> = fields
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        println!("  form     {}", Plain(names.join(", ")));
    }
    println!("  digest   {}", short_digest(&question.digest));
    if let Some(why) = &one.objection {
        println!("  not you  {}", Plain(why));
    }
}

/// The fault of a run that waits for people, while nobody waits for it.
pub(super) fn waiting(asked: &[engine_driver::Asked]) -> Fault {
    let mut fault = Fault::new(Kind::Waiting, "the run waits for people");
    for one in asked {
        let (run, step) = (&one.run, Plain(&one.question.step));
        fault = fault.with_hint(format!(
            "{}: {run} {step}",
            Plain(&one.question.ask.message)
        ));
    }
    fault.with_hint("it goes on when an engine serves this folder and somebody answers")
}
