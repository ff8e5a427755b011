//! Whether a target is like a rule wants it.

use actions_contract::Facts;
use engine_playbook::guard::Wanted;

/// Whether everything that is wanted holds. Nothing wanted holds for nothing.
pub(crate) fn holds(wanted: &Wanted, facts: &Facts) -> bool {
    let known_as = |id: &str| facts.id.eq_ignore_ascii_case(id) || among(&facts.aliases, id);
    let checks = [
        wanted.id.as_deref().map(known_as),
        wanted
            .name
            .as_deref()
            .map(|name| names(facts).any(|own| own.eq_ignore_ascii_case(name))),
        wanted
            .name_glob
            .as_deref()
            .map(|glob| names(facts).any(|own| fits(glob, own))),
        wanted.tag.as_deref().map(|tag| among(&facts.tags, tag)),
        wanted
            .group
            .as_deref()
            .map(|group| among(&facts.groups, group)),
        wanted.os_prefix.as_deref().map(|prefix| {
            let os = facts.os.as_deref().unwrap_or_default();
            os.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        }),
        wanted
            .role
            .as_deref()
            .map(|role| facts.roles.iter().any(|own| own == role)),
    ];
    let mut checks = checks.into_iter().flatten().peekable();
    checks.peek().is_some() && checks.all(|holds| holds)
}

fn among(words: &[String], word: &str) -> bool {
    words.iter().any(|other| other.eq_ignore_ascii_case(word))
}

/// The names of a target: the whole name, and the part before the first dot.
fn names(facts: &Facts) -> impl Iterator<Item = &str> {
    let whole = facts.name.as_deref();
    let first = whole.and_then(|name| name.split_once('.'));
    // What has no name of its own is known by its id: a domain, an address, a link.
    let id = whole.is_none().then_some(facts.id.as_str());
    whole
        .into_iter()
        .chain(first.map(|(first, _)| first))
        .chain(id)
}

/// Whether `text` fits a pattern with `*` and `?`, in whatever case.
fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let (mut at, mut in_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(&c) if c == '?' || c == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => match star {
                // The last star takes one character more.
                Some((of_star, from)) => {
                    star = Some((of_star, from + 1));
                    at = of_star + 1;
                    in_text = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn device() -> Facts {
        Facts {
            entity: "device".to_owned(),
            id: "id1".to_owned(),
            name: Some("DC01.corp.example".to_owned()),
            aliases: vec!["10.0.0.4".to_owned()],
            tags: vec!["Crown-Jewel".to_owned()],
            groups: vec!["Domain Controllers".to_owned()],
            os: Some("WindowsServer2022".to_owned()),
            roles: vec!["server".to_owned()],
        }
    }

    fn wanted(text: &str) -> Wanted {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn each_word_of_a_rule_looks_at_its_own_fact_in_whatever_case() {
        for rule in [
            "{id: ID1}",
            "{id: 10.0.0.4}",
            "{name: dc01}",
            "{name: dc01.CORP.example}",
            "{name_glob: 'dc*'}",
            "{name_glob: '*.corp.example'}",
            "{tag: crown-jewel}",
            "{group: domain controllers}",
            "{os_prefix: windowsserver}",
            "{role: server}",
            "{role: server, tag: crown-jewel}",
        ] {
            assert!(holds(&wanted(rule), &device()), "{rule}");
        }
    }

    #[test]
    fn a_part_of_a_name_is_another_name_and_all_words_have_to_hold() {
        for rule in [
            "{name: dc0}",
            "{name: dc01.corp}",
            "{name_glob: 'c0*'}",
            "{tag: crown}",
            "{os_prefix: Windows10}",
            "{role: server, tag: other}",
            "{}",
        ] {
            assert!(!holds(&wanted(rule), &device()), "{rule}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_without_stars_fits_itself_alone(a in "[a-c.]{0,6}", b in "[a-c.]{0,6}") {
            prop_assert_eq!(fits(&a, &b), a == b);
        }

        #[test]
        fn a_star_fits_whatever_stands_in_its_place(
            a in "[ab]{0,4}",
            b in "[ab]{0,4}",
            c in "[ab]{0,4}",
        ) {
            let text = format!("{a}{b}{c}");
            let pattern = format!("{a}*{c}");
            prop_assert!(fits(&pattern, &text));
        }
    }
}
