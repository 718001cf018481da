#!/usr/bin/env bash
# Counts the instructions that the journal and an empty table of faults take of a KDC exchange and of
# a getFileInfo, without the sockets, and fails if they are more than 2 %. Needs valgrind and
# `.ci/peers/install.sh apt`. Prints the figures of BENCHMARKS.md.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release -p kerbox-bench -p kerbox-sandbox
target=${CARGO_TARGET_DIR:-target}
load=$target/release/load kerbox=$target/release/kerbox
work=$(mktemp -d)
trap '[ -z "${pid:-}" ] || kill "$pid"; rm -rf "$work"' EXIT
failed=0

# counted WHAT FUNCTION COMMAND...: counts in FUNCTION of a sandbox while COMMAND runs, which gets the
# server's process id in $pid
counted() {
    local what=$1 function=$2 counts=$work/counts
    shift 2
    rm -rf "$work/kerbox" "$work/ready" "$counts"
    valgrind --quiet --tool=callgrind --toggle-collect="$function" --callgrind-out-file="$counts" \
        "$kerbox" up --dir "$work/kerbox" --json --datanodes 1 > "$work/ready" 2> "$work/log" &
    pid=$!
    until [ -s "$work/ready" ]; do kill -0 "$pid" || { cat "$work/log"; exit 1; }; sleep 0.1; done
    ( . "$work/kerbox/env.sh"; "$@" ) > "$work/out" || { cat "$work/out"; exit 1; }
    kill "$pid"; wait "$pid" || true; pid=
    callgrind_annotate --inclusive=yes --threshold=100 "$counts" > "$work/annotated"
    awk -v what="$what" '
        { gsub(/,/, "", $1) }
        /PROGRAM TOTALS/ { all = $1 }
        /Watch as .*Hook>::(ask|record|record_with|watching) / { hook += $1 }
        END {
            if (!all || !hook) { print what ": nothing was counted"; exit 1 }
            share = 100 * hook / all
            printf "%-24s %12d instructions, journal and faults %10d: %.2f %%\n", what, all, hook, share
            exit share > 2
        }' "$work/annotated" || failed=1
}

kdc() {
    "$load" kdc "$(grep -o '127.0.0.1:[0-9]*' "$KRB5_CONFIG" | head -1)" "$pid" \
        "$KEYTABS/alice.keytab" alice@EXAMPLE.COM nn/localhost "${COUNT:-2000}"
}
calls() {
    export KRB5CCNAME=FILE:$work/cc
    kinit -kt "$KEYTABS/alice.keytab" alice
    "$load" info "$NAMENODE" "$pid" "${COUNT:-2000}"
}
counted "AS and TGS exchanges" 'kerbox_kdc::kdc::Kdc::handle' kdc
counted "getFileInfo" 'minihdfs::rpc::session::RpcSession::advance' calls
exit $failed
