//! The drop-in tools with clients and fixtures written for MIT's. Tests of a missing client are
//! reported as ignored.

mod java_clients;
mod mit_clients;
mod mit_databases;
mod other_realms;
mod peers;
mod python_suites;
mod spake;
mod three_realms;

fn main() -> std::process::ExitCode {
    let trials = [
        java_clients::trials(),
        mit_clients::trials(),
        mit_databases::trials(),
        other_realms::trials(),
        python_suites::trials(),
        spake::trials(),
        three_realms::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit_code()
}
