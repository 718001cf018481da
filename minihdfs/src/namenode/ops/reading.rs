//! Read operations: status, block locations, defaults.

use bytes::Bytes;
use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::error::Class;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need, PermissionChecker};
use crate::namenode::edit::Edit;
use crate::namenode::namesystem::{Namesystem, file_in};
use crate::namenode::ops::snapshot_reads::dot_snapshot_status;
use crate::namenode::ops::status::BlockRange;
use crate::namenode::state::inode::{File, InodeId};
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::resolve::RESERVED;
use crate::namenode::state::resolved_path::ResolvedPath;
use crate::namenode::state::snapshot::view::View;
use crate::namenode::xattr::XAttr;
use crate::proto::hdfs::{
    CheckAccessRequestProto, CheckAccessResponseProto, FsServerDefaultsProto,
    GetBlockLocationsRequestProto, GetBlockLocationsResponseProto, GetFileInfoRequestProto,
    GetFileInfoResponseProto, GetHaServiceStateRequestProto, GetHaServiceStateResponseProto,
    GetLocatedFileInfoRequestProto, GetLocatedFileInfoResponseProto,
    GetPreferredBlockSizeRequestProto, GetPreferredBlockSizeResponseProto,
    GetServerDefaultsRequestProto, GetServerDefaultsResponseProto, HdfsFileStatusProto,
    IsFileClosedRequestProto, IsFileClosedResponseProto, LocatedBlockProto, MsyncRequestProto,
    MsyncResponseProto,
};
use crate::rpc::Call;

impl NameNode {
    /// Returns the status of a path; absent if it does not exist.
    pub(crate) fn get_file_info(
        &self,
        call: &Call<'_>,
        request: GetFileInfoRequestProto,
    ) -> Result<GetFileInfoResponseProto, HdfsError> {
        let fs = self.status_of(call, &request.src, false)?;
        Ok(GetFileInfoResponseProto { fs })
    }

    /// Returns the status of a path, or of a symbolic link itself if one is at its end.
    pub(super) fn status_of(
        &self,
        call: &Call<'_>,
        src: &str,
        link: bool,
    ) -> Result<Option<HdfsFileStatusProto>, HdfsError> {
        let checker = self.checker(call);
        if src == RESERVED {
            return Ok(Some(self.reserved_status(Bytes::new())));
        }
        let ns = self.read();
        let mut path = ns.namespace().resolve(src)?;
        if link {
            path = path.not_following();
        }
        if !leads_anywhere(&checker, &ns, &path)? {
            return Ok(None);
        }
        let view = path.view(ns.namespace());
        let status = path.last();
        let mut status = status.map(|id| self.file_status_in(&ns, view, id, Bytes::new()));
        if let Some(status) = status.as_mut().filter(|status| status.symlink.is_some()) {
            // Only listings show the one of the directory.
            status.storage_policy = Some(0);
        }
        Ok(status.or_else(|| dot_snapshot_status(&path)))
    }

