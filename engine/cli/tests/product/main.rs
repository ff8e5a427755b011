//! The whole product, through the real binary: one test program, so that it is linked once.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "whole-product tests start processes, read and write files, and print their tallies"
)]

mod access;
mod approvals;
mod defender;
mod demo;
mod guards;
mod kill;
mod leaks;
mod lint;
mod operate;
mod partners;
mod playbooks;
mod plugin_attacks;
mod plugins;
mod storms;
#[path = "../support/mod.rs"]
mod support;
mod two_processes;
mod why;
