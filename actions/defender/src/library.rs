//! The library of live response: scripts and files that sessions may use.

use actions_contract::{
    ActionError, Body, Call, Effect, Endpoint, Finding, Idempotency, Method, Next, Operation,
    Request, Response, json, read,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::entities::{Done, LibraryFile};
use crate::lists::{self, Collection, Listed};
use crate::{LIBRARY, LOOK, MARK, given, misfit};

/// The largest file that is taken, in bytes.
const FILE_BYTES_MAX: usize = 20 * 1024 * 1024;

/// Reads what is in the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListLibraryFiles {}

impl Collection for ListLibraryFiles {
    type Entry = LibraryFile;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.list-library-files",
        title: "List library files",
        path: "/api/libraryfiles",
        permissions: LIBRARY,
        source: "https://learn.microsoft.com/defender-endpoint/api/list-library-files",
        ..LOOK
    };

    fn example() -> Self {
        Self {}
    }

    fn example_output() -> Listed<LibraryFile> {
        lists::example(include_str!("../fixtures/list-library-files.response.json"))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[]))
    }
}

/// Puts a file into the library.
///
/// Give `content` for a text such as a script, else `content_base64`; 20 MiB at the most. A file of
/// the same name is refused unless `override_if_exists` is true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadLibraryFile {
    /// Its name, by which commands call it.
    #[schemars(length(min = 1))]
    pub file_name: String,
    /// What it holds, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// What it holds, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_base64: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the script takes arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_parameters: Option<bool>,
    /// Which arguments it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters_description: Option<String>,
    /// Whether a file of the same name is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_if_exists: Option<bool>,
}

impl UploadLibraryFile {
    fn bytes(&self) -> Result<Vec<u8>, ActionError> {
        let bytes = match (&self.content, &self.content_base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(text)) => STANDARD
                .decode(text.trim())
                .map_err(|_| misfit("`content_base64` is not base64"))?,
            _ => return Err(misfit("give either `content` or `content_base64`")),
        };
        if bytes.is_empty() || bytes.len() > FILE_BYTES_MAX {
            return Err(misfit(format!(
                "the file must have 1 to {FILE_BYTES_MAX} bytes"
            )));
        }
        Ok(bytes)
    }

    /// The fields beside the file that are given.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let word = |value: Option<bool>| value.map(|value| value.to_string());
        [
            ("Description", self.description.clone()),
            ("HasParameters", word(self.has_parameters)),
            ("ParametersDescription", self.parameters_description.clone()),
            ("OverrideIfExists", word(self.override_if_exists)),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }
}

impl Operation for UploadLibraryFile {
    type Output = LibraryFile;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.upload-library-file",
        title: "Upload a library file",
        path: "/api/libraryfiles",
        idempotency: Idempotency::None,
        permissions: LIBRARY,
        source: "https://learn.microsoft.com/defender-endpoint/api/upload-library",
        ..MARK
    };

    fn example() -> Self {
        Self {
            file_name: "script1.ps1".to_owned(),
            content: Some("param($Name)\nGet-Process $Name\n".to_owned()),
            content_base64: None,
            description: Some("my test script".to_owned()),
            has_parameters: Some(true),
            parameters_description: Some("test".to_owned()),
            override_if_exists: Some(true),
        }
    }

    fn example_output() -> LibraryFile {
        read::example(include_str!(
            "../fixtures/upload-library-file.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        let name = given("file_name", &self.file_name)?;
        if name.contains(['"', '\\', '/', '\r', '\n']) {
            return Err(misfit("`file_name` is a bare name"));
        }
        let mut request = Self::ENDPOINT.request(&[]);
        request.body = form(name, &self.bytes()?, &self.fields());
        Ok(request)
    }
}

/// A form with a file, as RFC 7578 wants it.
fn form(file_name: &str, file: &[u8], fields: &[(&'static str, String)]) -> Body {
    let boundary = boundary(file, fields);
    let mut bytes = Vec::with_capacity(file.len() + 1024);
    for (name, value) in fields {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        bytes.extend_from_slice(head.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"File\"; \
         filename=\"{file_name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(file);
    bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Body::Bytes {
        content_type: format!("multipart/form-data; boundary={boundary}").into(),
        bytes,
    }
}

/// A line that occurs nowhere in what it parts.
fn boundary(file: &[u8], fields: &[(&'static str, String)]) -> String {
    let occurs = |boundary: &str| {
        let needle = boundary.as_bytes();
        file.windows(needle.len()).any(|part| part == needle)
            || fields.iter().any(|(_, value)| value.contains(boundary))
    };
    (0_u64..)
        .map(|number| format!("quell-form-{number}"))
        .find(|boundary| !occurs(boundary))
        .expect("a file cannot hold every number")
}

/// Deletes a file from the library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteLibraryFile {
    /// Its name.
    #[schemars(length(min = 1), extend("x-entity" = "file"))]
    pub file_name: String,
}

impl Operation for DeleteLibraryFile {
    type Output = Done;

    const ENDPOINT: Endpoint = Endpoint {
        id: "defender.delete-library-file",
        title: "Delete a library file",
        method: Method::Delete,
        path: "/api/libraryfiles/{fileName}",
        effect: Effect::Destroy,
        permissions: LIBRARY,
        source: "https://learn.microsoft.com/defender-endpoint/api/delete-library",
        ..MARK
    };

    fn example() -> Self {
        Self {
            file_name: "script1.ps1".to_owned(),
        }
    }

    fn example_output() -> Done {
        Done::new()
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("file_name", &self.file_name)?]))
    }

    fn decode(&self, _: &Call, _: &Response, _: Option<Done>) -> Result<Next<Done>, ActionError> {
        Ok(Next::Done(Done::new()))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(ListLibraryFiles::ENDPOINT.request(&[]))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<Done>, ActionError> {
        let mut body: Value = json(response)?;
        let files: Vec<LibraryFile> = read::collection(&mut body)?;
        let is_there = files.iter().any(|file| file.file_name == self.file_name);
        Ok(match is_there {
            true => Finding::Nothing,
            false => Finding::Happened(Next::Done(Done::new())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_holds_the_boundary_gets_another() {
        let file = b"x quell-form-0 y";
        let Body::Bytes {
            content_type,
            bytes,
        } = form("a.ps1", file, &[("Description", "quell-form-1".to_owned())])
        else {
            panic!("a form is bytes")
        };
        assert_eq!(content_type, "multipart/form-data; boundary=quell-form-2");
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches("--quell-form-2").count(), 3);
        assert!(text.contains("filename=\"a.ps1\"\r\n"));
        assert!(text.ends_with("x quell-form-0 y\r\n--quell-form-2--\r\n"));
    }
}
