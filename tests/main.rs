//! Kerbox against real clients.
//!
//! A test whose client is not installed is reported as ignored, with the client's name; with
//! `KERBOX_PEERS=required` it fails. `KERBOX_PEERS_DIR` (default `~/.cache/kerbox-peers`) is where
//! `.ci/peers/install.sh` puts clients that no package manager provides.

mod big_data;
mod block_token_bytes;
mod block_tokens;
mod bugs;
mod clients;
mod clock;
mod daemons;
mod determinism;
mod encryption_keys;
mod faults;
mod hostile;
mod idle;
mod isolation;
mod leftovers;
mod long_runs;
mod many_datanodes;
mod mit_kdc;
mod out_of_reach;
mod perpetual_login;
mod proxy;
mod refusals;
mod replicas;
mod required;
mod rooms;
mod rpc_client;
mod spoiler;
mod storage;
mod strikes;
mod support;
mod tampering;
mod tokens;
mod web;

fn main() -> std::process::ExitCode {
    isolation::hold_a_cluster_if_asked();
    hostile::work_if_asked();
    storage::serve_if_asked();
    let arguments = libtest_mimic::Arguments::from_args();
    let modules = [
        clients::trials(),
        clock::trials(),
        daemons::trials(),
        encryption_keys::trials(),
        bugs::trials(),
        faults::trials(),
        idle::trials(),
        refusals::trials(),
        replicas::trials(),
        required::trials(),
        rpc_client::trials(),
        rooms::trials(),
        storage::trials(),
        out_of_reach::trials(),
        strikes::trials(),
        isolation::trials(),
        leftovers::trials(),
        leftovers::failing_trials(),
        long_runs::trials(),
        long_runs::spark::trials(),
        many_datanodes::trials(),
        mit_kdc::trials(),
        perpetual_login::trials(),
        tokens::trials(),
        block_tokens::trials(),
        tampering::trials(),
        determinism::trials(),
        big_data::trials(),
        hostile::trials(),
        web::trials(),
    ];
    let trials = modules.into_iter().flatten().collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
