//! What a namespace with snapshots shows, as text: two states that show the same are as good.

use std::fmt::Write;

use crate::namenode::state::State;
use crate::namenode::state::inode::{InodeId, InodeKind};
use crate::namenode::state::name::Name;
use crate::namenode::state::snapshot::diff::Diff;
use crate::namenode::state::snapshot::view::View;

/// Fails if two states show something else, and says what.
pub(in crate::namenode::tests) fn compare(state: &State, loaded: &State) -> Result<(), String> {
    let (one, other) = (lines(state), lines(loaded));
    let differs = one.iter().zip(&other).find(|(one, other)| one != other);
    match differs {
        Some((one, other)) => Err(format!("before the image: {one}\nafter it: {other}")),
        None if one.len() == other.len() => Ok(()),
        None => Err(format!("{} lines instead of {}", other.len(), one.len())),
    }
}

fn lines(state: &State) -> Vec<String> {
    let namespace = state.namespace();
    let mut lines = vec![format!(
        "leases {:?}, {:?}, {:?}, {} {} {} {}",
        state.leases(),
        state.caching(),
        state.tokens(),
        namespace.last_id(),
        state.last_allocated_block_id(),
        state.generation_stamp(),
        state.transaction_id(),
    )];
    for id in namespace.ids() {
        let summary = namespace.view(None).summary(id);
        lines.push(format!("{:?} {summary:?}", namespace.inode(id)));
    }
    let mut kept = namespace.kept_blocks();
    kept.sort_by_key(|kept| kept.block.id);
    lines.push(format!("{kept:?}"));
    let snapshots = namespace.snapshots();
    lines.push(format!("{} taken", snapshots.taken()));
    for (root, snapshottable) in snapshots.roots() {
        lines.push(format!("root {root}, {}", snapshottable.quota));
        let mut ids: Vec<_> = snapshottable.by_name().collect();
        for (id, snapshot) in &ids {
            lines.push(format!("snapshot {id} {}", snapshot.root.name));
            tree(
                namespace.view(Some(*id)),
                (&snapshot.root.name, root),
                &mut lines,
            );
        }
        ids.sort_by_key(|(id, _)| *id);
        for (earlier, _) in &ids {
            for later in ids.iter().map(|(id, _)| Some(*id)).chain([None]) {
                let diff = Diff::new(namespace, root, *earlier, later);
                if later.is_none_or(|later| later > *earlier) {
                    lines.push(format!("from {earlier} to {later:?}{}", changes(&diff)));
                }
            }
        }
    }
    lines
}

/// Adds a line for an inode and for each one below it.
fn tree(view: View<'_>, (name, id): (&str, InodeId), lines: &mut Vec<String>) {
    let inode = view.inode(id);
    let kind = match &inode.kind {
        InodeKind::Directory(directory) => {
            format!("{:?} {}", directory.quota(), view.children_len(id))
        }
        InodeKind::File(file) => {
            let length = view.kept_length(id).unwrap_or_else(|| file.usage().0);
            let blocks: Vec<u64> = file.blocks.iter().map(|block| block.id).collect();
            let sizes = (file.replication, file.block_size);
            format!("{length} {blocks:?} {sizes:?} {:?}", view.usage(id))
        }
        InodeKind::Symlink(target) => target.to_string(),
    };
    lines.push(format!(
        "{name} {id} {} {} {} {:?} {} {:?} {:?} {kind}",
        inode.owner,
        inode.group,
        inode.mode,
        (inode.modification_time, inode.access_time),
        inode.storage_policy,
        inode.acl(),
        inode.xattrs(),
    ));
    for (Name(name), child) in view.children_after(id, "").0 {
        assert_eq!(view.child(id, name), Some(child), "{name}");
        tree(view, (name, child), lines);
    }
}

fn changes(diff: &Diff<'_>) -> String {
    let mut text = String::new();
    diff.visit(&[], |change| {
        let _infallible = write!(text, "\n{:?} {}", change.path, change.id);
        if let Some(children) = &change.children {
            for (Name(name), id) in &children.created {
                let _infallible = write!(text, " +{name} {id} {}", diff.is_reference(*id));
            }
            for (Name(name), id) in &children.deleted {
                let _infallible = write!(text, " -{name} {id} {:?}", diff.target(*id));
            }
        }
        true
    });
    text
}
