//! Notes in the timeline of a run.

use actions_contract::{ActionError, Call, Effect, ErrorKind, Idempotency, Response};
use engine_model::{Timestamp, code};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::builtin::misfit;
use crate::{Builtin, Facts, Start};

/// Writes a note into the timeline of the run.
///
/// Nothing leaves the engine. The note is what people read first when they look back at a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddNote {
    /// The note.
    #[schemars(length(min = 1), extend("x-language" = "markdown"))]
    pub text: String,
}

/// A note that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The note.
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
}

impl Builtin for AddNote {
    type Output = Note;

    const FACTS: Facts = Facts {
        id: "note.add",
        title: "Write a note into the timeline",
        effect: Effect::Annotate,
        idempotency: Idempotency::Natural,
    };

    fn example() -> Self {
        Self {
            text: "The device belongs to the **test lab**; no isolation needed.".to_owned(),
        }
    }

    fn example_output() -> Note {
        Note {
            text: Self::example().text,
            at: Timestamp::from_ms(1_792_843_200_000),
        }
    }

    fn start(&self, call: &Call) -> Result<Start<Note>, ActionError> {
        if self.text.trim().is_empty() {
            return Err(misfit("`text` is empty"));
        }
        Ok(Start::Done(Note {
            text: self.text.clone(),
            at: call.now,
        }))
    }

    fn answered(&self, _: &Response) -> Result<Note, ActionError> {
        let message = "a note asks nobody and expects no answer";
        Err(ActionError::permanent(
            ErrorKind::Unsupported,
            code::AC0103,
            message,
        ))
    }
}
