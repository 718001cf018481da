//! What a client does in its own directory, and what must be there afterwards.

use std::collections::BTreeMap;

use bytes::Bytes;
use hdfs_native::Client;
use minihdfs::proto::common::{
    CancelDelegationTokenRequestProto, CancelDelegationTokenResponseProto,
    GetDelegationTokenRequestProto, GetDelegationTokenResponseProto,
    RenewDelegationTokenRequestProto, RenewDelegationTokenResponseProto, TokenProto,
};
use minihdfs::proto::hdfs::x_attr_proto::XAttrNamespaceProto;
use minihdfs::proto::hdfs::{
    CreateSnapshotRequestProto, CreateSnapshotResponseProto, DeleteSnapshotRequestProto,
    DeleteSnapshotResponseProto, GetXAttrsRequestProto, GetXAttrsResponseProto,
    SetXAttrRequestProto, SetXAttrResponseProto, XAttrProto,
};
use minihdfs::rpc::client::driver::RpcClient;
use rand::RngExt;
use rand::rngs::StdRng;

use super::Error;
use crate::clients::hdfs_native::{pattern, read, write};
use crate::support::TestResult;

/// The most entries of a directory, so that looking at all of them stays quick.
const MOST_ENTRIES: usize = 40;
/// XAttrSetFlagProto: XATTR_CREATE and XATTR_REPLACE.
const CREATE_OR_REPLACE: u32 = 0b11;

/// The two libraries that a client calls, and its directory.
#[derive(Clone)]
pub(super) struct User {
    pub(super) files: Client,
    pub(super) calls: RpcClient,
    pub(super) folder: String,
}

/// An operation of a client in its own directory.
#[derive(Clone, Debug)]
enum Operation {
    Mkdir(String),
    /// Writes a file of so many bytes.
    Write(String, usize),
    Rename(String, String),
    Delete(String),
    /// Sets an extended attribute to a number.
    Attribute(String, u32),
    Snapshot(String),
    DeleteSnapshot(String),
    GetToken,
    CancelToken(TokenProto),
}

/// An entry of a directory.
#[derive(Clone, Debug, Default, PartialEq)]
struct Entry {
    /// The length of a file; `None` for a directory.
    length: Option<usize>,
    attribute: Option<u32>,
}

type Entries = BTreeMap<String, Entry>;
/// The lengths of files, and `None` for directories.
type Lengths = BTreeMap<String, Option<usize>>;

fn lengths(entries: &Entries) -> Lengths {
    let each = entries.iter();
    each.map(|(name, entry)| (name.clone(), entry.length))
        .collect()
}

/// What must be there.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    entries: Entries,
    snapshots: BTreeMap<String, Lengths>,
    tokens: Vec<TokenProto>,
    /// The token that was cancelled last.
    cancelled: Option<TokenProto>,
}

/// The answers that one client got.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    known: Known,
    /// The operation that was not answered when the server was killed.
    open: Option<Operation>,
    pub(super) made: usize,
    /// True for a client that makes snapshots.
    pub(super) snapshots: bool,
}

impl Operation {
    /// Chooses one for what is there.
    fn choose(told: &Told, rng: &mut StdRng) -> Self {
        let known = &told.known;
        let fresh = format!("n{}", told.made);
        let nth = rng.random_range(0..known.entries.len().max(1));
        let old = known.entries.keys().nth(nth).cloned();
        let draw = match known.entries.len() {
            MOST_ENTRIES.. => 2,
            _ => rng.random_range(0..12),
        };
        match (draw, old) {
            (0, _) => Self::Mkdir(fresh),
            (1, Some(old)) => Self::Rename(old, fresh),
            (2, Some(old)) => Self::Delete(old),
            (3 | 4, Some(old)) => Self::Attribute(old, rng.random()),
            (5, _) => match &known.tokens[..] {
                [token, _, ..] => Self::CancelToken(token.clone()),
                _ => Self::GetToken,
            },
            // There is seldom a snapshot, because no image is made meanwhile.
            (6, _) if told.snapshots && known.snapshots.is_empty() => Self::Snapshot(fresh),
            (7..=11, _) if !known.snapshots.is_empty() && rng.random_bool(0.5) => {
                let name = known.snapshots.keys().next().cloned();
                Self::DeleteSnapshot(name.unwrap_or_default())
            }
            _ => Self::Write(fresh, rng.random_range(0..3000)),
        }
    }

