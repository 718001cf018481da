//! The operations of ClientProtocol that change an access control list. They work on the complete
//! list (Hadoop's `AclTransformation`).

use std::cmp::Ordering;
use std::fmt;

use crate::HdfsError;
use crate::namenode::acl::{Acl, AclEntry};
use crate::proto::hdfs::acl_entry_proto::{AclEntryScopeProto as Scope, AclEntryTypeProto as Type};

/// The maximum number of entries in a specification, and in one scope of a list.
const MAX_ENTRIES: usize = 32;

impl Acl {
    /// `modifyAclEntries`: adds the entries of `spec`, replacing those with the same key.
    pub(crate) fn modified(
        &self,
        mode: u16,
        spec: Vec<AclEntry>,
    ) -> Result<(Self, u16), HdfsError> {
        let spec = checked_spec(spec)?;
        let mut change = Change::default();
        let mut new = spec.clone();
        for existing in self.logical(mode) {
            new.retain(|entry| !entry.has_key_of(&existing));
            match found(&spec, &existing) {
                Some(entry) => change.put(entry.clone()),
                None => change.keep(existing),
            }
        }
        new.into_iter().for_each(|entry| change.put(entry));
        change.finish(mode)
    }

    /// `removeAclEntries`: removes the entries whose key is in `spec`.
    pub(crate) fn without(&self, mode: u16, spec: Vec<AclEntry>) -> Result<(Self, u16), HdfsError> {
        let spec = checked_spec(spec)?;
        let mut change = Change::default();
        for existing in self.logical(mode) {
            if spec.iter().any(|entry| entry.has_key_of(&existing)) {
                change.drop(&existing);
            } else {
                change.keep(existing);
            }
        }
        change.finish(mode)
    }

    /// `removeDefaultAcl`
    pub(crate) fn without_default(&self, mode: u16) -> Result<(Self, u16), HdfsError> {
        let mut list = self.logical(mode);
        list.retain(|entry| entry.scope == Scope::Access);
        Ok(Self::stored(validated(list)?, mode))
    }

    /// `removeAcl`: removes all entries. The group's own entry replaces the mask in the permission
    /// bits.
    pub(crate) fn removed(&self, mode: u16) -> (Self, u16) {
        let group = self
            .access()
            .iter()
            .find(|entry| entry.kind == Type::Group && entry.name.is_none());
        let mode = group.map_or(mode, |group| {
            mode & !0o070 | u16::from(group.permissions) << 3
        });
        (Self::default(), mode)
    }

    /// `setAcl`: replaces every scope that has entries in `spec`.
    pub(crate) fn replaced(
        &self,
        mode: u16,
        spec: Vec<AclEntry>,
    ) -> Result<(Self, u16), HdfsError> {
        let spec = checked_spec(spec)?;
        let mut change = Change::default();
        for existing in self.logical(mode) {
            if !spec.iter().any(|entry| entry.scope == existing.scope) {
                change.keep(existing);
            }
        }
        spec.into_iter().for_each(|entry| change.put(entry));
        change.finish(mode)
    }
}

/// A list under construction, with the masks given and the changes made in each scope.
#[derive(Default)]
struct Change {
    list: Vec<AclEntry>,
    masks: [Option<AclEntry>; 2],
    mask_changed: [bool; 2],
    changed: [bool; 2],
}

impl Change {
    fn keep(&mut self, entry: AclEntry) {
        if entry.kind == Type::Mask {
            let scope = entry.scope as usize;
            self.masks[scope] = Some(entry);
        } else {
            self.list.push(entry);
        }
    }

    fn put(&mut self, entry: AclEntry) {
        let scope = entry.scope as usize;
        self.changed[scope] = true;
        self.mask_changed[scope] |= entry.kind == Type::Mask;
        self.keep(entry);
    }

    fn drop(&mut self, entry: &AclEntry) {
        let scope = entry.scope as usize;
        self.changed[scope] = true;
        self.mask_changed[scope] |= entry.kind == Type::Mask;
    }

    fn finish(mut self, mode: u16) -> Result<(Acl, u16), HdfsError> {
        self.copy_missing_defaults();
        self.add_masks()?;
        Ok(Acl::stored(validated(self.list)?, mode))
    }

    /// Copies missing base entries of the default list (user, group and others) from the access
    /// list.
    fn copy_missing_defaults(&mut self) {
        if !self.list.iter().any(|entry| entry.scope == Scope::Default) {
            return;
        }
        for kind in [Type::User, Type::Group, Type::Other] {
            let base = |scope: Scope| {
                move |entry: &&AclEntry| {
                    entry.scope == scope && entry.kind == kind && entry.name.is_none()
                }
            };
            if self.list.iter().find(base(Scope::Default)).is_none()
                && let Some(access) = self.list.iter().find(base(Scope::Access)).cloned()
            {
                self.list.push(AclEntry {
                    scope: Scope::Default,
                    ..access
                });
            }
        }
    }

