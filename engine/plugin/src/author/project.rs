//! A plugin's folder: `plugin.yaml` and what lies beside it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::{Capability, Manifest};

/// The languages a plugin can be made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Rust.
    Rust,
    /// JavaScript.
    Js,
    /// TypeScript.
    Ts,
    /// Python.
    Python,
    /// C.
    C,
    /// WebAssembly text, which needs no tools.
    Wat,
}

impl Lang {
    /// Every language.
    pub const ALL: [Self; 6] = [
        Self::Rust,
        Self::Js,
        Self::Ts,
        Self::Python,
        Self::C,
        Self::Wat,
    ];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Ts => "ts",
            Self::Python => "python",
            Self::C => "c",
            Self::Wat => "wat",
        }
    }

    /// The file the build begins with, where `plugin.yaml` names none.
    pub(super) const fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Js => "plugin.js",
            Self::Ts => "plugin.ts",
            Self::Python => "main.py",
            Self::C => "plugin.c",
            Self::Wat => "plugin.wat",
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Lang {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|lang| lang.as_str() == text);
        found.ok_or_else(|| {
            let words: Vec<_> = Self::ALL.iter().map(|lang| lang.as_str()).collect();
            format!("`{text}` is none of {}", words.join(", "))
        })
    }
}

/// `plugin.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PluginYaml {
    id: String,
    version: String,
    lang: Lang,
    #[serde(default)]
    source: Option<PathBuf>,
    #[serde(default)]
    capabilities: Vec<Capability>,
}

/// A plugin's folder.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder.
    pub folder: PathBuf,
    /// The language.
    pub lang: Lang,
    /// The file the build begins with, relative to the folder.
    pub source: PathBuf,
    /// What the plugin is called and asks for.
    pub manifest: Manifest,
}

/// Why a folder is not a plugin's.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct ProjectError {
    path: PathBuf,
    message: String,
}

impl Project {
    /// Reads `plugin.yaml` of a folder.
    ///
    /// # Errors
    ///
    /// When it is not there or not valid.
    pub fn read(folder: &Path) -> Result<Self, ProjectError> {
        let path = folder.join("plugin.yaml");
        let fault = |message: String| ProjectError {
            path: path.clone(),
            message,
        };
        let text = std::fs::read_to_string(&path).map_err(|error| fault(error.to_string()))?;
        let yaml: PluginYaml =
            serde_yaml::from_str(&text).map_err(|error| fault(error.to_string()))?;
        let manifest = Manifest {
            id: yaml.id,
            version: yaml.version,
            capabilities: yaml.capabilities,
            source: None,
        };
        manifest.check().map_err(|error| fault(error.to_string()))?;
        Ok(Self {
            folder: folder.to_owned(),
            lang: yaml.lang,
            source: yaml
                .source
                .unwrap_or_else(|| PathBuf::from(yaml.lang.source())),
            manifest,
        })
    }

    /// Where the build puts the plugin.
    #[must_use]
    pub fn built(&self) -> PathBuf {
        self.folder
            .join("build")
            .join(format!("{}.wasm", self.manifest.id))
    }

    /// The files with its cases, sorted.
    #[must_use]
    pub fn case_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.folder.join("tests"))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ext| ext == "yaml"))
            .collect();
        files.sort();
        files
    }
}