    /// Carries it out on what must be there.
    fn apply(&self, known: &mut Known) {
        let entries = &mut known.entries;
        match self {
            Self::Mkdir(name) => drop(entries.insert(name.clone(), Entry::default())),
            Self::Write(name, length) => {
                let entry = Entry {
                    length: Some(*length),
                    attribute: None,
                };
                entries.insert(name.clone(), entry);
            }
            Self::Rename(from, to) => {
                if let Some(entry) = entries.remove(from) {
                    entries.insert(to.clone(), entry);
                }
            }
            Self::Delete(name) => drop(entries.remove(name)),
            Self::Attribute(name, number) => {
                if let Some(entry) = entries.get_mut(name) {
                    entry.attribute = Some(*number);
                }
            }
            Self::Snapshot(name) => {
                known.snapshots.insert(name.clone(), lengths(entries));
            }
            Self::DeleteSnapshot(name) => drop(known.snapshots.remove(name)),
            Self::GetToken => {}
            Self::CancelToken(token) => {
                known.tokens.retain(|known| known != token);
                known.cancelled = Some(token.clone());
            }
        }
    }

    /// Makes the call, and returns the token that it has brought.
    async fn run(&self, user: &User) -> Result<Option<TokenProto>, Error> {
        let User {
            files,
            calls,
            folder,
        } = user;
        let path = |name: &str| format!("{folder}/{name}");
        match self {
            Self::Mkdir(name) => files.mkdirs(&path(name), 0o755, true).await?,
            Self::Write(name, length) => write(files, &path(name), pattern(*length)).await?,
            Self::Rename(from, to) => files.rename(&path(from), &path(to), false).await?,
            Self::Delete(name) => {
                let _existed = files.delete(&path(name), true).await?;
            }
            Self::Attribute(name, number) => {
                let request = SetXAttrRequestProto {
                    src: path(name),
                    x_attr: Some(XAttrProto {
                        value: Some(Bytes::copy_from_slice(&number.to_be_bytes())),
                        ..attribute()
                    }),
                    flag: Some(CREATE_OR_REPLACE),
                };
                let SetXAttrResponseProto {} = calls.call("setXAttr", &request).await?;
            }
            Self::Snapshot(name) => {
                let request = CreateSnapshotRequestProto {
                    snapshot_root: folder.clone(),
                    snapshot_name: Some(name.clone()),
                };
                let _path: CreateSnapshotResponseProto =
                    calls.call("createSnapshot", &request).await?;
            }
            Self::DeleteSnapshot(name) => {
                let request = DeleteSnapshotRequestProto {
                    snapshot_root: folder.clone(),
                    snapshot_name: name.clone(),
                };
                let DeleteSnapshotResponseProto {} = calls.call("deleteSnapshot", &request).await?;
            }
            Self::GetToken => {
                let request = GetDelegationTokenRequestProto {
                    renewer: "alice".to_owned(),
                };
                let answer: GetDelegationTokenResponseProto =
                    calls.call("getDelegationToken", &request).await?;
                return Ok(answer.token);
            }
            Self::CancelToken(token) => {
                let token = token.clone();
                let request = CancelDelegationTokenRequestProto { token };
                let CancelDelegationTokenResponseProto {} =
                    calls.call("cancelDelegationToken", &request).await?;
            }
        }
        Ok(None)
    }
}

/// The name of the extended attribute.
fn attribute() -> XAttrProto {
    XAttrProto {
        namespace: XAttrNamespaceProto::User.into(),
        name: "number".to_owned(),
        value: None,
    }
}

