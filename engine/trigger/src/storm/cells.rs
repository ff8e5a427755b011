//! Cells: where what storm control remembers is kept, by name.

use engine_model::{Digest, PlaybookName, TenantId, TriggerId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The trigger that something is remembered for, in one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The tenant of the alerts.
    pub tenant: TenantId,
    /// The playbook.
    pub playbook: PlaybookName,
    /// The trigger.
    pub trigger: TriggerId,
}

/// A control that remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// `dedup`.
    Dedup,
    /// `accumulate`.
    Accumulate,
    /// `suppress`.
    Suppress,
    /// `batch`.
    Batch,
    /// `throttle`.
    Throttle,
}

/// The name of a cell: of so many bits that no two names meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellId(u128);

impl CellId {
    /// The cell of a control for one key or group.
    #[must_use]
    pub fn of(place: &Place, control: Control, key: &Value) -> Self {
        let name = json!([place.tenant, place.playbook, place.trigger, control, key]);
        let digest = Digest::of(name.to_string().as_bytes());
        let digits = digest.as_str().rsplit(':').next().unwrap_or_default();
        let half = digits.get(..32).unwrap_or(digits);
        Self(u128::from_str_radix(half, 16).expect("a digest is written in hex"))
    }

    /// Its bytes, for a table.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The cell with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

/// The cells that one alert touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// By its key.
    pub dedup: Option<CellId>,
    /// By its group.
    pub accumulate: Option<CellId>,
    /// By its group, else its key.
    pub suppress: Option<CellId>,
    /// By its group in `batch`.
    pub batch: Option<CellId>,
    /// By its group in `throttle`.
    pub throttle: Option<CellId>,
}
