//! Directory listings in pages.

use bytes::Bytes;

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need, PermissionChecker};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::ops::snapshot_reads::list_snapshots;
use crate::namenode::ops::status::BlockRange;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::resolve::RESERVED;
use crate::namenode::state::snapshot::view::View;
use crate::proto::hdfs::{
    BatchedDirectoryListingProto, DirectoryListingProto, GetBatchedListingRequestProto,
    GetBatchedListingResponseProto, GetListingRequestProto, GetListingResponseProto,
    HdfsFileStatusProto, RemoteExceptionProto,
};
use crate::rpc::Call;

/// The maximum number of directories in one batched listing. (`dfs.namenode.batched.listing.limit`
/// is a different limit, on entries.)
const MAX_BATCHED_PATHS: usize = 100;

/// The contents of each entry in a listing.
#[derive(Clone, Copy)]
struct Page<'a> {
    start_after: &'a [u8],
    need_location: bool,
    limit: usize,
}

impl NameNode {
    /// Lists children in the byte order of their names. A file lists as itself. The response is
    /// empty if the path does not exist.
    pub(crate) fn get_listing(
        &self,
        call: &Call<'_>,
        request: GetListingRequestProto,
    ) -> Result<GetListingResponseProto, HdfsError> {
        if request.src == RESERVED {
            let names = [".inodes", "raw"]
                .map(|name| self.reserved_status(Bytes::from_static(name.as_bytes())));
            return Ok(GetListingResponseProto {
                dir_list: Some(DirectoryListingProto {
                    partial_listing: names.to_vec(),
                    remaining_entries: 0,
                }),
            });
        }
        let checker = self.checker(call);
        let ns = self.read();
        let page = Page {
            start_after: &request.start_after,
            need_location: request.need_location,
            limit: self.config.limits.list_limit,
        };
        let dir_list = self.list(call, &ns, &checker, &request.src, page)?;
        Ok(GetListingResponseProto { dir_list })
    }

    fn list(
        &self,
        call: &Call<'_>,
        ns: &Namesystem,
        checker: &PermissionChecker<'_>,
        src: &str,
        page: Page<'_>,
    ) -> Result<Option<DirectoryListingProto>, HdfsError> {
        let path = ns.namespace().resolve(src)?;
        let view = path.view(ns.namespace());
        let is_directory = path.last().is_some_and(|id| view.inode(id).is_directory());
        let need = if is_directory {
            Need::path(FsAction::READ_EXECUTE)
        } else {
            Need::TRAVERSE
        };
        checker.check(ns.namespace(), &path, need)?;
        let Some(id) = path.last() else {
            let start_after = Self::start_after(ns, page.start_after)?;
            return list_snapshots(ns, &path, start_after, page.limit);
        };
        if !view.inode(id).is_directory() {
            return Ok(Some(DirectoryListingProto {
                partial_listing: vec![self.entry(call, ns, (view, id), Bytes::new(), page)],
                remaining_entries: 0,
            }));
        }
        let start_after = Self::start_after(ns, page.start_after)?;
        // The empty name, which no entry has, sorts before every other.
        let (rest, count) = view.children_after(id, start_after);
        let mut listing = DirectoryListingProto::default();
        let mut located = 0;
        for (name, child) in rest {
            if listing.partial_listing.len() >= page.limit || located >= page.limit {
                break;
            }
            let name = Bytes::copy_from_slice(name.0.as_bytes());
            let entry = self.entry(call, ns, (view, child), name, page);
            if let Some(locations) = &entry.locations {
                let blocks = locations.blocks.iter();
                located += blocks.map(|block| block.locs.len()).sum::<usize>();
            }
            listing.partial_listing.push(entry);
        }
        let remaining = count - listing.partial_listing.len();
        listing.remaining_entries = u32::try_from(remaining).unwrap_or(u32::MAX);
        Ok(Some(listing))
    }

