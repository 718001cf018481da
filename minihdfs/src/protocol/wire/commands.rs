//! Commands to DataNodes.

use super::blocks::extended;
use super::keys::{exported, imported};
use super::registration::located;
use crate::HdfsError;
use crate::proto::common::TokenProto;
use crate::proto::hdfs::datanode::block_command_proto::Action;
use crate::proto::hdfs::datanode::datanode_command_proto::Type;
use crate::proto::hdfs::datanode::{
    BalancerBandwidthCommandProto, BlockCommandProto, BlockRecoveryCommandProto,
    DatanodeCommandProto, FinalizeCommandProto, KeyUpdateCommandProto, RegisterCommandProto,
};
use crate::proto::hdfs::{
    BlockProto, DatanodeInfoProto, DatanodeInfosProto, LocatedBlockProto, RecoveringBlockProto,
    StorageTypeProto, StorageTypesProto, StorageUuidsProto,
};
use crate::protocol::{
    Block, DatanodeCommand, DatanodeRegistration, DatanodeStorage, RecoveringBlock,
};

/// Returns the message for a command about blocks of this pool.
pub(crate) fn command(command: &DatanodeCommand, pool: &str) -> DatanodeCommandProto {
    match command {
        DatanodeCommand::Register => register(),
        DatanodeCommand::Transfer {
            block,
            targets,
            storages,
        } => DatanodeCommandProto {
            cmd_type: Type::BlockCommand.into(),
            blk_cmd: Some(transfer(*block, targets, storages, pool)),
            ..DatanodeCommandProto::default()
        },
        DatanodeCommand::Invalidate(blocks) => DatanodeCommandProto {
            cmd_type: Type::BlockCommand.into(),
            blk_cmd: Some(BlockCommandProto {
                blocks: blocks.iter().map(|block| (*block).into()).collect(),
                ..block_command(Action::Invalidate, pool)
            }),
            ..DatanodeCommandProto::default()
        },
        DatanodeCommand::Recover(recovery) => DatanodeCommandProto {
            cmd_type: Type::BlockRecoveryCommand.into(),
            recovery_cmd: Some(BlockRecoveryCommandProto {
                blocks: vec![recovering(recovery, pool)],
            }),
            ..DatanodeCommandProto::default()
        },
        DatanodeCommand::BalancerBandwidth(bandwidth) => DatanodeCommandProto {
            cmd_type: Type::BalancerBandwidthCommand.into(),
            balancer_cmd: Some(BalancerBandwidthCommandProto {
                bandwidth: *bandwidth,
            }),
            ..DatanodeCommandProto::default()
        },
        DatanodeCommand::UpdateKeys(keys) => DatanodeCommandProto {
            cmd_type: Type::KeyUpdateCommand.into(),
            key_update_cmd: Some(KeyUpdateCommandProto {
                keys: exported(Some(keys)),
            }),
            ..DatanodeCommandProto::default()
        },
        DatanodeCommand::Finalize => DatanodeCommandProto {
            cmd_type: Type::FinalizeCommand.into(),
            finalize_cmd: Some(FinalizeCommandProto {
                block_pool_id: pool.to_owned(),
            }),
            ..DatanodeCommandProto::default()
        },
    }
}

/// Returns the message for the order to register.
pub(crate) fn register() -> DatanodeCommandProto {
    DatanodeCommandProto {
        cmd_type: Type::RegisterCommand.into(),
        register_cmd: Some(RegisterCommandProto {}),
        ..DatanodeCommandProto::default()
    }
}

fn block_command(action: Action, pool: &str) -> BlockCommandProto {
    BlockCommandProto {
        action: action.into(),
        block_pool_id: pool.to_owned(),
        ..BlockCommandProto::default()
    }
}

fn transfer(
    block: Block,
    targets: &[DatanodeRegistration],
    storages: &[DatanodeStorage],
    pool: &str,
) -> BlockCommandProto {
    BlockCommandProto {
        blocks: vec![block.into()],
        targets: vec![DatanodeInfosProto {
            datanodes: targets.iter().map(info).collect(),
        }],
        target_storage_uuids: vec![StorageUuidsProto {
            storage_uuids: storages.iter().map(|it| it.id.to_string()).collect(),
        }],
        target_storage_types: vec![StorageTypesProto {
            storage_types: storages.iter().map(|it| it.kind.into()).collect(),
        }],
        ..block_command(Action::Transfer, pool)
    }
}

/// Returns the message for a block to recover.
pub(crate) fn recovering(recovery: &RecoveringBlock, pool: &str) -> RecoveringBlockProto {
    let locations = &recovery.locations;
    RecoveringBlockProto {
        new_gen_stamp: recovery.recovery_id,
        block: LocatedBlockProto {
            b: extended(recovery.block, pool),
            offset: 0,
            locs: locations.iter().map(info).collect(),
            corrupt: false,
            block_token: TokenProto::default(),
            is_cached: vec![false; locations.len()],
            storage_types: vec![StorageTypeProto::Disk.into(); locations.len()],
            ..LocatedBlockProto::default()
        },
        truncate_block: recovery.truncate_to.map(|length| BlockProto {
            block_id: recovery.copy_to.unwrap_or(recovery.block.id),
            gen_stamp: recovery.recovery_id,
            num_bytes: Some(length),
        }),
        ..RecoveringBlockProto::default()
    }
}

/// Returns a DataNode of which nothing but the identity is known.
pub(crate) fn info(node: &DatanodeRegistration) -> DatanodeInfoProto {
    DatanodeInfoProto {
        id: node.into(),
        ..DatanodeInfoProto::default()
    }
}

