//! A Defender that answers from memory.
//!
//! It serves the token endpoint and the operations of the catalog over made-up tenants, as strictly
//! as the service does: roles, audiences, request bodies, filters, machine actions that take their
//! time. Its world follows from a seed, its clock can be replaced, and whatever a network and a
//! cloud can do to a request can be ordered: see [`FaultRule`]. Everything that arrives is logged.
//!
//! `quell demo`, `quell emulate` and the tests of other crates use it.

#![expect(
    clippy::disallowed_methods,
    reason = "an emulator of a service has a clock of its own, in one place: `SystemClock`"
)]

mod behaviour;
mod clock;
mod control;
mod echo;
mod emulator;
mod fault;
mod front;
mod gzip;
mod kql;
mod listen;
mod log;
mod odata;
mod options;
mod reply;
mod route;
mod seed;
mod state;
mod token;
mod wire;
mod world;

pub use clock::{Clock, ManualClock, SystemClock};
pub use echo::Coverage;
pub use emulator::{AlertError, Emulator};
pub use fault::{Fault, FaultMatch, FaultRule, FaultState, RetryIn};
pub use listen::{Cut, Listening};
pub use log::{Counts, LogEntry, LogFilter};
pub use options::{Ending, Options, Tenant};
pub use state::{MachineState, State, TenantState};
