//! Stable codes of everything a user may be told; each has a page, or the project does not build.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stable code such as `PB0301`; never reused for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(into = "&'static str")]
#[schemars(with = "String")]
pub struct Code {
    name: &'static str,
    page: &'static str,
}

impl Code {
    /// The code as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.name
    }

    /// Its page in Markdown.
    #[must_use]
    pub const fn page(self) -> &'static str {
        self.page
    }

    /// The code with this name, in any case.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        ALL.iter()
            .copied()
            .find(|code| code.name.eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl From<Code> for &'static str {
    fn from(code: Code) -> Self {
        code.name
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::find(&name).ok_or_else(|| serde::de::Error::custom(format!("unknown code `{name}`")))
    }
}

/// Declares each code as a constant, with the page of the same name beside it.
macro_rules! codes {
    ($($name:ident: $title:literal,)*) => {
        $(
            #[doc = $title]
            pub const $name: Code = Code {
                name: stringify!($name),
                page: include_str!(concat!("../../../docs/errors/", stringify!($name), ".md")),
            };
        )*

        /// Every code, sorted.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    AC0101: "The service refused the request.",
    AC0102: "The service does not know the object.",
    AC0103: "The service's answer does not have the documented shape.",
    AC0104: "The remote action ended without success.",
    AC0105: "The parameters do not fit the action.",
    AC0106: "Another action of the same kind is already open on the target.",
    AC0107: "The service refused for lack of a permission.",
    AC0108: "It could not be found out whether the action happened.",
    AC0109: "The action does not exist in this engine.",
    AC0110: "The service asked to slow down.",
    AC0111: "The service failed.",
    AC0112: "A list has more entries than it may have.",
    BR0101: "The token service could not be reached.",
    BR0102: "The token service refused the credential.",
    BR0103: "The connection is not configured.",
    BR0104: "The tenant is not on the connection's allow-list.",
    BR0105: "The service rejected a fresh token.",
    BR0106: "A secret reference could not be resolved.",
    BR0107: "The token is not for whom it was asked.",
    BR0108: "The token service refused the request.",
    BR0109: "The certificate cannot be used.",
    BR0110: "Somebody has to sign in.",
    BR0111: "The tenant has not consented to the application.",
    BR0112: "The account is locked or disabled.",
    BR0113: "The refresh token cannot be kept.",
    BR0114: "The service keeps asking for other claims.",
    BR0201: "The host could not be reached.",
    BR0202: "The request took too long.",
    BR0203: "The service asked to slow down.",
    BR0204: "The host is not allowed for this action.",
    BR0205: "The answer is larger than allowed.",
    BR0206: "The request is not valid.",
    CF0101: "The configuration is not valid.",
    CF0102: "The configuration names a file that cannot be read.",
    CF0103: "A secret is written into the configuration.",
    CF0104: "The policy is not valid.",
    GR0101: "The stop switch is on.",
    GR0102: "The target is protected.",
    GR0103: "There is no such target.",
    GR0104: "The target could not be looked up.",
    GR0105: "More than one target is meant.",
    GR0106: "A limit on targets is reached.",
    GR0107: "The run has as many targets as it may.",
    GR0108: "A rule of the policy could not be evaluated.",
    GR0109: "Another run is working on the target.",
    GR0110: "A containment could not be taken back.",
    PB0101: "The file is not YAML.",
    PB0102: "A key is written twice.",
    PB0103: "Anchors, aliases, merge keys and tags are not allowed.",
    PB0104: "The file is too large or too deep.",
    PB0201: "A key is not known here.",
    PB0202: "A value has the wrong type.",
    PB0203: "A key is missing.",
    PB0204: "A step does two things.",
    PB0205: "An id is used twice.",
    PB0206: "This step kind is not available in this version.",
    PB0301: "A step of this id does not exist.",
    PB0302: "A step is used before it ran.",
    PB0303: "A step is used that may have been skipped.",
    PB0304: "A name is used outside its scope.",
    PB0305: "A name is not known in expressions.",
    PB0401: "A field does not exist.",
    PB0402: "A value has the wrong type in an expression.",
    PB0403: "A condition is not a boolean.",
    PB0404: "The expression cannot be read.",
    PB0411: "A list or map stands inside text.",
    PB0412: "An expression stands inside quotes of a query.",
    PB0413: "A secret is used where it may not be.",
    PB0501: "An action of this name does not exist.",
    PB0502: "A parameter does not fit the action.",
    PB0601: "A schedule cannot be read.",
    PB0602: "An example of a trigger does not behave as said.",
    PB0603: "An alert match cannot be read.",
    PB0604: "A Sigma rule file cannot be used.",
    PB0605: "A condition over selections cannot be read.",
    PB0701: "A guard is weaker than the tenant's.",
    PB0702: "A guard names a role that nothing defines.",
    PB0801: "A plain value is read differently by other tools.",
    PB0802: "A containing step has no release.",
    PB0803: "An alert trigger has no deduplication.",
    PB0804: "Context encoding is switched off.",
    PB0805: "Reads are independent of each other.",
    PB0806: "A comparison can never be true.",
    PB0807: "An alert match is tried against every alert.",
    PB0808: "A match names a field that no alert has.",
    PB0809: "Fields of a Sigma rule are looked for in the vendor's JSON.",
    PB0810: "A selection is not used.",
    PL0101: "The plugin could not be loaded.",
    PL0102: "The plugin's description is not valid.",
    PL0103: "The plugin's configuration does not fit its schema.",
    PL0104: "The plugin's file or signature is not the expected one.",
    PL0201: "The plugin trapped.",
    PL0202: "The plugin used too much time.",
    PL0203: "The plugin used too much memory.",
    PL0204: "The plugin's output does not fit its schema.",
    PL0205: "The plugin asked for a host it did not declare.",
    PL0206: "The plugin asked for something it was not granted.",
    PL0207: "The version of the plugin that a step waits on is not installed.",
    RN0101: "An expression failed while the run was going on.",
    RN0102: "The run passed its deadline.",
    RN0103: "The step passed its deadline.",
    RN0104: "The run was cancelled.",
    RN0105: "The playbook raised an error.",
    RN0106: "The inputs do not fit the playbook.",
    RN0107: "A person said no.",
    RN0108: "Nobody answered in time.",
    RN0109: "A list has more items than allowed.",
    RN0110: "Two items have the same key.",
    RN0111: "Nothing came of what was waited for.",
    RN0112: "The playbook that was called did not succeed.",
    RN0113: "Playbooks call each other too deep.",
    ST0101: "The database is newer than this engine.",
    ST0102: "The database is in use or cannot be written.",
    ST0103: "The database is damaged.",
    ST0104: "A fetched file could not be kept.",
    ST0105: "The audit log was changed.",
    SV0101: "The caller is not known.",
    SV0102: "The body is not an alert.",
    SV0103: "The body is too large.",
    SV0104: "The object does not exist.",
    SV0105: "The engine takes no more for the moment.",
    SV0106: "The alert does not have the shape its source uses.",
    SV0107: "The run cannot go on.",
    SV0201: "There is nothing to decide any more.",
    SV0202: "The person may not answer.",
    SV0203: "The answer does not fit the form.",
    SV0204: "The link cannot be used.",
    TR0101: "The alert source could not be read.",
    TR0102: "A run could not be started.",
    TR0103: "A start was dropped because too many wait.",
    TR0104: "A playbook would start itself over and over.",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_each_page_begins_with_its_code() {
        assert!(ALL.is_sorted());
        for code in ALL {
            let first = code.page().lines().next().unwrap_or_default();
            assert!(
                first.starts_with(&format!("# {code}: ")),
                "{code}: page begins `{first}`"
            );
        }
    }
}
