//! Matches as playbooks write them: from the text of a playbook to what fires and why not.

mod bounds;
mod detection;
mod docs;
mod place;
mod public;