    fn add_masks(&mut self) -> Result<(), HdfsError> {
        for scope in [Scope::Access, Scope::Default] {
            let index = scope as usize;
            let mut in_scope = self
                .list
                .iter()
                .filter(|entry| entry.scope == scope)
                .peekable();
            if in_scope.peek().is_none() {
                continue;
            }
            let (mut needed, mut union) = (false, 0);
            for entry in in_scope {
                needed |= entry.name.is_some();
                if entry.kind == Type::Group || entry.name.is_some() {
                    union |= entry.permissions;
                }
            }
            let provided = self.masks[index].take();
            if provided.is_none() && needed && self.mask_changed[index] {
                return Err(invalid("mask is required and cannot be deleted."));
            }
            match provided {
                Some(mask) if !self.changed[index] || self.mask_changed[index] => {
                    self.list.push(mask);
                }
                None if !needed => {}
                _ => self
                    .list
                    .push(AclEntry::base(scope, Type::Mask, union.into())),
            }
        }
        Ok(())
    }
}

fn invalid(what: impl fmt::Display) -> HdfsError {
    HdfsError::acl(format!("Invalid ACL: {what}"))
}

fn checked_spec(mut spec: Vec<AclEntry>) -> Result<Vec<AclEntry>, HdfsError> {
    check_count(&spec)?;
    spec.sort_by(AclEntry::compare_keys);
    Ok(spec)
}

/// Returns the entry of a specification with the key of `wanted`. Of several it is the one that
/// Java's binary search finds first.
fn found<'a>(spec: &'a [AclEntry], wanted: &AclEntry) -> Option<&'a AclEntry> {
    let (mut first, mut end) = (0, spec.len());
    while first < end {
        let middle = (first + end - 1) / 2;
        match spec[middle].compare_keys(wanted) {
            Ordering::Less => first = middle + 1,
            Ordering::Greater => end = middle,
            Ordering::Equal => return Some(&spec[middle]),
        }
    }
    None
}

/// Checks the number of entries, which is limited for each scope.
fn check_count(list: &[AclEntry]) -> Result<(), HdfsError> {
    for (scope, name) in [(Scope::Access, "access"), (Scope::Default, "default")] {
        let count = list.iter().filter(|entry| entry.scope == scope).count();
        if count > MAX_ENTRIES {
            return Err(invalid(format_args!(
                "ACL has {count} {name} entries, which exceeds maximum of {MAX_ENTRIES}."
            )));
        }
    }
    Ok(())
}

fn refuse_duplicates(sorted: &[AclEntry]) -> Result<(), HdfsError> {
    if sorted.windows(2).any(|pair| pair[0].has_key_of(&pair[1])) {
        return Err(invalid("multiple entries with same scope, type and name."));
    }
    Ok(())
}

