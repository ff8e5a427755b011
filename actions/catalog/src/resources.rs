//! The reference of actions, one page for each resource.

use std::collections::BTreeMap;

use actions_contract::{ActionInfo, Api};

use crate::reference::reference_markdown;

/// The resource an action is about, as the name of its page: where its path leads to.
#[must_use]
pub fn resource_of(info: &ActionInfo) -> String {
    let (Some(api), Some(path)) = (info.api, &info.path) else {
        return info.id.family().to_owned();
    };
    let family = match api {
        Api::Mde | Api::Xdr => "defender",
        Api::Graph => "graph",
    };
    // What only leads to resources says nothing about them.
    let ways = [
        "api",
        "v1.0",
        "beta",
        "security",
        "identityProtection",
        "collaboration",
    ];
    let mut words = path
        .split(['/', '('])
        .filter(|part| !part.is_empty() && !part.contains(['{', '=', ')']))
        .filter(|part| !ways.contains(part));
    let first = words.next().unwrap_or(family);
    // Much hangs on users that is a resource of its own.
    let of_users = ["messages", "mailFolders"];
    let resource = match words.next() {
        Some(second) if first == "users" && of_users.contains(&second) => second,
        _ => first,
    };
    format!("{family}-{}", kebab(resource))
}

/// `threatSubmission` as `threat-submission`.
fn kebab(word: &str) -> String {
    let mut out = String::with_capacity(word.len() + 4);
    for c in word.chars() {
        match c {
            '_' => out.push('-'),
            c if c.is_ascii_uppercase() && !out.is_empty() => {
                out.push('-');
                out.push(c.to_ascii_lowercase());
            }
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    out
}

/// The reference: its pages by file name, `README.md` being the way in.
#[must_use]
pub fn reference_pages(infos: &[impl AsRef<ActionInfo>]) -> BTreeMap<String, String> {
    let mut resources: BTreeMap<String, Vec<&ActionInfo>> = BTreeMap::new();
    for info in infos {
        let info = info.as_ref();
        resources.entry(resource_of(info)).or_default().push(info);
    }
    let mut pages = BTreeMap::new();
    let mut index =
        "# Actions\n\nGenerated from the code: `quell schema`. Each page is a resource; \
                     `quell actions ID` prints the part of one action.\n"
            .to_owned();
    for (resource, actions) in resources {
        index.push_str(&format!("\n## [{resource}]({resource}.md)\n\n"));
        index.push_str("| action | effect | |\n|---|---|---|\n");
        let mut page = format!("# {resource}\n\n");
        for info in &actions {
            let id = info.id.as_str();
            let effect = info.effect.kind().as_str();
            let anchor = format!("{}-{}", id.replace('.', ""), kebab_title(&info.title));
            let row = format!(
                "| [`{id}`]({resource}.md#{anchor}) | {effect} | {} |\n",
                info.title
            );
            index.push_str(&row);
            page.push_str(&format!(
                "- [`{id}`](#{anchor}) ({effect}): {}\n",
                info.title
            ));
        }
        for info in &actions {
            page.push('\n');
            page.push_str(&deeper(&reference_markdown(info)));
        }
        pages.insert(format!("{resource}.md"), page);
    }
    pages.insert("README.md".to_owned(), index);
    pages
}

/// A title as it stands in the anchor of a heading.
fn kebab_title(title: &str) -> String {
    let kept = title
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| match c {
        ' ' => '-',
        c => c.to_ascii_lowercase(),
    })
    .collect()
}

/// Every heading one level down.
fn deeper(markdown: &str) -> String {
    let mut in_code = false;
    let mut out = String::with_capacity(markdown.len() + 16);
    for line in markdown.lines() {
        in_code ^= line.starts_with("```");
        if line.starts_with('#') && !in_code {
            out.push('#');
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}
