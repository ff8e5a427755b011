//! What both drivers share: the engine as a trait, the clock, the performing of attempts, the
//! loaded playbooks, and the conformance suite that every driver passes by calling it.

mod approvals;
mod attempts;
mod clock;
pub mod conformance;
mod engine;
mod figures;
pub mod guard;
mod playbooks;
mod records;
mod starts;
pub mod storm;
mod why;

pub use approvals::{Asked, AskedFilter, Reply, Said, Tally, Through, Untold, short_digest};
pub use attempts::{Attempts, Origin};
pub use clock::{Clock, ManualClock, SystemClock};
pub use engine::{
    AlertDocument, AlertSummary, Engine, EngineError, ManualStart, Page, Receipt, RunDocument,
    RunFilter, RunNews, RunSummary, Signal,
};
pub use figures::{Failure, Figures};
pub use playbooks::{Loaded, PlaybookText, Playbooks, Refused};
pub use records::{Count, Decision, Letter, LetterFilter, LetterKind, TriggerRecords};
pub use starts::{Begun, begin, begin_again, begin_called};
pub use why::{Held, Linked, NoPast, Past, Verdict, Why, WhyTrigger, why};
