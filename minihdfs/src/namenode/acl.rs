//! Access control lists as an inode stores them (Hadoop's `AclStorage`).
//!
//! An inode's permission bits hold the owner's entry, the **mask** (in place of the group's) and
//! the others' entry. An [`Acl`] holds the rest.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::proto::hdfs::AclEntryProto;
use crate::proto::hdfs::acl_entry_proto::{
    AclEntryScopeProto as Scope, AclEntryTypeProto as Type, FsActionProto,
};

/// One entry. The derived order is the order of Hadoop's lists: scope, type, unnamed first, name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AclEntry {
    /// The access list, or the list that children inherit.
    pub scope: Scope,
    /// User, group, mask or others.
    pub kind: Type,
    /// The user or group; `None` for the owner, the owning group, the mask and others.
    pub name: Option<Arc<str>>,
    /// rwx bits.
    pub permissions: u8,
}

impl AclEntry {
    pub(super) fn base(scope: Scope, kind: Type, permissions: u16) -> Self {
        Self {
            scope,
            kind,
            name: None,
            permissions: (permissions & 7) as u8,
        }
    }

    pub(super) fn has_key_of(&self, other: &Self) -> bool {
        self.compare_keys(other).is_eq()
    }

    pub(super) fn compare_keys(&self, other: &Self) -> Ordering {
        (self.scope, self.kind, &self.name).cmp(&(other.scope, other.kind, &other.name))
    }

    pub(crate) fn from_proto(entry: AclEntryProto) -> Self {
        Self {
            scope: entry.scope(),
            kind: entry.r#type(),
            permissions: entry.permissions() as u8 & 7,
            name: entry.name.filter(|name| !name.is_empty()).map(Into::into),
        }
    }

    pub(crate) fn to_proto(&self) -> AclEntryProto {
        AclEntryProto {
            r#type: self.kind.into(),
            scope: self.scope.into(),
            permissions: FsActionProto::try_from(i32::from(self.permissions))
                .unwrap_or_default()
                .into(),
            name: self.name.as_deref().map(str::to_owned),
        }
    }
}

impl fmt::Display for AclEntry {
    /// Formats the entry as `default:user:bob:rwx`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = if self.scope == Scope::Default {
            "default:"
        } else {
            ""
        };
        let kind = self.kind.as_str_name().to_ascii_lowercase();
        let name = self.name.as_deref().unwrap_or_default();
        let bit = |bit: u8, letter: char| {
            if self.permissions & bit != 0 {
                letter
            } else {
                '-'
            }
        };
        write!(
            f,
            "{scope}{kind}:{name}:{}{}{}",
            bit(4, 'r'),
            bit(2, 'w'),
            bit(1, 'x')
        )
    }
}

/// The entries stored beside an inode's permission bits. If the access list has more than the three
/// base entries, these are its named users, its group and its named groups. The complete default
/// list follows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Acl {
    entries: Vec<AclEntry>,
}

impl Acl {
    /// The list of an inode whose permission bits are all there is.
    pub(crate) const EMPTY: Self = Self {
        entries: Vec::new(),
    };

    /// Returns the list that has these stored entries.
    pub(crate) fn from_entries(entries: Vec<AclEntry>) -> Self {
        Self { entries }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the entries as `getAclStatus` shows them.
    pub(crate) fn entries(&self) -> &[AclEntry] {
        &self.entries
    }

    /// Returns the named users, the group and the named groups; empty if the permission bits are
    /// the whole access list.
    pub(crate) fn access(&self) -> &[AclEntry] {
        &self.entries[..self.split()]
    }

    pub(crate) fn defaults(&self) -> &[AclEntry] {
        &self.entries[self.split()..]
    }

    fn split(&self) -> usize {
        self.entries
            .partition_point(|entry| entry.scope == Scope::Access)
    }

    /// Returns the complete sorted list of an inode with these bits.
    pub(crate) fn logical(&self, mode: u16) -> Vec<AclEntry> {
        let mut list = vec![AclEntry::base(Scope::Access, Type::User, mode >> 6)];
        if self.access().is_empty() {
            list.push(AclEntry::base(Scope::Access, Type::Group, mode >> 3));
        } else {
            list.extend_from_slice(self.access());
            list.push(AclEntry::base(Scope::Access, Type::Mask, mode >> 3));
        }
        list.push(AclEntry::base(Scope::Access, Type::Other, mode));
        list.extend_from_slice(self.defaults());
        list
    }

    /// Splits a sorted, complete list into the stored entries and the permission bits. The bits
    /// above rwx come from `mode`.
    pub(crate) fn stored(list: Vec<AclEntry>, mode: u16) -> (Self, u16) {
        let extended = list
            .iter()
            .filter(|entry| entry.scope == Scope::Access)
            .count()
            > 3;
        let mut mode = mode & !0o777;
        let mut entries = Vec::with_capacity(list.len());
        for entry in list {
            let bits = u16::from(entry.permissions);
            match (entry.scope, entry.kind, entry.name.is_some()) {
                (Scope::Access, Type::User, false) => mode |= bits << 6,
                (Scope::Access, Type::Mask, _) => mode |= bits << 3,
                (Scope::Access, Type::Other, _) => mode |= bits,
                (Scope::Access, Type::Group, false) if !extended => mode |= bits << 3,
                _ => entries.push(entry),
            }
        }
        entries.shrink_to_fit();
        (Self { entries }, mode)
    }

    /// Returns the list and mode that a new child inherits, if this list has default entries.
    /// `mode` is the mode requested for the child.
    pub(crate) fn inherited(&self, mode: u16, is_directory: bool) -> Option<(Self, u16)> {
        let defaults = self.defaults();
        if defaults.is_empty() {
            return None;
        }
        let minimal = defaults.len() == 3;
        let mut list: Vec<AclEntry> = defaults
            .iter()
            .map(|entry| {
                let limit = match (entry.kind, entry.name.is_some()) {
                    (Type::User, false) => mode >> 6,
                    (Type::Group, _) if minimal => mode >> 3,
                    (Type::Mask, _) => mode >> 3,
                    (Type::Other, _) => mode,
                    _ => 7,
                };
                AclEntry {
                    scope: Scope::Access,
                    permissions: entry.permissions & (limit & 7) as u8,
                    ..entry.clone()
                }
            })
            .collect();
        if is_directory {
            list.extend_from_slice(defaults);
        }
        Some(Self::stored(list, mode))
    }
}
