//! Live response: commands on a device, and what they brought.

use std::collections::BTreeSet;

use actions_contract::{
    ActionError, Call, Effect, Endpoint, Next, Operation, Permissions, Rate, Request, Response,
    read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::action_results::GetLiveResponseResult;
use crate::downloads::fetch;
use crate::entities::{Link, MachineAction};
use crate::follow::Submission;
use crate::{LOOK, SEE_MACHINES, SUBMISSION, given, misfit, read_link};

/// What a command of live response does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum CommandType {
    /// Puts a file of the library on the device; takes `FileName`.
    PutFile,
    /// Runs a script of the library, 10 minutes at the most; takes `ScriptName` and `Args`.
    RunScript,
    /// Fetches a file from the device; takes `Path`.
    GetFile,
}

/// The name of an argument of a command.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum CommandKey {
    /// The file to put on the device.
    FileName,
    /// The script to run.
    ScriptName,
    /// The arguments of the script, in one text.
    Args,
    /// The file to fetch.
    Path,
}

/// An argument of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandParam {
    /// Its name.
    pub key: CommandKey,
    /// Its value.
    pub value: String,
}

/// A command of live response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// What it does.
    #[serde(rename = "type")]
    pub kind: CommandType,
    /// Its arguments.
    pub params: Vec<CommandParam>,
}

impl Command {
    fn check(&self) -> Result<(), ActionError> {
        let (needed, allowed): (CommandKey, &[CommandKey]) = match self.kind {
            CommandType::PutFile => (CommandKey::FileName, &[CommandKey::FileName]),
            CommandType::RunScript => (
                CommandKey::ScriptName,
                &[CommandKey::ScriptName, CommandKey::Args],
            ),
            CommandType::GetFile => (CommandKey::Path, &[CommandKey::Path]),
        };
        let keys: BTreeSet<CommandKey> = self.params.iter().map(|param| param.key).collect();
        let is_whole = keys.contains(&needed)
            && keys.len() == self.params.len()
            && keys.iter().all(|key| allowed.contains(key));
        if !is_whole {
            let kind = self.kind;
            return Err(misfit(format!(
                "a `{kind:?}` takes {allowed:?}, each once, and needs {needed:?}"
            )));
        }
        Ok(())
    }
}

/// Runs commands on a device, one after another.
///
/// Followed until all of them have run; `defender.get-live-response-output` reads what a script
/// said and `defender.download-live-response-result` fetches a file. The first command that fails
/// ends the session. A script can do anything, and nothing takes it back: to guard rails this is
/// the effect `destroy`. Waits up to 3 days for a device that is offline. One session on a device
/// at a time, 25 in the tenant, 10 begun in a minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunLiveResponse {
    /// The id of the device.
    #[schemars(length(min = 1), extend("x-entity" = "device"))]
    pub machine_id: String,
    /// Why; the engine adds a mark of its own.
    #[schemars(length(min = 1))]
    pub comment: String,
    /// The commands: first those that put files, then scripts, then those that fetch files.
    #[schemars(length(min = 1))]
    pub commands: Vec<Command>,
}

impl Submission for RunLiveResponse {
    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.run-live-response",
        title: "Run commands on a device",
        path: "/api/machines/{id}/runliveresponse",
        effect: Effect::Destroy,
        permissions: Permissions {
            application: &["Machine.LiveResponse"],
            delegated: &["Machine.LiveResponse"],
        },
        rate: Rate {
            per_minute: Some(10),
            per_hour: None,
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/run-live-response",
        ..SUBMISSION
    };

    const KIND: &'static str = "LiveResponse";

    fn machine_id(&self) -> &str {
        &self.machine_id
    }

    fn comment(&self) -> &str {
        &self.comment
    }

    fn check(&self) -> Result<(), ActionError> {
        if self.commands.is_empty() {
            return Err(misfit("`commands` is empty"));
        }
        if !self.commands.is_sorted_by_key(|command| command.kind) {
            return Err(misfit(
                "`commands` have to stand in the order PutFile, RunScript, GetFile",
            ));
        }
        self.commands.iter().try_for_each(Command::check)
    }

    fn body(&self, comment: &str) -> Value {
        json!({ "Comment": comment, "Commands": self.commands })
    }

    fn example() -> Self {
        let param = |key, value: &str| CommandParam {
            key,
            value: value.to_owned(),
        };
        Self {
            machine_id: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
            comment: "Testing Live Response API".to_owned(),
            commands: vec![
                Command {
                    kind: CommandType::RunScript,
                    params: vec![
                        param(CommandKey::ScriptName, "minidump.ps1"),
                        param(CommandKey::Args, "OfficeClickToRun"),
                    ],
                },
                Command {
                    kind: CommandType::GetFile,
                    params: vec![param(
                        CommandKey::Path,
                        r"C:\windows\TEMP\OfficeClickToRun.dmp.zip",
                    )],
                },
            ],
        }
    }

    fn example_output() -> MachineAction {
        read::example(include_str!("../fixtures/run-live-response.response.json"))
    }
}

/// What a script said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptOutput {
    /// The script.
    pub script_name: Option<String>,
    /// How it ended; 0 when all went well.
    pub exit_code: Option<i64>,
    /// What it wrote.
    pub script_output: Option<String>,
    /// What it wrote as errors.
    pub script_errors: Option<String>,
    /// What the service sent beyond its documentation.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub extra: serde_json::Map<String, Value>,
}

/// Reads what a script of a live response session said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetLiveResponseOutput {
    /// The id of the session: `id` in the output of `defender.run-live-response`.
    #[schemars(length(min = 1))]
    pub machine_action_id: String,
    /// The place of the command among those of the session, from 0.
    pub command_index: u32,
}

impl Operation for GetLiveResponseOutput {
    type Output = ScriptOutput;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.get-live-response-output",
        title: "Read what a script said",
        path: "/api/machineactions/{id}/GetLiveResponseResultDownloadLink(index={command_index})",
        permissions: Permissions {
            application: SEE_MACHINES.application,
            delegated: &["Machine.LiveResponse"],
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/get-live-response-result",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_action_id: "988cc94e-7a8f-4b28-ab65-54970c5d5018".to_owned(),
            command_index: 0,
        }
    }

    fn example_output() -> ScriptOutput {
        read::example(include_str!("../fixtures/live-response-transcript.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let action = given("machine_action_id", &self.machine_action_id)?;
        let index = self.command_index.to_string();
        Ok(GetLiveResponseResult::ENDPOINT.request(&[action, &index]))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<ScriptOutput>,
    ) -> Result<Next<ScriptOutput>, ActionError> {
        if so_far.is_some() {
            return read::entity(response).map(Next::Done);
        }
        let link: Link = read::entity(response)?;
        Ok(Next::More {
            request: fetch(Self::ENDPOINT.id, read_link(&link.value), None),
            so_far: ScriptOutput {
                script_name: None,
                exit_code: None,
                script_output: None,
                script_errors: None,
                extra: serde_json::Map::new(),
            },
        })
    }
}
