#!/usr/bin/env bash
# Measures Kerbox beside the incumbents, in one run on one machine: MIT's krb5kdc, and Hadoop's
# MiniDFSCluster with MiniKdc. Needs `.ci/peers/install.sh apt reference`. Prints the figures of
# BENCHMARKS.md.
cd "$(dirname "$0")/.."
packages='kerbox-bench kerbox-sandbox'
. bench/common.sh
finish() {
    stop
    .ci/peers/mit-kdc.sh stop "$work/mit"
    .ci/peers/reference.sh stop "$work/ref"
    rm -rf "$work"
}
trap finish EXIT

# mit: runs the KDC load on MIT's KDC; KDC_EXTRA goes into the realm's section of its kdc.conf
mit() {
    .ci/peers/mit-kdc.sh start "$work/mit" 0 > "$work/mit.out"
    ( . "$work/mit/env.sh"; kdc_load "$KDC_PID" )
    .ci/peers/mit-kdc.sh stop "$work/mit"
}
version=$(krb5-config --version 2> /dev/null | head -1)
echo "== KDC: MIT krb5kdc $version, as it comes: it writes each login to its database"
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
our_env
echo "idle:"; "$load" usage "$pid"
kdc_load "$pid"
"$load" usage "$pid"
stop

echo "== start, in process"
"$load" start 20
"$load" web 20

# hdfs PID [calls]: runs the HDFS load on one cluster. With `calls` also the NameNode's calls, after
# a run that is not reported, to warm up the JVM.
hdfs() {
    export KRB5CCNAME=FILE:$work/cc HADOOP_USER_NAME=alice
    [ -z "${KRB5_CONFIG:-}" ] || kinit -kt "$KEYTABS/alice.keytab" alice
    if [ "${2:-}" = calls ]; then
        local count=${COUNT:-5000}
        LOAD_DIR=/user/alice/warm-up "$load" calls "$NAMENODE" "$1" "$count" > "$work/warm-up"
        "$load" calls "$NAMENODE" "$1" "$count"
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
    privacy)
        cipher=cipher=aes
        ours_cipher=(-D dfs.encrypt.data.transfer.cipher.suites=AES/CTR/NoPadding)
        ;;
    3des) protection=privacy mib=32 ;;
    esac
    echo "== HDFS, $protection${cipher:+ with AES}: Hadoop"
    .ci/peers/reference.sh start "$work/ref" secure=true protection=$protection $cipher datanodes=3
    (
        . "$work/ref/env.sh"
        FILES=${HADOOP_FILES:-48} MIB=$mib hdfs "$(cat "$work/ref/pid")" $calls
    )
    .ci/peers/reference.sh stop "$work/ref"
    echo "== HDFS, $protection${cipher:+ with AES}: Kerbox"
    ours --datanodes 3 --protection $protection "${ours_cipher[@]}"
    our_env
    MIB=$mib hdfs "$pid" $calls
    stop
done
