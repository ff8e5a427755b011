//! What a step came to.

use actions_contract::ErrorKind;
use serde_json::Value;

use crate::cx::{End, RunError};
use crate::{RunStatus, StepStatus};

/// What a step came to, for itself and for what stands around it.
pub(crate) struct Verdict {
    pub(crate) status: StepStatus,
    pub(crate) output: Option<Value>,
    pub(crate) failure: Option<RunError>,
    pub(crate) end: End,
}

impl Verdict {
    pub(crate) fn done(status: StepStatus, output: Option<Value>) -> Self {
        Self {
            status,
            output,
            failure: None,
            end: End::Done,
        }
    }

    pub(crate) fn of(end: End) -> Self {
        let (status, failure) = match &end {
            End::Stopped(RunStatus::Denied, _) => (StepStatus::Denied, None),
            End::Done | End::Stopped(..) => (StepStatus::Succeeded, None),
            End::Failed(failure) => (failed_status(failure), Some(failure.clone())),
            End::Cancelled => (StepStatus::Cancelled, None),
        };
        Self {
            status,
            output: None,
            failure,
            end,
        }
    }
}

/// How a step stands that failed so.
pub(crate) fn failed_status(failure: &RunError) -> StepStatus {
    match failure.error.kind {
        ErrorKind::GuardRefused | ErrorKind::TargetAmbiguous => return StepStatus::Refused,
        ErrorKind::ApprovalDenied => return StepStatus::Denied,
        _ => {}
    }
    match failure.error.code.as_ref() {
        "RN0102" | "RN0103" | "RN0108" | "RN0111" => StepStatus::TimedOut,
        "RN0104" => StepStatus::Cancelled,
        _ => StepStatus::Failed,
    }
}
