//! Random operations of three users, against a small model of the namespace: the same results, the
//! same classes of exceptions, and the same tree at the end.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const PATHS: [&str; 11] = [
    "/a", "/a/b", "/a/b/c", "/a/f", "/a/f/x", "/d", "/d/f", "/d/e/f", "/d/e", "/f", "/",
];

const USERS: [&str; 3] = ["alice", "bob", "hdfs"];

const DENIED: &str = "AccessControlException";
const NOT_A_DIRECTORY: &str = "ParentNotDirectoryException";
const NOT_FOUND: &str = "FileNotFoundException";
const EXISTS: &str = "FileAlreadyExistsException";
const IMPOSSIBLE: &str = "IOException";

/// The result of an operation, or the class of its exception.
type Verdict = Result<bool, &'static str>;

#[derive(Clone, Debug)]
enum Operation {
    Mkdirs(u16),
    Create,
    Delete { recursive: bool },
    Chmod(u16),
    Chown(Option<&'static str>, Option<&'static str>),
    Rename { dst: &'static str, overwrite: bool },
    Exists,
}

#[derive(Clone, PartialEq, Debug)]
struct Node {
    directory: bool,
    owner: String,
    group: String,
    mode: u16,
}

/// A namespace as a map from paths to nodes.
struct Model(BTreeMap<String, Node>);

fn group_of(user: &str) -> &'static str {
    match user {
        "alice" => "staff",
        "bob" => "students",
        _ => "",
    }
}

/// Returns the directories above a path, from the root on.
fn above(path: &str) -> Vec<String> {
    if path == "/" {
        return Vec::new();
    }
    let ends = path.match_indices('/').skip(1).map(|(end, _)| end);
    let mut all = vec!["/".to_owned()];
    all.extend(ends.map(|end| path[..end].to_owned()));
    all
}

fn is_below(path: &str, top: &str) -> bool {
    path != top && (top == "/" || path.starts_with(&format!("{top}/")))
}

impl Model {
    fn new() -> Self {
        let root = Node {
            directory: true,
            owner: "hdfs".to_owned(),
            group: "supergroup".to_owned(),
            mode: 0o777,
        };
        Self([("/".to_owned(), root)].into())
    }

