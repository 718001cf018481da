//! One module per client.

use libtest_mimic::Trial;

mod admin;
mod answers;
mod cross_realm;
mod datanodes;
mod go_hdfs;
mod gokrb5;
pub(crate) mod hdfs_native;
mod heimdal;
pub(crate) mod java_hadoop;
mod java_hadoop2;
pub(crate) mod java_session;
pub(crate) mod jdk;
mod keys;
mod krb5_crate;
mod many_kdcs;
mod mit_kinit;
mod mit_kpasswd;
mod mit_kvno;
mod mit_tools;
mod named_types;
mod open_files;
mod pac;
mod python;
mod realms;
mod referral;
mod refresh;
mod restart;
mod secure_layout;
mod service_acls;
mod snapshots;
mod symlinks;

pub(crate) fn trials() -> Vec<Trial> {
    let modules = [
        mit_tools::trials(),
        mit_kinit::trials(),
        mit_kvno::trials(),
        mit_kpasswd::trials(),
        cross_realm::trials(),
        datanodes::trials(),
        many_kdcs::trials(),
        heimdal::trials(),
        jdk::trials(),
        python::trials(),
        gokrb5::trials(),
        keys::trials(),
        krb5_crate::trials(),
        open_files::trials(),
        admin::trials(),
        answers::trials(),
        pac::trials(),
        referral::trials(),
        refresh::trials(),
        symlinks::trials(),
        restart::trials(),
        secure_layout::trials(),
        service_acls::trials(),
        snapshots::trials(),
        hdfs_native::trials(),
        java_hadoop::trials(),
        java_hadoop2::trials(),
        go_hdfs::trials(),
        named_types::trials(),
    ];
    modules.into_iter().flatten().collect()
}