    /// Returns the status with block locations; absent if the path does not exist.
    pub(crate) fn get_located_file_info(
        &self,
        call: &Call<'_>,
        request: GetLocatedFileInfoRequestProto,
    ) -> Result<GetLocatedFileInfoResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(request.src())?;
        let needs_token = request.need_block_token();
        if !leads_anywhere(&checker, &ns, &path)? {
            return Ok(GetLocatedFileInfoResponseProto { fs: None });
        }
        let Some(id) = path.last() else {
            let fs = dot_snapshot_status(&path);
            return Ok(GetLocatedFileInfoResponseProto { fs });
        };
        let view = path.view(ns.namespace());
        let mut status = self.file_status_in(&ns, view, id, Bytes::new());
        if !view.inode(id).is_directory() {
            if needs_token {
                checker.check(ns.namespace(), &path, Need::path(FsAction::READ))?;
            }
            let reader = needs_token.then_some(&*call.caller.user.short);
            let file = (view, id);
            status.locations =
                Some(self.located_blocks_in(call.now, &ns, file, BlockRange::ALL, reader));
        }
        Ok(GetLocatedFileInfoResponseProto { fs: Some(status) })
    }

    /// Returns the blocks that overlap a range of a file, with tokens to read them.
    pub(crate) fn get_block_locations(
        &self,
        call: &Call<'_>,
        request: GetBlockLocationsRequestProto,
    ) -> Result<GetBlockLocationsResponseProto, HdfsError> {
        for (name, value) in [("offset", request.offset), ("length", request.length)] {
            if value.cast_signed() < 0 {
                return Err(HdfsError::illegal_argument(format!(
                    "Negative {name} is not supported. File: {}",
                    request.src
                )));
            }
        }
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(&request.src)?;
        // Hadoop answers everybody who asks if there is a file.
        checker.check_way(ns.namespace(), &path)?;
        let view = path.view(ns.namespace());
        let id = file_in(view, path.last(), path.path())?;
        checker.check(ns.namespace(), &path, Need::path(FsAction::READ))?;
        check_readable_by_superuser(view, &path, &checker)?;
        let range = BlockRange {
            offset: request.offset,
            length: request.length,
        };
        let reader = Some(&*call.caller.user.short);
        let locations = self.located_blocks_in(call.now, &ns, (view, id), range, reader);
        let nowhere = |block: &LocatedBlockProto| block.locs.is_empty();
        // Clients ask again in safe mode. Of an image, nothing more will be known later.
        let is_early = ns.safe_mode.is_on() && !ns.safe_mode.is_for_image();
        if is_early && locations.blocks.iter().any(nowhere) {
            let what = format_args!("Zero blocklocations for {}", request.src);
            return Err(self.in_safe_mode(&ns, what));
        }
        let due = !path.is_snapshot() && self.is_access_time_due(call.now, &ns, id);
        drop(ns);
        if due {
            self.set_access_time(call.now, path.path(), id)?;
        }
        Ok(GetBlockLocationsResponseProto {
            locations: Some(locations),
        })
    }

    /// Returns true if a file's access time is older than `dfs.namenode.accesstime.precision`.
    fn is_access_time_due(&self, now: Timestamp, ns: &Namesystem, id: InodeId) -> bool {
        let precision = self.config.access_time_precision.as_millis();
        let precision = i64::try_from(precision).unwrap_or(i64::MAX);
        let accessed = ns.namespace().inode(id).access_time;
        let due = precision != 0 && now.as_millis() > accessed.saturating_add(precision);
        due && !ns.safe_mode.is_on()
    }

    /// Sets a file's access time, unless the file was removed or moved, or another reader has set
    /// it, since it was read.
    fn set_access_time(&self, now: Timestamp, path: &str, id: InodeId) -> Result<(), HdfsError> {
        let mut ns = self.lock();
        if ns.namespace().find(path) == Some(id) && self.is_access_time_due(now, &ns, id) {
            ns.log(&Edit::Times {
                path: path.to_owned(),
                mtime: -1,
                atime: now.as_millis(),
            })?;
        }
        Ok(())
    }

    /// Returns the defaults for clients that do not set their own.
    pub(crate) fn get_server_defaults(
        &self,
        _call: &Call<'_>,
        _request: GetServerDefaultsRequestProto,
    ) -> Result<GetServerDefaultsResponseProto, HdfsError> {
        let config = &self.config;
        Ok(GetServerDefaultsResponseProto {
            server_defaults: FsServerDefaultsProto {
                block_size: config.block_size,
                bytes_per_checksum: config.bytes_per_checksum,
                write_packet_size: config.write_packet_size,
                replication: config.replication.into(),
                file_buffer_size: config.file_buffer_size,
                encrypt_data_transfer: Some(config.encrypt_data_transfer),
                trash_interval: Some(config.trash_interval.as_secs() / 60),
                checksum_type: Some(config.checksum_type.into()),
                // Empty instead of absent: there is no key provider, so the client need not look
                // for one in its own configuration.
                key_provider_uri: Some(String::new()),
                // HOT
                policy_id: Some(7),
                snapshot_trash_root_enabled: Some(self.config.snapshots.trash_root),
            },
        })
    }

    /// Returns true if the file is closed.
    pub(crate) fn is_file_closed(
        &self,
        call: &Call<'_>,
        request: IsFileClosedRequestProto,
    ) -> Result<IsFileClosedResponseProto, HdfsError> {
        let closed = self.ask_file(call, &request.src, false, |namespace, id, _| {
            !namespace.is_open(id)
        });
        let result = closed.map_err(|error| match error.kind() {
            // Here Hadoop shows the path as it was sent.
            Class::FileNotFound => {
                let (what, _) = error.message().split_once(": ").unwrap_or_default();
                HdfsError::file_not_found(format!("{what}: {}", request.src))
            }
            _ => error,
        })?;
        Ok(IsFileClosedResponseProto { result })
    }

    /// Returns the block size that the file was created with.
    pub(crate) fn get_preferred_block_size(
        &self,
        call: &Call<'_>,
        request: GetPreferredBlockSizeRequestProto,
    ) -> Result<GetPreferredBlockSizeResponseProto, HdfsError> {
        let size = |_: &Namespace, _, file: &File| file.block_size;
        let bsize = self.ask_file(call, &request.filename, true, size)?;
        Ok(GetPreferredBlockSizeResponseProto { bsize })
    }

    /// Returns a fact about the file at a path. Fails if the caller may not traverse the path, or
    /// if there is no file at its end. With `link` a link at the end is meant itself, which is no
    /// file.
    fn ask_file<T: Default>(
        &self,
        call: &Call<'_>,
        src: &str,
        link: bool,
        fact: impl FnOnce(&Namespace, InodeId, &File) -> T,
    ) -> Result<T, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let mut path = ns.namespace().resolve(src)?;
        if link {
            path = path.not_following();
        }
        checker.check(ns.namespace(), &path, Need::TRAVERSE)?;
        let view = path.view(ns.namespace());
        let id = file_in(view, path.last(), path.path())?;
        let file = view.inode(id).as_file();
        let fact = file.map(|file| fact(ns.namespace(), id, file));
        Ok(fact.unwrap_or_default())
    }

    /// Fails if the caller does not have these permissions.
    pub(crate) fn check_access(
        &self,
        call: &Call<'_>,
        request: CheckAccessRequestProto,
    ) -> Result<CheckAccessResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(&request.path)?;
        checker.check(ns.namespace(), &path, Need::TRAVERSE)?;
        if path.last().is_none() {
            return Err(HdfsError::file_not_found(format!(
                "Path not found: {}",
                path.path()
            )));
        }
        let action = FsAction(request.mode() as u8 & 7);
        checker.check(ns.namespace(), &path, Need::path(action))?;
        Ok(CheckAccessResponseProto {})
    }

    /// Does nothing; only the state id in the response header matters.
    pub(crate) fn msync(
        &self,
        _call: &Call<'_>,
        _request: MsyncRequestProto,
    ) -> Result<MsyncResponseProto, HdfsError> {
        Ok(MsyncResponseProto {})
    }

    /// Fails, as on a NameNode without high availability.
    pub(crate) fn get_ha_service_state(
        &self,
        _call: &Call<'_>,
        _request: GetHaServiceStateRequestProto,
    ) -> Result<GetHaServiceStateResponseProto, HdfsError> {
        Err(HdfsError::new(
            "org.apache.hadoop.ha.ServiceFailedException",
            "HA for namenode is not enabled",
        ))
    }
}

