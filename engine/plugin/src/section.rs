//! Custom sections of a component file: the envelope, not the content.
//!
//! A component is a header of eight bytes and a list of sections: one byte of kind, the length as
//! LEB128, the content. Kind 0 is custom: a name with its length, then whatever its owner wants.

/// The eight bytes every component begins with.
const HEADER: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

/// The contents of every custom section called `name`, outermost level only.
///
/// # Errors
///
/// With a reason for people when the bytes are not a list of sections.
pub(crate) fn find<'a>(component: &'a [u8], name: &str) -> Result<Vec<&'a [u8]>, &'static str> {
    let mut rest = component
        .strip_prefix(&HEADER)
        .ok_or("it is not a WebAssembly component")?;
    let mut found = Vec::new();
    while let Some((kind, tail)) = rest.split_first() {
        let (content, tail) = counted(tail).ok_or("it is cut off")?;
        if *kind == 0 {
            let (title, content) = counted(content).ok_or("it is cut off")?;
            if title == name.as_bytes() {
                found.push(content);
            }
        }
        rest = tail;
    }
    Ok(found)
}

/// The bytes before a section, and its content.
type BodyAndContent<'a> = (&'a [u8], &'a [u8]);

/// The bytes before the last section and its content, where that section is custom and called
/// `name`; it must not stand anywhere else.
///
/// # Errors
///
/// With a reason for people.
pub(crate) fn last<'a>(
    component: &'a [u8],
    name: &str,
) -> Result<Option<BodyAndContent<'a>>, &'static str> {
    let found = find(component, name)?;
    let content = match found.as_slice() {
        [] => return Ok(None),
        [content] => *content,
        _ => return Err("it has a section twice that may be there once"),
    };
    let whole = append(&HEADER, name, content).len() - HEADER.len();
    match component.split_at_checked(component.len().saturating_sub(whole)) {
        Some((before, end)) if append(&HEADER, name, content).ends_with(end) => {
            Ok(Some((before, content)))
        }
        _ => Err("something stands behind its signature"),
    }
}

/// The component with one more custom section at its end.
pub(crate) fn append(component: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut section = Vec::with_capacity(name.len() + content.len() + 5);
    write_length(name.len(), &mut section);
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    let mut whole = component.to_vec();
    whole.push(0);
    write_length(section.len(), &mut whole);
    whole.extend_from_slice(&section);
    whole
}

/// Splits what a leading length counts from what follows it.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_u64;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return bytes
                .get(index + 1..)?
                .split_at_checked(usize::try_from(length).ok()?);
        }
    }
    None
}

fn write_length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(length & 0x7f).expect("seven bits fit a byte");
        length >>= 7;
        if length == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_found_where_it_was_appended() {
        let long = vec![7; 300];
        let one = append(&HEADER, "other", b"x");
        let two = append(&one, "mine", &long);
        assert_eq!(find(&two, "mine").unwrap(), [long.as_slice()]);
        assert_eq!(find(&two, "other").unwrap(), [b"x"]);
        assert!(find(&two, "none").unwrap().is_empty());
    }

    #[test]
    fn a_section_counts_as_the_last_one_only_at_the_end() {
        let one = append(&HEADER, "mine", &[7; 300]);
        let (before, content) = last(&one, "mine").unwrap().unwrap();
        assert_eq!((before, content), (&HEADER[..], &[7_u8; 300][..]));
        assert_eq!(last(&one, "other").unwrap(), None);
        assert!(last(&append(&one, "other", b"x"), "mine").is_err());
        assert!(last(&append(&one, "mine", b"x"), "mine").is_err());
    }

    #[test]
    fn a_damaged_file_is_refused_wherever_it_is_cut() {
        let whole = append(&HEADER, "mine", &[7; 300]);
        for end in 0..whole.len() {
            let cut = find(&whole[..end], "mine");
            assert!(cut.is_err() || end == HEADER.len(), "cut at {end}");
        }
        let endless = [&HEADER[..], &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
        assert!(find(&endless, "mine").is_err());
    }
}
