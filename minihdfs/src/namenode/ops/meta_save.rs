//! A summary of blocks and DataNodes in a file (`dfsadmin -metasave`).

use std::fmt::Write;

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::blocks::{AdminState, Datanode};
use crate::namenode::namesystem::Namesystem;
use crate::proto::hdfs::{MetaSaveRequestProto, MetaSaveResponseProto};
use crate::rpc::Call;

impl NameNode {
    /// Writes a summary into the log directory; only for the superuser.
    pub(crate) fn meta_save(
        &self,
        call: &Call<'_>,
        request: MetaSaveRequestProto,
    ) -> Result<MetaSaveResponseProto, HdfsError> {
        self.checker(call).check_superuser("metaSave")?;
        let name = &*request.filename;
        if name.is_empty()
            || name.starts_with('.')
            || name.contains(['/', '\0'])
            || name.len() > 255
        {
            return Err(HdfsError::io(format!(
                "Cannot write {name}: give the name of a file, which goes into the log directory"
            )));
        }
        let Some(directory) = self.log_directory.get() else {
            return Err(HdfsError::io(format!(
                "Cannot write {name}: this NameNode has no log directory"
            )));
        };
        let text = summary(&self.read());
        directory.write(name, &text).map_err(HdfsError::io)?;
        Ok(MetaSaveResponseProto {})
    }
}

/// Returns the state of a DataNode's service.
fn service(node: &Datanode) -> &'static str {
    match node.admin_state {
        _ if !node.alive => "DEAD",
        AdminState::Normal => "IN_SERVICE",
        AdminState::DecommissionInProgress => "DECOMMISSION_INPROGRESS",
        AdminState::Decommissioned => "DECOMMISSIONED",
        AdminState::EnteringMaintenance => "ENTERING_MAINTENANCE",
        AdminState::InMaintenance => "IN_MAINTENANCE",
    }
}

fn summary(ns: &Namesystem) -> String {
    let mut text = String::new();
    // Writing into a String never fails.
    let _ = write_summary(ns, &mut text);
    text
}

fn write_summary(ns: &Namesystem, text: &mut String) -> std::fmt::Result {
    let inodes = ns.namespace().len();
    let blocks = ns.blocks.len();
    writeln!(
        text,
        "{inodes} files and directories, {blocks} blocks = {} total filesystem objects",
        inodes + blocks
    )?;
    let living = ns.blocks.datanodes.living();
    let all = ns.blocks.datanodes.iter().count();
    writeln!(text, "Live Datanodes: {living}")?;
    writeln!(text, "Dead Datanodes: {}", all - living)?;
    let short = || {
        let low = ns.blocks.low_redundancy();
        low.filter(|info| info.live(&ns.blocks.datanodes).count() < usize::from(info.replication))
    };
    writeln!(
        text,
        "Metasave: Blocks waiting for reconstruction: {}",
        short().count()
    )?;
    for info in short() {
        writeln!(
            text,
            "{}: blk_{}_{} (replicas: live: {} of {}, corrupt: {})",
            ns.namespace().full_path(info.file),
            info.block().id,
            info.block().generation_stamp,
            info.live(&ns.blocks.datanodes).count(),
            info.replication,
            info.is_corrupt()
        )?;
    }
    writeln!(text, "Metasave: Number of datanodes: {all}")?;
    for node in ns.blocks.datanodes.iter() {
        writeln!(
            text,
            "{} {} {} of {} bytes used, {} remaining, {} blocks",
            node.registration.transfer_address(),
            service(node),
            node.dfs_used(),
            node.capacity(),
            node.remaining(),
            node.block_count()
        )?;
    }
    Ok(())
}
