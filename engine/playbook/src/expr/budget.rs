//! What one evaluation may use up. Everything that takes time or memory in proportion to its input
//! pays here, *before* it does the work.

use super::value::Fault;

/// Operations of one evaluation.
pub(super) const OPERATIONS_MAX: u32 = 20_000;
/// Bytes of the result, and bytes of everything made on the way.
pub(super) const RESULT_BYTES_MAX: usize = 1 << 20;

/// An operation is split, so that looking at one element of a long list costs less than a whole.
const UNITS_PER_OPERATION: u32 = 32;
/// Bytes of text that cost as much as one element.
const BYTES_PER_UNIT: usize = 32;

#[derive(Debug)]
pub(super) struct Budget {
    units: u32,
    bytes: usize,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self {
            units: OPERATIONS_MAX * UNITS_PER_OPERATION,
            bytes: RESULT_BYTES_MAX,
        }
    }

    /// Pays for one node of the expression.
    #[inline]
    pub(super) fn operation(&mut self) -> Result<(), Fault> {
        self.pay(UNITS_PER_OPERATION)
    }

    /// Pays for `count` whole operations.
    pub(super) fn operations(&mut self, count: u32) -> Result<(), Fault> {
        self.pay(count.saturating_mul(UNITS_PER_OPERATION))
    }

    /// Pays for looking at `count` elements.
    #[inline]
    pub(super) fn elements(&mut self, count: usize) -> Result<(), Fault> {
        self.pay(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Pays for reading `bytes` of text.
    #[inline]
    pub(super) fn read(&mut self, bytes: usize) -> Result<(), Fault> {
        self.elements(bytes / BYTES_PER_UNIT)
    }

    /// Pays for matching a pattern against `bytes` of text, which is slower than reading it.
    pub(super) fn search(&mut self, bytes: usize) -> Result<(), Fault> {
        self.elements(1 + bytes / (BYTES_PER_UNIT / 8))
    }

    /// Pays for `bytes` of new text or list; also pays for writing them.
    #[inline]
    pub(super) fn make(&mut self, bytes: usize) -> Result<(), Fault> {
        match self.bytes.checked_sub(bytes) {
            Some(rest) => self.bytes = rest,
            None => return Err(too_large()),
        }
        self.read(bytes)
    }

    #[inline]
    fn pay(&mut self, units: u32) -> Result<(), Fault> {
        match self.units.checked_sub(units) {
            Some(rest) => {
                self.units = rest;
                Ok(())
            }
            None => {
                self.units = 0;
                Err(Fault::new(format!(
                    "the expression needs more than {OPERATIONS_MAX} operations"
                )))
            }
        }
    }
}

pub(super) fn too_large() -> Fault {
    Fault::new(format!(
        "the expression makes more than {} KiB",
        RESULT_BYTES_MAX / 1024
    ))
}