fn validated(mut list: Vec<AclEntry>) -> Result<Vec<AclEntry>, HdfsError> {
    list.sort_by(AclEntry::compare_keys);
    check_count(&list)?;
    refuse_duplicates(&list)?;
    if let Some(entry) = list
        .iter()
        .find(|entry| matches!(entry.kind, Type::Mask | Type::Other) && entry.name.is_some())
    {
        return Err(invalid(format_args!(
            "this entry type must not have a name: {entry}."
        )));
    }
    for (scope, complaint) in [
        (
            Scope::Access,
            "Invalid ACL: the user, group and other entries are required.",
        ),
        (
            Scope::Default,
            "Invalid default ACL: the user, group and other entries are required.",
        ),
    ] {
        let in_scope = list.iter().filter(|entry| entry.scope == scope);
        let count = in_scope.clone().count();
        let base = in_scope
            .filter(|entry| entry.kind != Type::Mask && entry.name.is_none())
            .count();
        if base != 3 && (count > 0 || scope == Scope::Access) {
            return Err(HdfsError::acl(complaint));
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(scope: Scope, kind: Type, name: &str, permissions: u8) -> AclEntry {
        AclEntry {
            scope,
            kind,
            name: (!name.is_empty()).then(|| name.into()),
            permissions,
        }
    }

    fn access(kind: Type, name: &str, permissions: u8) -> AclEntry {
        entry(Scope::Access, kind, name, permissions)
    }

    #[test]
    fn a_named_user_makes_the_group_bits_a_mask() {
        let (acl, mode) = Acl::default()
            .modified(0o640, vec![access(Type::User, "bob", 7)])
            .expect("valid");
        assert_eq!(
            mode, 0o670,
            "the mask is the union of the group's and bob's permissions"
        );
        assert_eq!(
            acl.entries(),
            [access(Type::User, "bob", 7), access(Type::Group, "", 4)]
        );
        let (acl, mode) = acl.removed(mode);
        assert_eq!(
            (acl.is_empty(), mode),
            (true, 0o640),
            "the group gets its own bits back"
        );
    }

    #[test]
    fn a_mask_that_is_given_holds_until_the_scope_changes() {
        let spec = vec![access(Type::User, "bob", 7), access(Type::Mask, "", 4)];
        let (acl, mode) = Acl::default().modified(0o644, spec).expect("valid");
        assert_eq!(mode, 0o644);
        let (acl, mode) = acl
            .modified(mode, vec![entry(Scope::Default, Type::User, "eve", 1)])
            .expect("valid");
        assert_eq!(mode, 0o644, "another scope changed");
        let (_, mode) = acl
            .modified(mode, vec![access(Type::Group, "staff", 2)])
            .expect("valid");
        assert_eq!(mode, 0o674, "the mask is made anew");
    }

    #[test]
    fn removing_a_mask_that_is_needed_is_refused() {
        let (acl, mode) = Acl::default()
            .modified(0o640, vec![access(Type::User, "bob", 7)])
            .expect("valid");
        let error = acl
            .without(mode, vec![access(Type::Mask, "", 0)])
            .expect_err("needed");
        assert_eq!(
            error.message(),
            "Invalid ACL: mask is required and cannot be deleted."
        );
        let (acl, mode) = acl
            .without(
                mode,
                vec![access(Type::Mask, "", 0), access(Type::User, "bob", 0)],
            )
            .expect("no longer needed");
        assert_eq!((acl.is_empty(), mode), (true, 0o640));
    }

    #[test]
    fn default_entries_are_completed_from_the_access_list() {
        let (acl, mode) = Acl::default()
            .modified(0o751, vec![entry(Scope::Default, Type::User, "bob", 6)])
            .expect("valid");
        assert_eq!(mode, 0o751);
        let expected = [
            entry(Scope::Default, Type::User, "", 7),
            entry(Scope::Default, Type::User, "bob", 6),
            entry(Scope::Default, Type::Group, "", 5),
            entry(Scope::Default, Type::Mask, "", 7),
            entry(Scope::Default, Type::Other, "", 1),
        ];
        assert_eq!(acl.entries(), expected);
        assert_eq!(acl.defaults(), expected);
        assert!(acl.without_default(mode).expect("valid").0.is_empty());
    }

    #[test]
    fn children_inherit_default_entries_within_what_their_creator_asked_for() {
        let (acl, _) = Acl::default()
            .modified(0o777, vec![entry(Scope::Default, Type::User, "bob", 6)])
            .expect("valid");
        let (file, mode) = acl.inherited(0o640, false).expect("there are defaults");
        assert_eq!(mode, 0o640);
        assert_eq!(
            file.entries(),
            [access(Type::User, "bob", 6), access(Type::Group, "", 7)]
        );
        let (directory, mode) = acl.inherited(0o755, true).expect("there are defaults");
        assert_eq!((mode, directory.defaults()), (0o755, acl.defaults()));
        assert!(file.inherited(0o644, false).is_none());
    }

    #[test]
    fn lists_that_make_no_sense_are_refused() {
        let twice = vec![access(Type::User, "bob", 7), access(Type::User, "bob", 1)];
        let error = Acl::default().modified(0o644, twice).expect_err("twice");
        assert_eq!(
            error.message(),
            "Invalid ACL: multiple entries with same scope, type and name."
        );
        // One that is there already is replaced by the one that Java's binary search finds.
        let base = vec![
            access(Type::User, "", 6),
            access(Type::User, "", 4),
            access(Type::Group, "", 4),
            access(Type::Other, "", 4),
        ];
        let (_, mode) = Acl::default().modified(0o700, base.clone()).expect("there");
        assert_eq!(mode, 0o444);
        assert!(Acl::default().replaced(0o700, base).is_err());
        let error = Acl::default()
            .replaced(0o644, vec![access(Type::User, "bob", 7)])
            .expect_err("incomplete");
        assert_eq!(
            error.message(),
            "Invalid ACL: the user, group and other entries are required."
        );
        let error = Acl::default()
            .modified(0o644, vec![access(Type::Other, "bob", 7)])
            .expect_err("named");
        assert!(error.message().contains("must not have a name"));
        let many = (0..33)
            .map(|n| access(Type::User, &format!("u{n}"), 7))
            .collect();
        assert!(Acl::default().modified(0o644, many).is_err());
    }
}
