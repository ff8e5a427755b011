//! Where entries are filed: per field a hash table, an automaton and the networks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aho_corasick::AhoCorasick;

use crate::key::{Key, KeyKind};
use crate::net::{Length, Net};
use crate::number::Number;
use crate::path::{FieldId, Found, Seen};
use crate::test::address;

/// Entry numbers by key.
#[derive(Debug, Default)]
pub(super) struct Postings {
    fields: Vec<OfField>,
}

#[derive(Debug)]
struct OfField {
    field: FieldId,
    equal: HashMap<Box<str>, Vec<u32>>,
    nets: HashMap<Net, Vec<u32>>,
    lengths: Vec<Length>,
    parts: Option<Parts>,
}

/// Texts looked for in values: one pass over a value finds all of them.
#[derive(Debug)]
struct Parts {
    automaton: AhoCorasick,
    entries: Vec<Vec<u32>>,
}

/// What is filed under one field, before the automaton is built.
#[derive(Default)]
struct Filed {
    equal: HashMap<Box<str>, Vec<u32>>,
    nets: HashMap<Net, Vec<u32>>,
    parts: BTreeMap<Box<str>, Vec<u32>>,
}

impl Postings {
    pub(super) fn build(filed: Vec<(Key, u32)>) -> Self {
        let mut fields: BTreeMap<FieldId, Filed> = BTreeMap::new();
        for (key, entry) in filed {
            let field = fields.entry(key.field).or_default();
            let entries = match key.kind {
                KeyKind::Equal(text) => field.equal.entry(text).or_default(),
                KeyKind::Part(text) => field.parts.entry(text).or_default(),
                KeyKind::Net(net) => field.nets.entry(net).or_default(),
            };
            entries.push(entry);
        }
        let fields = fields
            .into_iter()
            .map(|(field, filed)| OfField::new(field, filed));
        Self {
            fields: fields.collect(),
        }
    }

    /// Adds the entries that the alert may match.
    pub(super) fn collect(&self, seen: &Seen<'_>, entries: &mut Vec<u32>) {
        for field in &self.fields {
            for value in seen.values(field.field) {
                field.collect(value, entries);
            }
        }
    }
}

impl OfField {
    fn new(field: FieldId, filed: Filed) -> Self {
        let lengths: BTreeSet<Length> = filed.nets.keys().map(|net| net.length()).collect();
        let (texts, entries): (Vec<_>, Vec<_>) = filed.parts.into_iter().unzip();
        let parts = (!texts.is_empty()).then(|| Parts {
            automaton: AhoCorasick::new(texts.iter().map(|text| text.as_bytes()))
                .expect("playbooks are far from filling an automaton of 4 GiB"),
            entries,
        });
        Self {
            field,
            equal: filed.equal,
            nets: filed.nets,
            lengths: lengths.into_iter().collect(),
            parts,
        }
    }

    fn collect(&self, value: &Found<'_>, entries: &mut Vec<u32>) {
        let Some(text) = value.folded() else { return };
        if !self.equal.is_empty() {
            entries.extend(self.equal.get(text).into_iter().flatten());
            // A text that is a number equals the number, however it is written.
            if let Some(number) = Number::read(text) {
                entries.extend(self.equal.get(&*number.to_string()).into_iter().flatten());
            }
        }
        if let Some(address) = Some(&self.lengths)
            .filter(|l| !l.is_empty())
            .and(address(value))
        {
            let around = self
                .lengths
                .iter()
                .filter_map(|length| Net::around(address, *length));
            entries.extend(around.filter_map(|net| self.nets.get(&net)).flatten());
        }
        if let Some(parts) = &self.parts {
            for found in parts.automaton.find_overlapping_iter(text) {
                entries.extend(&parts.entries[found.pattern().as_usize()]);
            }
        }
    }
}