    fn may(&self, user: &str, path: &str, bits: u16) -> Result<(), &'static str> {
        let node = &self.0[path];
        let granted = if node.owner == user {
            node.mode >> 6
        } else if node.group == group_of(user) {
            node.mode >> 3
        } else {
            node.mode
        };
        if user == "hdfs" || bits & !granted == 0 {
            Ok(())
        } else {
            Err(DENIED)
        }
    }

    fn traverse(&self, user: &str, path: &str, file: &'static str) -> Result<(), &'static str> {
        for directory in above(path) {
            let Some(node) = self.0.get(&directory) else {
                break;
            };
            if !node.directory {
                return Err(file);
            }
            self.may(user, &directory, 1)?;
        }
        Ok(())
    }

    /// Returns the nearest directory above a path that exists.
    fn nearest(&self, path: &str) -> String {
        let above = above(path).into_iter().rev();
        above
            .into_iter()
            .find(|directory| self.0.contains_key(directory))
            .unwrap_or_else(|| "/".to_owned())
    }

    fn children(&self, path: &str) -> Vec<String> {
        let below = self.0.keys().filter(|other| is_below(other, path));
        below
            .filter(|other| above(other).last().is_some_and(|parent| parent == path))
            .cloned()
            .collect()
    }

    fn sticky(&self, user: &str, parent: &str, path: &str) -> Result<(), &'static str> {
        let (directory, node) = (&self.0[parent], &self.0[path]);
        let theirs = directory.owner != user && node.owner != user;
        if user != "hdfs" && directory.mode & 0o1000 != 0 && theirs {
            return Err(DENIED);
        }
        Ok(())
    }

    /// Checks that an entry may be taken out of its directory.
    fn remove_from_parent(&self, user: &str, path: &str) -> Result<(), &'static str> {
        self.traverse(user, path, DENIED)?;
        let Some(parent) = above(path).pop().filter(|it| self.0.contains_key(it)) else {
            return Ok(());
        };
        if self.0.contains_key(path) {
            self.sticky(user, &parent, path)?;
        }
        self.may(user, &parent, 2)
    }

    fn add(&mut self, path: &str, directory: bool, owner: &str, mode: u16, above_mode: u16) {
        for missing in above(path) {
            if !self.0.contains_key(&missing) {
                self.add_one(&missing, true, owner, above_mode);
            }
        }
        self.add_one(path, directory, owner, mode);
    }

    fn add_one(&mut self, path: &str, directory: bool, owner: &str, mode: u16) {
        let parent = above(path).pop().expect("the root is there");
        let node = Node {
            directory,
            owner: owner.to_owned(),
            group: self.0[&parent].group.clone(),
            mode,
        };
        self.0.insert(path.to_owned(), node);
    }

    fn perform(&mut self, user: &str, path: &str, operation: &Operation) -> Verdict {
        let known = self.0.get(path).cloned();
        match operation {
            Operation::Mkdirs(mode) => {
                self.traverse(user, path, NOT_A_DIRECTORY)?;
                match known {
                    Some(node) if node.directory => return Ok(true),
                    Some(_) => return Err(EXISTS),
                    None => {}
                }
                self.may(user, &self.nearest(path), 2)?;
                self.add(path, true, user, *mode, mode & 0o777 | 0o300);
                Ok(true)
            }
            Operation::Create => {
                self.traverse(user, path, NOT_A_DIRECTORY)?;
                if path == "/" {
                    return Err(EXISTS);
                }
                let nearest = self.nearest(path);
                self.may(user, &nearest, 2)?;
                if known.is_some() {
                    return Err(EXISTS);
                }
                let implicit = self.0[&nearest].mode & 0o777 | 0o300;
                self.add(path, false, user, 0o644, implicit);
                Ok(true)
            }
            Operation::Delete { recursive } => self.delete(user, path, *recursive),
            Operation::Chmod(mode) => {
                self.owned(user, path)?.mode = *mode;
                Ok(true)
            }
            Operation::Chown(owner, group) => {
                let node = self.owned(user, path)?;
                let foreign = owner.is_some_and(|owner| owner != user)
                    || group.is_some_and(|group| group != group_of(user));
                if user != "hdfs" && foreign {
                    return Err(DENIED);
                }
                node.owner = owner.map_or(node.owner.clone(), str::to_owned);
                node.group = group.map_or(node.group.clone(), str::to_owned);
                Ok(true)
            }
            Operation::Rename { dst, overwrite } => self.rename(user, path, dst, *overwrite),
            Operation::Exists => match self.traverse(user, path, DENIED) {
                Err(_) if user == "hdfs" => Ok(false),
                Err(denied) => Err(denied),
                Ok(()) => Ok(known.is_some()),
            },
        }
    }

    fn owned(&mut self, user: &str, path: &str) -> Result<&mut Node, &'static str> {
        self.traverse(user, path, DENIED)?;
        let node = self.0.get_mut(path).ok_or(NOT_FOUND)?;
        if user != "hdfs" && node.owner != user {
            return Err(DENIED);
        }
        Ok(node)
    }

    fn delete(&mut self, user: &str, path: &str, recursive: bool) -> Verdict {
        self.remove_from_parent(user, path)?;
        if !self.0.contains_key(path) {
            return Ok(false);
        }
        let tree: Vec<String> = self
            .0
            .keys()
            .filter(|other| *other == path || is_below(other, path))
            .cloned()
            .collect();
        for directory in tree.iter().filter(|it| self.0[*it].directory) {
            let children = self.children(directory);
            if !children.is_empty() {
                self.may(user, directory, 7)?;
            }
            for child in children {
                self.sticky(user, directory, &child)?;
            }
        }
        if tree.len() > 1 && !recursive {
            return Err("PathIsNotEmptyDirectoryException");
        }
        if path == "/" {
            return Ok(false);
        }
        self.0.retain(|other, _| !tree.contains(other));
        Ok(true)
    }

    fn rename(&mut self, user: &str, src: &str, dst: &str, overwrite: bool) -> Verdict {
        self.traverse(user, src, DENIED)?;
        self.traverse(user, dst, NOT_A_DIRECTORY)?;
        self.remove_from_parent(user, src)?;
        if dst != "/" {
            self.may(user, &self.nearest(dst), 2)?;
        }
        let moved = self.0.get(src).ok_or(NOT_FOUND)?;
        if src == "/" {
            return Err(IMPOSSIBLE);
        }
        if src == dst {
            return Err(EXISTS);
        }
        if is_below(dst, src) || dst == "/" {
            return Err(IMPOSSIBLE);
        }
        if let Some(replaced) = self.0.get(dst) {
            if replaced.directory != moved.directory {
                return Err(IMPOSSIBLE);
            }
            if !overwrite {
                return Err(EXISTS);
            }
            if !self.children(dst).is_empty() {
                return Err(IMPOSSIBLE);
            }
        }
        if !above(dst).iter().all(|it| self.0.contains_key(it)) {
            return Err(NOT_FOUND);
        }
        let tree: Vec<String> = self
            .0
            .keys()
            .filter(|other| *other == src || is_below(other, src))
            .cloned()
            .collect();
        for path in tree {
            let node = self.0.remove(&path).expect("just listed");
            self.0.insert(format!("{dst}{}", &path[src.len()..]), node);
        }
        Ok(true)
    }
}

