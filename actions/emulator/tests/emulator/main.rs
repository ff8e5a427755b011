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
