//! Users of the directory: who they are.

use actions_contract::{
    ActionError, Call, Confidence, Endpoint, Operation, Permissions, Request, read,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LOOK;
use super::entities::identity::{DirectoryObject, User};
use crate::given;
use crate::lists::{self, Collection, Listed, Part};

/// Reads one user.
///
/// The service sends a handful of fields, and without `account_enabled`, unless `select` names
/// others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetUser {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
    /// The fields to read, in the vendor's spelling: `accountEnabled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
    /// What to read with it: `manager`, `memberOf`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expand: Vec<String>,
}

impl Operation for GetUser {
    type Output = User;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-user",
        title: "Read a user",
        path: "/v1.0/users/{id}",
        permissions: Permissions {
            application: &[
                "Directory.Read.All",
                "Directory.ReadWrite.All",
                "User.Read.All",
                "User.ReadBasic.All",
                "User.ReadWrite.All",
                "User.ReadWrite.CrossCloud",
            ],
            delegated: &[
                "Directory.Read.All",
                "Directory.ReadWrite.All",
                "User.Read",
                "User.Read.All",
                "User.ReadBasic.All",
                "User.ReadWrite",
                "User.ReadWrite.All",
            ],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/user-get",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
            select: vec![],
            expand: vec![],
        }
    }

    fn example_output() -> User {
        read::example(include_str!("../../fixtures/get-user.response.json"))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT
            .request(&[given("user_id", &self.user_id)?])
            .with_query_if("$select", listed(&self.select))
            .with_query_if("$expand", listed(&self.expand)))
    }
}

/// Reads the groups and roles a user belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListUserMemberOf {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
    /// How many at the most.
    #[serde(default = "lists::default_limit")]
    #[schemars(range(min = 1, max = 10000))]
    pub limit: u32,
    /// Where to go on: `next` of an earlier call with the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub continue_from: Option<String>,
}

impl Collection for ListUserMemberOf {
    type Entry = DirectoryObject;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.list-user-member-of",
        title: "List the groups of a user",
        path: "/v1.0/users/{id}/memberOf",
        permissions: Permissions {
            application: &[
                "Directory.Read.All",
                "Directory.ReadWrite.All",
                "Group.ReadBasic.All",
                "GroupMember.ReadBasic.All",
            ],
            delegated: &[
                "Directory.Read.All",
                "Directory.ReadWrite.All",
                "Group.ReadBasic.All",
                "GroupMember.Read.All",
                "GroupMember.ReadBasic.All",
                "User.Read",
            ],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/user-list-memberof",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
            limit: 100,
            continue_from: None,
        }
    }

    fn example_output() -> Listed<DirectoryObject> {
        lists::example(include_str!(
            "../../fixtures/list-user-member-of.response.json"
        ))
    }

    fn request(&self) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("user_id", &self.user_id)?]))
    }

    fn part(&self) -> Part<'_> {
        Part {
            limit: self.limit,
            continue_from: self.continue_from.as_deref(),
        }
    }
}

/// Reads the manager of a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetUserSupervisor {
    /// The user: id or user principal name.
    #[schemars(length(min = 1), extend("x-entity" = "user"))]
    pub user_id: String,
}

impl Operation for GetUserSupervisor {
    type Output = DirectoryObject;

    const ENDPOINT: Endpoint = Endpoint {
        id: "graph.get-user-manager",
        title: "Read the manager of a user",
        path: "/v1.0/users/{id}/manager",
        permissions: Permissions {
            application: &[
                "Directory.Read.All",
                "Directory.ReadWrite.All",
                "User.Read.All",
                "User.ReadWrite.All",
            ],
            delegated: &[
                "Directory.Read.All",
                "Directory.ReadWrite.All",
                "User.Read.All",
                "User.ReadWrite.All",
            ],
        },
        confidence: Confidence::Derived,
        source: "https://learn.microsoft.com/graph/api/user-list-manager",
        ..LOOK
    };

    fn example() -> Self {
        Self {
            user_id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".to_owned(),
        }
    }

    fn example_output() -> DirectoryObject {
        read::example(include_str!(
            "../../fixtures/get-user-manager.response.json"
        ))
    }

    fn request(&self, _: &Call) -> Result<Request, ActionError> {
        Ok(Self::ENDPOINT.request(&[given("user_id", &self.user_id)?]))
    }
}

fn listed(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(","))
}