/// Performs an operation with the NameNode.
fn perform(session: &Session<'_>, path: &str, operation: &Operation) -> Result<bool, HdfsError> {
    match operation {
        Operation::Mkdirs(mode) => session.mkdirs(path, (*mode).into()),
        Operation::Create => {
            session.create(path)?;
            session.complete(path, None)
        }
        Operation::Delete { recursive } => session.delete(path, *recursive),
        Operation::Chmod(mode) => session.chmod(path, (*mode).into()).map(|()| true),
        Operation::Chown(owner, group) => session.chown(path, *owner, *group).map(|()| true),
        Operation::Rename { dst, overwrite } => {
            let request = Rename2RequestProto {
                src: path.to_owned(),
                dst: (*dst).to_owned(),
                overwrite_dest: *overwrite,
                ..Rename2RequestProto::default()
            };
            session
                .call::<Rename2ResponseProto>("rename2", &request)
                .map(|_| true)
        }
        Operation::Exists => session.status(path).map(|status| status.is_some()),
    }
}

/// Returns the namespace as the superuser sees it.
fn tree(fixture: &Fixture) -> BTreeMap<String, Node> {
    let hdfs = fixture.hdfs();
    let mut found = BTreeMap::new();
    let mut pending = vec!["/".to_owned()];
    while let Some(path) = pending.pop() {
        let status = hdfs.stat(&path);
        let directory = status.file_type() == hdfs_file_status_proto::FileType::IsDir;
        if directory {
            let names = hdfs.list(&path).expect("it exists");
            let join = |name: &String| format!("{}/{name}", path.trim_end_matches('/'));
            pending.extend(names.iter().map(join));
        }
        let node = Node {
            directory,
            owner: status.owner,
            group: status.group,
            mode: status.permission.perm as u16 & 0o1777,
        };
        found.insert(path, node);
    }
    found
}

fn operations() -> impl Strategy<Value = Operation> {
    let mode = || prop_oneof![0o700..=0o777_u16, Just(0o1777), Just(0o755), Just(0)];
    let owner = prop_oneof![Just(None), Just(Some("alice")), Just(Some("bob"))];
    let group = prop_oneof![Just(None), Just(Some("staff")), Just(Some("students"))];
    let dst = proptest::sample::select(&PATHS[..]);
    prop_oneof![
        mode().prop_map(Operation::Mkdirs),
        Just(Operation::Create),
        any::<bool>().prop_map(|recursive| Operation::Delete { recursive }),
        mode().prop_map(Operation::Chmod),
        (owner, group).prop_map(|(owner, group)| Operation::Chown(owner, group)),
        (dst, any::<bool>()).prop_map(|(dst, overwrite)| Operation::Rename { dst, overwrite }),
        Just(Operation::Exists),
    ]
}

/// Returns the number of sequences: `KERBOX_LAW` in `.ci/long`.
fn cases() -> u32 {
    let asked = std::env::var("KERBOX_LAW").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(256)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_answer_is_the_models(
        steps in proptest::collection::vec(
            (
                proptest::sample::select(&USERS[..]),
                proptest::sample::select(&PATHS[..]),
                operations(),
            ),
            0..60,
        ),
    ) {
        let fixture = Fixture::new();
        fixture.hdfs().chmod("/", 0o777).expect("the superuser");
        let mut model = Model::new();
        for (user, path, operation) in steps {
            let expected = model.perform(user, path, &operation);
            let answer = perform(&fixture.user(user), path, &operation);
            let class = answer
                .as_ref()
                .map(|result| *result)
                .map_err(|error| error.class().rsplit('.').next().unwrap_or_default());
            prop_assert_eq!(class, expected, "{} {:?} {}: {:?}", user, &operation, path, &answer);
        }
        prop_assert_eq!(tree(&fixture), model.0);
    }
}
