//! Sigma detections: named selections and a condition over them.

use std::collections::BTreeMap;

use super::FieldMatch;

/// A detection: the trigger matches when one of the conditions holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The selections, in the order written.
    pub selections: Vec<Selection>,
    /// Conditions over their names, of which one must hold.
    pub conditions: Vec<ConditionText>,
    /// The path of the detection in the playbook, for diagnostics.
    pub path: String,
    /// The rule file it was read from; none where the playbook holds it itself.
    pub rule: Option<RuleFile>,
}

/// A named selection.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// The name that conditions use.
    pub name: String,
    /// What must hold.
    pub form: Form,
}

/// What a selection, or a part of one, asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// Every one holds: the lines of a map.
    All(Vec<Form>),
    /// One holds: the items of a list.
    Any(Vec<Form>),
    /// One line. Without a field it is about every text of the alert.
    Line(FieldMatch),
    /// A map below `field[any]`: members of a list, looked at one by one.
    Members {
        /// The field with what is asked of its members: `entities[any]`.
        field: String,
        /// What is asked of one member; its fields count from there.
        form: Box<Form>,
        /// The path of the map in the file.
        path: String,
    },
    /// Selections and a condition of their own, inside a block of members.
    Nested(Detection),
}

/// A condition as written: `selection and not 1 of filter_*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionText {
    /// The text.
    pub text: String,
    /// Its path in the file.
    pub path: String,
}

/// Where a detection was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// The file as the playbook names it.
    pub name: String,
    /// The rule's title.
    pub title: Option<String>,
    /// Fields of the rule, and where the alert has them; the rest goes by the known names.
    pub fields: BTreeMap<String, String>,
}
