#!/usr/bin/env bash
# Measures what it costs to keep the namespace on disk: mkdirs and empty create with 1, 8 and 100 in
# flight, by the same client on Kerbox without and with a data directory, and on Hadoop's NameNode,
# which is a process of its own and flushes each edit, unlike MiniDFSCluster's.
# Needs `.ci/peers/install.sh reference`. Files are in a folder of TMPDIR: name a disk, not a tmpfs.
cd "$(dirname "$0")/.."
packages='kerbox-bench kerbox-sandbox'
. bench/common.sh

# calls USER DIRECTORY URL: warms the server up, and measures it
calls() {
    export HADOOP_USER_NAME=$1
    LOAD_DIR=$2/warm-up "$load" calls "$3" "$pid" "${COUNT:-5000}" > "$work/warm-up"
    LOAD_DIR=$2/load "$load" calls "$3" "$pid" "${COUNT:-5000}"
}
# measured ARGUMENTS...: runs Kerbox and measures it
measured() {
    ours --datanodes 0 --simple "$@"
    ( our_env; calls alice /user/alice "$NAMENODE" )
    stop
}

about_load "; files on $(stat -f -c %T "$work")"
echo "== Kerbox, in memory"
measured
echo "== Kerbox, with a data directory"
measured --data-dir "$work/data"

echo "== Hadoop's NameNode"
site core-site.xml fs.defaultFS hdfs://127.0.0.1:0
site hdfs-site.xml dfs.namenode.name.dir "file://$work/name" \
    dfs.namenode.http-address 127.0.0.1:0 dfs.replication 1
export HADOOP_USER_NAME=hdfs LEVEL=INFO
namenode() { java_peer -Xmx1g org.apache.hadoop.hdfs.server.namenode.NameNode "$@"; }
( namenode -format -nonInteractive ) > "$work/format.log" 2>&1 ||
    { tail -20 "$work/format.log"; exit 1; }
namenode > "$work/namenode.log" 2>&1 &
pid=$!
port() {
    sed -n 's|.*RPC up at: .*127\.0\.0\.1:\([0-9]*\).*|\1|p' "$work/namenode.log" | head -1
}
wait_for "$work/namenode.log" grep -q 'RPC up at: ' "$work/namenode.log"
export HADOOP_CONF_DIR=$work/conf
calls hdfs "" "hdfs://127.0.0.1:$(port)"