    /// Returns the name to continue after; `/.reserved/.inodes/N` denotes the name of that inode.
    fn start_after<'a>(ns: &'a Namesystem, start_after: &'a [u8]) -> Result<&'a str, HdfsError> {
        let name = str::from_utf8(start_after).map_err(|_| {
            HdfsError::hadoop_illegal_argument(
                "startAfter is not UTF-8: names of files and directories are",
            )
        })?;
        let Some(number) = name.strip_prefix("/.reserved/.inodes/") else {
            return Ok(name);
        };
        let inode = number.parse().ok().and_then(|id| ns.namespace().get(id));
        inode.map(|inode| &*inode.name).ok_or_else(|| {
            HdfsError::new(
                "org.apache.hadoop.fs.DirectoryListingStartAfterNotFoundException",
                format!("Can't find startAfter {name}"),
            )
        })
    }

    fn entry(
        &self,
        call: &Call<'_>,
        ns: &Namesystem,
        (view, id): (View<'_>, InodeId),
        name: Bytes,
        page: Page<'_>,
    ) -> HdfsFileStatusProto {
        let mut status = self.file_status_in(ns, view, id, name);
        if page.need_location && view.inode(id).as_file().is_some() {
            status.locations = Some(self.located_blocks_in(
                call.now,
                ns,
                (view, id),
                BlockRange::ALL,
                Some(&call.caller.user.short),
            ));
        }
        status
    }

    /// Lists several directories in one call; each has a listing or an exception. Continues in the
    /// path whose index is at the start of `startAfter`.
    pub(crate) fn get_batched_listing(
        &self,
        call: &Call<'_>,
        request: GetBatchedListingRequestProto,
    ) -> Result<GetBatchedListingResponseProto, HdfsError> {
        if request.paths.len() > MAX_BATCHED_PATHS {
            return Err(HdfsError::illegal_argument(format!(
                "Too many source paths ({} > {MAX_BATCHED_PATHS})",
                request.paths.len()
            )));
        }
        let (mut index, mut start_after) = continuation(&request.start_after)?;
        let checker = self.checker(call);
        let ns = self.read();
        let mut response = GetBatchedListingResponseProto::default();
        let mut room = self.config.limits.list_limit;
        while let Some(path) = request.paths.get(index) {
            if room == 0 {
                break;
            }
            let page = Page {
                start_after: &start_after,
                need_location: request.need_location,
                limit: room,
            };
            let found = self.list(call, &ns, &checker, path, page);
            let (listing, has_more) = batched(index, path, found);
            room -= listing.partial_listing.len().min(room);
            start_after = Bytes::new();
            if has_more {
                let last = listing.partial_listing.last();
                start_after = last.map(|last| last.path.clone()).unwrap_or_default();
                room = 0;
            } else {
                index += 1;
            }
            response.listings.push(listing);
        }
        response.has_more = index < request.paths.len();
        if response.has_more {
            let mut next = (index as u32).to_be_bytes().to_vec();
            next.extend_from_slice(&start_after);
            response.start_after = next.into();
        }
        Ok(response)
    }
}

/// Returns the part of a batched listing for the path with this index, and if more entries follow.
fn batched(
    index: usize,
    path: &str,
    found: Result<Option<DirectoryListingProto>, HdfsError>,
) -> (BatchedDirectoryListingProto, bool) {
    let found = found.and_then(|found| {
        found.ok_or_else(|| HdfsError::file_not_found(format!("Path {path} does not exist")))
    });
    let mut listing = BatchedDirectoryListingProto {
        parent_idx: index as u32,
        ..BatchedDirectoryListingProto::default()
    };
    match found {
        Ok(found) => {
            listing.partial_listing = found.partial_listing;
            (listing, found.remaining_entries > 0)
        }
        Err(error) => {
            listing.exception = Some(RemoteExceptionProto {
                class_name: error.class().to_owned(),
                message: Some(error.message().to_owned()),
            });
            (listing, false)
        }
    }
}

/// Parses our cookie: the index of the path, then the name to continue after. It is opaque to
/// clients.
fn continuation(cookie: &Bytes) -> Result<(usize, Bytes), HdfsError> {
    if cookie.is_empty() {
        return Ok((0, Bytes::new()));
    }
    match cookie.first_chunk::<4>() {
        Some(index) => Ok((u32::from_be_bytes(*index) as usize, cookie.slice(4..))),
        None => Err(HdfsError::illegal_argument(
            "startAfter is none that this server gave",
        )),
    }
}
