//! Groups and devices of the directory.

use actions_contract::{
    ActionError, Call, Confidence, Effect, Endpoint, Finding, Idempotency, Method, Operation,
    Permissions, Request, Response,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::access::found;
use super::entities::identity::DirectoryObject;
use super::users::ListUserMemberOf;
use super::{MARK, NoContent, change, fields};
use crate::lists::{self, Collection, Listed};
use crate::{given, misfit};
use std::borrow::Cow;

/// What it takes to change who is in a group.
const MEMBERS: Permissions = Permissions {
    application: &[
        "GroupMember.ReadWrite.All",
        "Group.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
    delegated: &[
        "GroupMember.ReadWrite.All",
        "Group.ReadWrite.All",
        "Directory.ReadWrite.All",
    ],
};

/// What it takes to change devices of the directory.
const DEVICES: Permissions = Permissions {
    application: &["Device.ReadWrite.All", "Directory.ReadWrite.All"],
    delegated: &["Directory.AccessAsUser.All"],
};

/// Puts a user into a group, such as one that policies keep away from everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddGroupMember {
    /// The id of the group.
    #[schemars(length(min = 1))]
    pub group_id: String,
    /// The user.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub member_id: String,
}

impl Operation for AddGroupMember {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.add-group-member",
        title: "Put a user into a group",
        path: "/v1.0/groups/{id}/members/$ref",
        effect: Effect::Contain {
            undo: Cow::Borrowed("graph.remove-group-member"),
        },
        idempotency: Idempotency::Natural,
        permissions: MEMBERS,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/group-post-members",
        ..MARK
    };

    fn example() -> Self {
        Self {
            group_id: "02bd9fd6-8f93-4758-87c3-1fb73740a315".to_owned(),
            member_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("group_id", &self.group_id)?])
            .with_json(fields([("@odata.id", json!(object_url(&self.member_id)?))])))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(ListUserMemberOf::ENDPOINT.request(&[&self.member_id]))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<NoContent>, ActionError> {
        let groups: Listed<DirectoryObject> = lists::whole(response)?;
        let is_in = groups
            .value
            .iter()
            .any(|group| group.id.as_ref() == Some(&self.group_id));
        Ok(match is_in || !groups.truncated {
            true => found(is_in, NoContent {}),
            false => Finding::Unclear("the user is in too many groups to tell".to_owned()),
        })
    }
}

/// Takes a user out of a group.
///
/// A release is not held back by guard rails: take care which group it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveGroupMember {
    /// The id of the group.
    #[schemars(length(min = 1))]
    pub group_id: String,
    /// The user.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub member_id: String,
}

impl Operation for RemoveGroupMember {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.remove-group-member",
        title: "Take a user out of a group",
        method: Method::Delete,
        path: "/v1.0/groups/{id}/members/{memberId}/$ref",
        effect: Effect::Release,
        idempotency: Idempotency::Natural,
        permissions: MEMBERS,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/group-delete-members",
        ..MARK
    };

    fn example() -> Self {
        Self {
            group_id: "9c1f5a7e-3d2b-4a60-8f14-5b7e0c2d9a31".to_owned(),
            member_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[
            given("group_id", &self.group_id)?,
            given("member_id", &self.member_id)?,
        ]))
    }

    fn reconcile(&self, _: &Call) -> Option<Request> {
        Some(ListUserMemberOf::ENDPOINT.request(&[&self.member_id]))
    }

    fn reconciled(&self, _: &Call, response: &Response) -> Result<Finding<NoContent>, ActionError> {
        let groups: Listed<DirectoryObject> = lists::whole(response)?;
        let is_in = groups
            .value
            .iter()
            .any(|group| group.id.as_ref() == Some(&self.group_id));
        Ok(match is_in || !groups.truncated {
            true => found(!is_in, NoContent {}),
            false => Finding::Unclear("the user is in too many groups to tell".to_owned()),
        })
    }
}

/// Blocks or unblocks a device in the directory.
///
/// A device that is blocked gets no tokens. `graph.enable-device` takes it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateDevice {
    /// The object id of the device in the directory; not the id Defender knows it by.
    #[schemars(length(min = 1), extend("x-entity" = "directory_device"))]
    pub device_id: String,
    /// Whether the device may get tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_enabled: Option<bool>,
}

impl Operation for UpdateDevice {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.update-device",
        title: "Change a device of the directory",
        method: Method::Patch,
        path: "/v1.0/devices/{id}",
        effect: Effect::Contain {
            undo: Cow::Borrowed("graph.enable-device"),
        },
        idempotency: Idempotency::Natural,
        permissions: DEVICES,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/device-update",
        ..MARK
    };

    fn example() -> Self {
        Self {
            device_id: "6fa60d52-01e7-4b18-8055-4759461fc16b".to_owned(),
            account_enabled: Some(false),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("device_id", &self.device_id)?])
            .with_json(change([("accountEnabled", json!(self.account_enabled))])?))
    }
}

/// Unblocks a device in the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnableDevice {
    /// The object id of the device in the directory; not the id Defender knows it by.
    #[schemars(length(min = 1), extend("x-entity" = "directory_device"))]
    pub device_id: String,
}

impl Operation for EnableDevice {
    type Output = NoContent;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.enable-device",
        title: "Unblock a device of the directory",
        method: Method::Patch,
        path: "/v1.0/devices/{id}",
        effect: Effect::Release,
        idempotency: Idempotency::Natural,
        permissions: DEVICES,
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/device-update",
        ..MARK
    };

    fn example() -> Self {
        Self {
            device_id: "6fa60d52-01e7-4b18-8055-4759461fc16b".to_owned(),
        }
    }

    fn example_output() -> NoContent {
        NoContent {}
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("device_id", &self.device_id)?])
            .with_json(fields([("accountEnabled", json!(true))])))
    }
}

/// The object of the directory that a body points at.
fn object_url(id: &str) -> Result<String, ActionError> {
    let id = given("member_id", id)?;
    if id.contains(['/', '?', '#', '%']) {
        return Err(misfit("`member_id` is not the id of an object"));
    }
    Ok(format!(
        "https://graph.microsoft.com/v1.0/directoryObjects/{id}"
    ))
}
