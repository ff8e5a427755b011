//! Filters that encode and hash.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest, Sha256};

use super::*;

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "base64",
        summary: "The UTF-8 bytes of a text in Base64.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Text,
        writes: None,
        example: ("'ab' | base64", r#""YWI=""#),
        run: |call, budget| {
            budget.make(call.text().len() / 3 * 4 + 4)?;
            Ok(BASE64.encode(call.text()).into())
        },
    },
    Filter {
        name: "base64_decode",
        summary: "The text in a Base64 text, padded or not; `encoding` is `utf-8` or `utf-16le`, \
                  as PowerShell uses it.",
        input: Kinds::TEXT,
        params: &[optional("encoding", Kinds::TEXT)],
        result: |_, _| Type::Text,
        writes: None,
        example: ("'dwBoAG8A' | base64_decode('utf-16le')", r#""who""#),
        run: base64_decode,
    },
    Filter {
        name: "hex",
        summary: "The UTF-8 bytes of a text as hex digits.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Text,
        writes: None,
        example: ("'ab' | hex", r#""6162""#),
        run: |call, budget| {
            budget.make(call.text().len() * 2)?;
            Ok(hex(call.text().as_bytes()).into())
        },
    },
    Filter {
        name: "url_encode",
        summary: "Text as a part of a URL: all but letters, digits and `-._~` as `%XX`.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Text,
        writes: Some(Language::Url),
        example: ("'a b/c' | url_encode", r#""a%20b%2Fc""#),
        run: |call, budget| {
            budget.make(call.text().len() * 3)?;
            Ok(super::super::encode::percent(call.text()).into())
        },
    },
    Filter {
        name: "sha256",
        summary: "The SHA-256 digest of the UTF-8 bytes of a text, in hex.",
        input: Kinds::TEXT,
        params: &[],
        result: |_, _| Type::Text,
        writes: None,
        example: (
            "'abc' | sha256",
            r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#,
        ),
        run: |call, budget| {
            budget.search(call.text().len())?;
            budget.make(64)?;
            Ok(hex(&Sha256::digest(call.text())).into())
        },
    },
];

const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT_PADDING);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT_PADDING);
const LENIENT_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn base64_decode<'a>(call: Call<'_, 'a>, budget: &mut Budget) -> Result<Val<'a>, Fault> {
    let text = call.text();
    budget.make(text.len())?;
    let url_safe = text.contains(['-', '_']);
    let bytes = if url_safe {
        BASE64_URL.decode(text)
    } else {
        BASE64.decode(text)
    };
    let bytes = bytes.map_err(|_| Fault::new("`base64_decode` found no Base64"))?;
    let decoded = match call.text_arg(0).unwrap_or("utf-8") {
        "utf-8" => String::from_utf8(bytes).ok(),
        "utf-16le" => utf16le(&bytes),
        other => {
            let message = format!("`base64_decode` knows `utf-8` and `utf-16le`, found `{other}`");
            return Err(Fault::new(message));
        }
    };
    decoded
        .map(Val::from)
        .ok_or_else(|| Fault::new("the decoded bytes are no text"))
}

fn utf16le(bytes: &[u8]) -> Option<String> {
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16(&units).ok()
}
