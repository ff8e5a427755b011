//! Everything that looks random: derived from a seed, a label and a number.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The root of a family of made-up values; the same seed gives the same values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed([u8; 32]);

impl Seed {
    pub(crate) fn new(number: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"quell emulator");
        hash.update(number.to_le_bytes());
        Self(hash.finalize().into())
    }

    /// A seed of its own for everything below `label`.
    pub(crate) fn child(&self, label: &str) -> Self {
        Self(self.digest(label, 0))
    }

    /// The 32 bytes that belong to `label` and `number`.
    pub(crate) fn digest(&self, label: &str, number: u64) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(number.to_le_bytes());
        hash.update(label.as_bytes());
        hash.finalize().into()
    }

    /// A GUID of version 4 form.
    pub(crate) fn guid(&self, label: &str, number: u64) -> String {
        let mut bytes = self.digest(label, number);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex = hex(&bytes[..16]);
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    /// `length` hexadecimal digits, at most 64.
    pub(crate) fn hex(&self, label: &str, number: u64, length: usize) -> String {
        let mut text = hex(&self.digest(label, number));
        text.truncate(length);
        text
    }

    /// A number below `end`, or 0 when `end` is 0.
    pub(crate) fn below(&self, label: &str, number: u64, end: u64) -> u64 {
        let bytes = self.digest(label, number);
        let mut eight = [0_u8; 8];
        eight.copy_from_slice(&bytes[..8]);
        u64::from_le_bytes(eight).checked_rem(end).unwrap_or(0)
    }

    /// One of `choices`, which must not be empty.
    pub(crate) fn pick<'a, T>(&self, label: &str, number: u64, choices: &'a [T]) -> &'a T {
        let end = u64::try_from(choices.len()).unwrap_or(u64::MAX);
        &choices[usize::try_from(self.below(label, number, end)).unwrap_or(0)]
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
