//! Live response sessions and what their commands bring.

use serde_json::{Value, json};

use super::Cx;
use super::body::{Body, Field};
use super::machine_actions;
use super::submissions::{Submission, submit};
use crate::odata::MDE;
use crate::reply::{Refusal, Reply};
use crate::world::Kind;

/// How many sessions may be open in a tenant.
const SESSIONS_MAX: usize = 25;

/// The commands in the order in which they have to stand, with the arguments each takes; the first
/// one is needed.
const COMMANDS: [(&str, &[&str]); 3] = [
    ("PutFile", &["FileName"]),
    ("RunScript", &["ScriptName", "Args"]),
    ("GetFile", &["Path"]),
];

fn incorrect(what: &str) -> Refusal {
    Refusal::body(format!("Request body is incorrect: {what}"))
}

fn argument<'a>(command: &'a Value, key: &str) -> Option<&'a str> {
    let params = command["params"].as_array()?;
    let param = params.iter().find(|param| param["key"] == key)?;
    param["value"].as_str()
}

/// The place of a command in the documented order.
fn check(cx: &Cx<'_>, command: &Value) -> Result<usize, Refusal> {
    let known = COMMANDS
        .iter()
        .position(|(name, _)| command["type"] == *name);
    let Some(rank) = known else {
        return Err(incorrect("the type of a command"));
    };
    let takes = COMMANDS[rank].1;
    let params = command["params"].as_array().map_or(&[][..], Vec::as_slice);
    let fits = params.iter().all(|param| {
        let key = param["key"].as_str().unwrap_or_default();
        takes.contains(&key) && param["value"].is_string()
    });
    if !fits || argument(command, takes[0]).is_none_or(str::is_empty) {
        return Err(incorrect("the params of a command"));
    }
    let needs = argument(command, "FileName").or_else(|| argument(command, "ScriptName"));
    match needs {
        Some(name) if !cx.world.library.iter().any(|file| file["fileName"] == name) => {
            Err(Refusal::not_found("Library file", name))
        }
        _ => Ok(rank),
    }
}

pub(super) fn run(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let fields = [Field::required("Comment"), Field::required("Commands")];
    let body = Body::read(cx.body, &fields)?;
    let commands = body.get("Commands").and_then(Value::as_array);
    let commands = commands.filter(|list| !list.is_empty());
    let commands = commands.ok_or_else(|| incorrect("Commands"))?.clone();
    let ranks = commands
        .iter()
        .map(|command| check(cx, command))
        .collect::<Result<Vec<_>, _>>()?;
    if !ranks.is_sorted() {
        return Err(incorrect("the order of the commands"));
    }
    let (now, pace) = (cx.now_ms, cx.world.pace);
    let open = cx.world.actions.iter();
    let open = open.filter(|action| action.kind == Kind::LiveResponse && action.is_open(now, pace));
    if open.count() >= SESSIONS_MAX {
        let message = "Too many sessions are open";
        return Err(Refusal::new(429, "TooManyRequests", message));
    }
    let submission = Submission {
        commands,
        ..Submission::plain(Kind::LiveResponse)
    };
    submit(cx, &body, submission)
}

/// The link to what a command brought, once the session has succeeded.
pub(super) fn result(cx: &mut Cx<'_>) -> Result<Reply, Refusal> {
    let action = machine_actions::named(cx)?;
    let index = cx.value(1).parse::<usize>().unwrap_or(usize::MAX);
    let command = action.commands.get(index);
    let ready = action.succeeded(cx.now_ms, cx.world.pace);
    match command {
        Some(command) if ready && command["type"] != "PutFile" => {
            let link = format!("{}/emulator/results/{}/{index}", cx.base_url, action.id);
            let context = format!("{MDE}/$metadata#Edm.String");
            Ok(Reply::ok(
                json!({ "@odata.context": context, "value": link }),
            ))
        }
        _ => Err(Refusal::not_found("Result", cx.value(1))),
    }
}

/// What a command brought: a transcript, or the bytes of a file.
pub(crate) fn brought(command: &Value) -> Result<Value, Vec<u8>> {
    let args = argument(command, "Args").unwrap_or_default();
    match argument(command, "ScriptName") {
        Some(script) => Ok(json!({
            "script_name": script,
            "exit_code": 0,
            "script_output": format!("{script} ran with {args:?}"),
            "script_errors": "",
        })),
        None => Err(argument(command, "Path")
            .unwrap_or_default()
            .as_bytes()
            .to_vec()),
    }
}
