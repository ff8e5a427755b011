//! Files fetched into the store of the engine: packages, results, exports.

use actions_contract::{
    ActionError, Body, Call, Endpoint, KeptFile, Method, Next, Operation, Permissions, Rate,
    Request, Response, Target, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action_results::{GetInvestigationPackageUri, GetLiveResponseResult};
use crate::entities::Link;
use crate::{LOOK, SEE_MACHINES, UNSTATED_RATE, given, read_link, within};

/// The largest file that can be asked for: 2 GB.
const SIZE_BYTES_MAX: u32 = 2_000_000_000;

const fn default_size_bytes_max() -> u32 {
    512 * 1024 * 1024
}

/// The request for what a link leads to, kept in the store where `keep_bytes_max` says so. It goes
/// without a token: the link is the key.
pub(crate) fn fetch(operation: &'static str, link: &str, keep_bytes_max: Option<u64>) -> Request {
    Request {
        target: Target::Link(link.to_owned()),
        method: Method::Get,
        path: String::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::Empty,
        keep_bytes_max,
        operation: operation.into(),
    }
}

/// What the store has after a download: first the link is read, then the file is kept.
fn kept(
    operation: &'static str,
    response: &Response,
    so_far: Option<&KeptFile>,
    size_bytes_max: u32,
) -> Result<Next<KeptFile>, ActionError> {
    if so_far.is_some() {
        return read::entity(response).map(Next::Done);
    }
    let link: Link = read::entity(response)?;
    Ok(Next::More {
        request: fetch(
            operation,
            read_link(&link.value),
            Some(size_bytes_max.into()),
        ),
        so_far: KeptFile {
            sha256: String::new(),
            size_bytes: 0,
            media_type: None,
        },
    })
}

fn example_file() -> KeptFile {
    KeptFile {
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        size_bytes: 2_483_012,
        media_type: Some("application/zip".to_owned()),
    }
}

/// Fetches an investigation package into the store of the engine.
///
/// The step fails when the package is larger than `size_bytes_max`, and with `not_found` while the
/// collection goes on. The package has to arrive within the time of one attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DownloadInvestigationPackage {
    /// The id of the collection: `id` in the output of `defender.collect-investigation-package`.
    #[schemars(length(min = 1))]
    pub machine_action_id: String,
    /// The largest size that is taken, in bytes; 512 MiB where it is not given.
    #[serde(default = "default_size_bytes_max")]
    #[schemars(range(min = 1, max = 2_000_000_000))]
    pub size_bytes_max: u32,
}

impl Operation for DownloadInvestigationPackage {
    type Output = KeptFile;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.download-investigation-package",
        title: "Download an investigation package",
        path: "/api/machineactions/{id}/getPackageUri",
        permissions: Permissions {
            application: SEE_MACHINES.application,
            delegated: &["Machine.CollectForensics"],
        },
        rate: Rate {
            per_minute: Some(2),
            per_hour: Some(120),
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/get-package-sas-uri",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_action_id: "7327b54fd718525cbca07dacde913b5ac3c85673".to_owned(),
            size_bytes_max: default_size_bytes_max(),
        }
    }

    fn example_output() -> KeptFile {
        example_file()
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        within("size_bytes_max", self.size_bytes_max, SIZE_BYTES_MAX)?;
        let action = given("machine_action_id", &self.machine_action_id)?;
        Ok(GetInvestigationPackageUri::ENDPOINT.request(&[action]))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<KeptFile>,
    ) -> Result<Next<KeptFile>, ActionError> {
        let id = Self::ENDPOINT.id;
        kept(id, response, so_far.as_ref(), self.size_bytes_max)
    }
}

/// Fetches the result of a command of live response into the store of the engine.
///
/// The step fails when it is larger than `size_bytes_max`. It has to arrive within the time of one
/// attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DownloadLiveResponseResult {
    /// The id of the session: `id` in the output of `defender.run-live-response`.
    #[schemars(length(min = 1))]
    pub machine_action_id: String,
    /// The place of the command among those of the session, from 0.
    pub command_index: u32,
    /// The largest size that is taken, in bytes; 512 MiB where it is not given.
    #[serde(default = "default_size_bytes_max")]
    #[schemars(range(min = 1, max = 2_000_000_000))]
    pub size_bytes_max: u32,
}

impl Operation for DownloadLiveResponseResult {
    type Output = KeptFile;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.download-live-response-result",
        title: "Download a live response result",
        path: "/api/machineactions/{id}/GetLiveResponseResultDownloadLink(index={command_index})",
        permissions: Permissions {
            application: SEE_MACHINES.application,
            delegated: &["Machine.LiveResponse"],
        },
        source: "https://learn.microsoft.com/defender-endpoint/api/get-live-response-result",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            machine_action_id: "988cc94e-7a8f-4b28-ab65-54970c5d5018".to_owned(),
            command_index: 1,
            size_bytes_max: default_size_bytes_max(),
        }
    }

    fn example_output() -> KeptFile {
        example_file()
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        within("size_bytes_max", self.size_bytes_max, SIZE_BYTES_MAX)?;
        let action = given("machine_action_id", &self.machine_action_id)?;
        let index = self.command_index.to_string();
        Ok(GetLiveResponseResult::ENDPOINT.request(&[action, &index]))
    }

    fn decode(
        &self,
        _: &Call,
        response: &Response,
        so_far: Option<KeptFile>,
    ) -> Result<Next<KeptFile>, ActionError> {
        let id = Self::ENDPOINT.id;
        kept(id, response, so_far.as_ref(), self.size_bytes_max)
    }
}

/// Fetches a file of an export into the store of the engine: gzip of JSON lines.
///
/// The step fails when the file is larger than `size_bytes_max`. It has to arrive within the time
/// of one attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DownloadExportFile {
    /// The link: one of `export_files` in the output of an export.
    #[schemars(length(min = 1))]
    pub link: String,
    /// The largest size that is taken, in bytes; 512 MiB where it is not given.
    #[serde(default = "default_size_bytes_max")]
    #[schemars(range(min = 1, max = 2_000_000_000))]
    pub size_bytes_max: u32,
}

impl Operation for DownloadExportFile {
    type Output = KeptFile;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.download-export-file",
        title: "Download a file of an export",
        path: "{link}",
        permissions: Permissions {
            application: &[],
            delegated: &[],
        },
        rate: UNSTATED_RATE,
        source: concat!(
            "https://learn.microsoft.com/defender-endpoint/api/",
            "get-assessment-methods-properties"
        ),
        ..LOOK
    };

    fn example() -> Self {
        Self {
            link: "https://tvmexport.blob.core.windows.net/export/2021-01-11/1101/part-0.json.gz"
                .to_owned(),
            size_bytes_max: default_size_bytes_max(),
        }
    }

    fn example_output() -> KeptFile {
        example_file()
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let max = within("size_bytes_max", self.size_bytes_max, SIZE_BYTES_MAX)?;
        let link = read_link(given("link", &self.link)?);
        Ok(fetch(Self::ENDPOINT.id, link, Some(max.into())))
    }
}
