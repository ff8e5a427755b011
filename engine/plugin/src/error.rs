//! Why a plugin is not installed.

use engine_model::{Code, code};

/// Why a component did not become actions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The WebAssembly engine cannot be set up on this machine.
    #[error("the WebAssembly engine cannot start")]
    Engine(#[source] wasmtime::Error),
    /// The bytes are not a component this engine can compile and run.
    #[error("the component cannot be used: {0}")]
    Component(String),
    /// The manifest is missing or cannot be read.
    #[error("the manifest cannot be used: {0}")]
    Manifest(String),
    /// What the plugin says about itself is not acceptable; every problem found.
    #[error("the plugin's description is not valid: {}", .0.join("; "))]
    Description(Vec<String>),
    /// The file is not the one that was installed, or its signature is not the expected one.
    #[error("the file cannot be trusted: {0}")]
    Untrusted(String),
    /// The operator's configuration does not fit the plugin's schema.
    #[error("the configuration does not fit the plugin: {0}")]
    Config(String),
}

impl PluginError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Engine(_) | Self::Component(_) | Self::Manifest(_) => code::PL0101,
            Self::Description(_) => code::PL0102,
            Self::Config(_) => code::PL0103,
            Self::Untrusted(_) => code::PL0104,
        }
    }
}