/// Works until a call fails. `answered` is called after each one.
pub(super) async fn work(user: User, mut told: Told, mut rng: StdRng, answered: impl Fn()) -> Told {
    loop {
        told.made += 1;
        let operation = Operation::choose(&told, &mut rng);
        told.open = Some(operation.clone());
        let Ok(token) = operation.run(&user).await else {
            return told;
        };
        operation.apply(&mut told.known);
        told.known.tokens.extend(token);
        told.open = None;
        answered();
    }
}

/// Checks what is there against the client's answers, and goes on with it.
pub(super) async fn check(user: &User, told: &mut Told) -> TestResult {
    let mut done = told.known.clone();
    let open = told.open.take();
    if let Some(operation) = &open {
        operation.apply(&mut done);
    }
    let mut found = Known {
        entries: entries(user).await?,
        snapshots: snapshots(user).await?,
        ..told.known.clone()
    };
    // A file whose writing was not answered may be there with any length.
    if let Some(Operation::Write(name, _)) = &open {
        done.entries.remove(name);
        if found.entries.remove(name).is_some() {
            user.files
                .delete(&format!("{}/{name}", user.folder), true)
                .await?;
        }
    }
    if let Some(Operation::CancelToken(token)) = &open
        && !is_valid(user, token).await?
    {
        found.tokens = done.tokens.clone();
        found.cancelled = done.cancelled.clone();
    }
    if found != told.known && found != done {
        let known = &told.known;
        return Err(format!("{} has {found:?} after {known:?} and {open:?}", user.folder).into());
    }
    for token in &found.tokens {
        assert!(is_valid(user, token).await?, "a token is lost: {token:?}");
    }
    if let Some(token) = &found.cancelled {
        assert!(!is_valid(user, token).await?, "a token is back: {token:?}");
    }
    for (name, entry) in &found.entries {
        if let Some(length) = entry.length {
            let bytes = read(&user.files, &format!("{}/{name}", user.folder)).await?;
            assert!(
                bytes == pattern(length),
                "{}/{name} came back changed",
                user.folder
            );
        }
    }
    told.known = found;
    Ok(())
}

/// Lists a directory.
async fn list(user: &User, folder: &str) -> Result<Lengths, Error> {
    let mut found = Lengths::new();
    for status in user.files.list_status(folder, false).await? {
        let name = status.path.rsplit('/').next().unwrap_or_default();
        found.insert(name.to_owned(), (!status.isdir).then_some(status.length));
    }
    Ok(found)
}

async fn entries(user: &User) -> Result<Entries, Error> {
    let mut entries = Entries::new();
    for (name, length) in list(user, &user.folder).await? {
        let request = GetXAttrsRequestProto {
            src: format!("{}/{name}", user.folder),
            x_attrs: Vec::new(),
        };
        let answer: GetXAttrsResponseProto = user.calls.call("getXAttrs", &request).await?;
        let value = answer.x_attrs.into_iter().find_map(|it| it.value);
        let attribute =
            value.and_then(|value| Some(u32::from_be_bytes(value[..].try_into().ok()?)));
        entries.insert(name, Entry { length, attribute });
    }
    Ok(entries)
}

async fn snapshots(user: &User) -> Result<BTreeMap<String, Lengths>, Error> {
    let mut snapshots = BTreeMap::new();
    let all = format!("{}/.snapshot", user.folder);
    for name in list(user, &all).await?.into_keys() {
        let frozen = list(user, &format!("{all}/{name}")).await?;
        snapshots.insert(name, frozen);
    }
    Ok(snapshots)
}

/// Returns true if a token can be renewed.
async fn is_valid(user: &User, token: &TokenProto) -> Result<bool, Error> {
    let token = token.clone();
    let request = RenewDelegationTokenRequestProto { token };
    let renewed = user
        .calls
        .call::<RenewDelegationTokenResponseProto>("renewDelegationToken", &request)
        .await;
    match renewed {
        Ok(_) => Ok(true),
        Err(error) if error.to_string().contains("InvalidToken") => Ok(false),
        Err(error) => Err(error.into()),
    }
}
