//! The numbers under which an image holds names of users, groups and attributes
//! (`SerialNumberManager`).

use std::collections::HashMap;
use std::sync::Arc;

/// The kind of name that a number stands for. Each kind has its own numbers; the highest bits of a
/// key name the kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Names {
    User = 1,
    Group = 2,
    XAttr = 3,
}

/// The strings of an image that is read.
#[derive(Debug)]
pub(super) struct StringTable {
    strings: HashMap<u32, Arc<str>>,
    empty: Arc<str>,
    mask_bits: u32,
}

impl StringTable {
    /// Creates a table whose keys have this number of bits for the kind of name; 0 if one
    /// numbering serves all.
    pub(super) fn new(mask_bits: u32) -> Self {
        Self {
            strings: HashMap::new(),
            empty: "".into(),
            mask_bits,
        }
    }

    pub(super) fn insert(&mut self, key: u32, string: &str) {
        self.strings.insert(key, string.into());
    }

    /// Returns a name by its number; 0 is the empty name.
    pub(super) fn get(&self, names: Names, number: u32) -> Result<&Arc<str>, String> {
        let mask = match self.mask_bits {
            0 => 0,
            bits => (names as u32)
                .checked_shl(32_u32.saturating_sub(bits))
                .unwrap_or(0),
        };
        if number == 0 {
            return Ok(&self.empty);
        }
        let found = self.strings.get(&(number | mask));
        found.ok_or_else(|| format!("{names:?} {number} is not in the string table"))
    }
}

/// Numbers the strings of an image that is written, from 1 on.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    numbers: HashMap<Arc<str>, u32>,
    strings: Vec<Arc<str>>,
}

impl Numbering {
    /// Returns the number of a string; 0 if it is empty.
    pub(super) fn number(&mut self, string: &Arc<str>) -> u32 {
        if string.is_empty() {
            return 0;
        }
        if let Some(number) = self.numbers.get(string) {
            return *number;
        }
        self.strings.push(Arc::clone(string));
        let number = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        self.numbers.insert(Arc::clone(string), number);
        number
    }

    /// Returns the strings; the first has number 1.
    pub(super) fn strings(&self) -> &[Arc<str>] {
        &self.strings
    }
}