/// Appends the commands in a message. Those that ask for something that a DataNode of Kerbox does
/// not have, such as a cache, are left out.
///
/// # Errors
/// Fails if a DataNode is named without an address.
pub(crate) fn read(
    command: &DatanodeCommandProto,
    commands: &mut Vec<DatanodeCommand>,
) -> Result<(), HdfsError> {
    match command.cmd_type() {
        Type::RegisterCommand => commands.push(DatanodeCommand::Register),
        Type::FinalizeCommand => commands.push(DatanodeCommand::Finalize),
        Type::BalancerBandwidthCommand => {
            let bandwidth = command.balancer_cmd.as_ref().map(|it| it.bandwidth);
            commands.extend(bandwidth.map(DatanodeCommand::BalancerBandwidth));
        }
        Type::KeyUpdateCommand => {
            let update = command.key_update_cmd.as_ref();
            let keys = update.and_then(|update| imported(&update.keys));
            commands.extend(keys.map(DatanodeCommand::UpdateKeys));
        }
        Type::BlockRecoveryCommand => {
            let blocks = command.recovery_cmd.iter().flat_map(|it| &it.blocks);
            for block in blocks {
                commands.push(DatanodeCommand::Recover(recovery(block)?));
            }
        }
        Type::BlockCommand => {
            if let Some(command) = &command.blk_cmd {
                read_block_command(command, commands)?;
            }
        }
        other => tracing::debug!(command = other.as_str_name(), "a command is not obeyed"),
    }
    Ok(())
}

fn read_block_command(
    command: &BlockCommandProto,
    commands: &mut Vec<DatanodeCommand>,
) -> Result<(), HdfsError> {
    match command.action() {
        Action::Invalidate => {
            let blocks = command.blocks.iter().map(Block::from);
            commands.push(DatanodeCommand::Invalidate(blocks.collect()));
        }
        Action::Transfer => {
            let orders = command.blocks.iter().zip(&command.targets);
            for (at, (block, targets)) in orders.enumerate() {
                let storages = storages_of(command, at, targets.datanodes.len());
                let targets = targets.datanodes.iter().map(|target| located(&target.id));
                commands.push(DatanodeCommand::Transfer {
                    block: block.into(),
                    targets: targets.collect::<Result<_, _>>()?,
                    storages,
                });
            }
        }
        Action::Shutdown => tracing::warn!("the NameNode orders a shutdown, which is not obeyed"),
    }
    Ok(())
}

/// Returns the storages of the targets of a copy. Those that are not named are disks.
fn storages_of(command: &BlockCommandProto, at: usize, targets: usize) -> Vec<DatanodeStorage> {
    let ids = command.target_storage_uuids.get(at);
    let ids = ids.map_or(&[][..], |ids| &ids.storage_uuids);
    let kinds = command.target_storage_types.get(at);
    let kinds = kinds.map_or(&[][..], |kinds| &kinds.storage_types);
    let each = (0..targets).map(|target| {
        let kind = kinds.get(target).copied().map(StorageTypeProto::try_from);
        DatanodeStorage {
            id: ids
                .get(target)
                .map(String::as_str)
                .unwrap_or_default()
                .into(),
            kind: kind.and_then(Result::ok).unwrap_or(StorageTypeProto::Disk),
        }
    });
    each.collect()
}

/// Reads a block to recover.
fn recovery(block: &RecoveringBlockProto) -> Result<RecoveringBlock, HdfsError> {
    let locations = block.block.locs.iter().map(|node| located(&node.id));
    let truncated = block.truncate_block.as_ref();
    let copy = truncated.map(|new| new.block_id);
    Ok(RecoveringBlock {
        block: (&block.block.b).into(),
        recovery_id: truncated.map_or(block.new_gen_stamp, |new| new.gen_stamp),
        truncate_to: truncated.map(|new| new.num_bytes()),
        copy_to: copy.filter(|copy| *copy != block.block.b.block_id),
        locations: locations.collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_arrive_as_they_were_sent() {
        let node = |uuid: &str| DatanodeRegistration {
            uuid: uuid.into(),
            ip: [127, 0, 0, 1].into(),
            host_name: "localhost".into(),
            transfer_port: 1,
            ipc_port: 2,
            info_port: 3,
            info_secure_port: 4,
        };
        let block = Block {
            id: 7,
            generation_stamp: 1001,
            length: 5,
        };
        let recovery = |truncate_to, copy_to| RecoveringBlock {
            block,
            recovery_id: 1002,
            truncate_to,
            copy_to,
            locations: vec![node("a"), node("b")],
        };
        for sent in [
            DatanodeCommand::Register,
            DatanodeCommand::Invalidate(vec![block]),
            DatanodeCommand::Transfer {
                block,
                targets: vec![node("a")],
                storages: vec![DatanodeStorage {
                    id: "DS-1".into(),
                    kind: StorageTypeProto::Ssd,
                }],
            },
            DatanodeCommand::BalancerBandwidth(1 << 20),
            DatanodeCommand::Finalize,
            DatanodeCommand::Recover(recovery(None, None)),
            DatanodeCommand::Recover(recovery(Some(3), None)),
            DatanodeCommand::Recover(recovery(Some(3), Some(9))),
        ] {
            let message = command(&sent, "BP-1");
            let mut read_back = Vec::new();
            read(&message, &mut read_back).expect("valid");
            assert_eq!(read_back, [sent]);
        }
    }
}
