//! The emulator from outside: what its callers see.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod documented;
#[cfg(test)]
mod door;
#[cfg(test)]
mod every_operation;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod graph;
#[cfg(test)]
mod hunting;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod tokens;

/// Held by campaigns that measure the memory of this program, and by those that take much of it.
pub(crate) static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
