#!/usr/bin/env bash
# Measures Kerbox beside the incumbents, in one run on one machine: MIT's krb5kdc, and Hadoop's
# MiniDFSCluster with MiniKdc. Needs `.ci/peers/install.sh apt reference`. Prints the figures of
# BENCHMARKS.md.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release -p kerbox-bench -p kerbox-sandbox
target=${CARGO_TARGET_DIR:-target}
load=$target/release/load kerbox=$target/release/kerbox peers=.ci/peers
work=$(mktemp -d)
trap '"$peers/mit-kdc.sh" stop "$work/mit"; "$peers/reference.sh" stop "$work/ref"; [ -z "${pid:-}" ] || kill "$pid"; rm -rf "$work"' EXIT

# ours ARGUMENTS...: runs kerbox up in the background; sets pid and the clients' environment
ours() {
    rm -rf "$work/kerbox" "$work/ready"
    "$kerbox" up --dir "$work/kerbox" --json "$@" > "$work/ready" 2> "$work/kerbox.log" &
    pid=$!
    until [ -s "$work/ready" ]; do kill -0 "$pid" || { cat "$work/kerbox.log"; exit 1; }; sleep 0.01; done
    # shellcheck disable=SC1091
    . "$work/kerbox/env.sh"
}
stop_ours() { kill "$pid"; wait "$pid" || true; pid=; }

# mit: runs the KDC load on MIT's KDC; KDC_EXTRA goes into the realm's section of its kdc.conf
mit() {
    "$peers/mit-kdc.sh" start "$work/mit" 0 > "$work/mit.out"
    ( . "$work/mit/env.sh"; "$load" kdc "$(grep -o '127.0.0.1:[0-9]*' "$KRB5_CONFIG" | head -1)" "$KDC_PID" "$KEYTABS/alice.keytab" alice@EXAMPLE.COM nn/localhost )
    "$peers/mit-kdc.sh" stop "$work/mit"
}
echo "== KDC: MIT krb5kdc $(krb5-config --version 2>/dev/null | head -1), as it comes: it writes each login to its database"
mit
echo "== KDC: the same without these writes"
KDC_EXTRA='  database_module = quick
 }
[dbmodules]
 quick = {
  db_library = db2
  disable_last_success = true
  disable_lockout = true' mit
echo "== KDC: Kerbox"
ours --datanodes 1
echo "idle:"; "$load" usage "$pid"
"$load" kdc "$(grep -o '127.0.0.1:[0-9]*' "$KRB5_CONFIG" | head -1)" "$pid" "$KEYTABS/alice.keytab" alice@EXAMPLE.COM nn/localhost
"$load" usage "$pid"
stop_ours

echo "== start, in process"
"$load" start 20
"$load" web 20

# hdfs PID [calls]: runs the HDFS load on one cluster. With `calls` also the NameNode's calls, after
# a run that is not reported, to warm up the JVM.
hdfs() {
    export KRB5CCNAME=FILE:$work/cc HADOOP_USER_NAME=alice
    [ -z "${KRB5_CONFIG:-}" ] || kinit -kt "$KEYTABS/alice.keytab" alice
    if [ "${2:-}" = calls ]; then
        LOAD_DIR=/user/alice/warm-up "$load" calls "$NAMENODE" "$1" "${COUNT:-5000}" > "$work/warm-up"
        "$load" calls "$NAMENODE" "$1" "${COUNT:-5000}"
        "$load" files "$NAMENODE" "$1" "${FILES:-400}"
    fi
    "$load" data "$NAMENODE" "$1" "${MIB:-256}" 1
    "$load" data "$NAMENODE" "$1" "${MIB:-256}" 3
    "$load" usage "$1"
}
for kind in authentication integrity privacy 3des; do
    protection=$kind calls= cipher= ours_cipher=() mib=256
    case $kind in
    authentication) calls=calls ;;
    privacy) cipher=cipher=aes ours_cipher=(-D dfs.encrypt.data.transfer.cipher.suites=AES/CTR/NoPadding) ;;
    3des) protection=privacy mib=32 ;;
    esac
    echo "== HDFS, $protection${cipher:+ with AES}: Hadoop"
    "$peers/reference.sh" start "$work/ref" secure=true protection=$protection $cipher datanodes=3
    ( . "$work/ref/env.sh"; FILES=${HADOOP_FILES:-48} MIB=$mib hdfs "$(cat "$work/ref/pid")" $calls )
    "$peers/reference.sh" stop "$work/ref"
    echo "== HDFS, $protection${cipher:+ with AES}: Kerbox"
    ours --datanodes 3 --protection $protection "${ours_cipher[@]}"
    MIB=$mib hdfs "$pid" $calls
    stop_ours
done