/// Fails if a superuser reads a file with the attribute `security.hdfs.unreadable.by.superuser`.
fn check_readable_by_superuser(
    view: View<'_>,
    path: &ResolvedPath<'_>,
    checker: &PermissionChecker<'_>,
) -> Result<(), HdfsError> {
    let unreadable = |id| {
        view.inode(id)
            .xattrs()
            .iter()
            .any(XAttr::makes_unreadable_by_superuser)
    };
    if checker.is_superuser() && path.last().is_some_and(unreadable) {
        return Err(HdfsError::access_control(format!(
            "Access is denied for {} since the superuser is not allowed to perform this operation.",
            checker.user()
        )));
    }
    Ok(())
}

/// Fails if the caller may not traverse a path. For a superuser the only possible error is a file
/// in the middle of the path. Hadoop then reports that the path does not exist.
fn leads_anywhere(
    checker: &PermissionChecker<'_>,
    ns: &Namesystem,
    path: &ResolvedPath<'_>,
) -> Result<bool, HdfsError> {
    match checker.check(ns.namespace(), path, Need::TRAVERSE) {
        Ok(()) => Ok(true),
        Err(error) if *error.kind() == Class::UnresolvedPath => Err(error),
        Err(_) if checker.is_exempt() => Ok(false),
        Err(error) => Err(error),
    }
}
