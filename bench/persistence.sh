#!/usr/bin/env bash
# Measures what it costs to keep the namespace on disk: mkdirs and empty create with 1, 8 and 100 in
# flight, by the same client on Kerbox without and with a data directory, and on Hadoop's NameNode,
# which is a process of its own and flushes each edit, unlike MiniDFSCluster's.
# Needs `.ci/peers/install.sh reference`. Files are in a folder of TMPDIR: name a disk, not a tmpfs.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release -p kerbox-bench -p kerbox-sandbox
target=${CARGO_TARGET_DIR:-target}
load=$target/release/load kerbox=$target/release/kerbox
peers=${KERBOX_PEERS_DIR:-$HOME/.cache/kerbox-peers}
work=$(mktemp -d)
pid=
stop() { [ -z "$pid" ] || { kill "$pid"; wait "$pid" || true; }; pid=; }
trap 'stop; rm -rf "$work"' EXIT

# calls URL: warms the server up, and measures it
calls() {
    export HADOOP_USER_NAME=$1
    LOAD_DIR=$2/warm-up "$load" calls "$3" "$pid" "${COUNT:-5000}" > "$work/warm-up"
    LOAD_DIR=$2/load "$load" calls "$3" "$pid" "${COUNT:-5000}"
}

# ours ARGUMENTS...: runs Kerbox and measures it
ours() {
    rm -rf "$work/kerbox" "$work/ready"
    "$kerbox" up --dir "$work/kerbox" --datanodes 0 --json --simple \
        "$@" > "$work/ready" 2> "$work/kerbox.log" &
    pid=$!
    until [ -s "$work/ready" ]; do kill -0 "$pid" || { cat "$work/kerbox.log"; exit 1; }; sleep 0.01; done
    # shellcheck disable=SC1091
    ( . "$work/kerbox/env.sh"; calls alice /user/alice "$NAMENODE" )
    stop
}

# property NAME VALUE
property() { echo "<property><name>$1</name><value>$2</value></property>"; }

# hadoop CLASS ARGUMENTS...: becomes a server of Hadoop
hadoop() {
    exec java -Xmx1g -Djava.net.preferIPv4Stack=true -Dpeers.level=INFO \
        -cp "$work/conf:$peers/log:$peers/reference/*" "org.apache.hadoop.hdfs.server.namenode.$1" "${@:2}"
}

echo "== load: $(cut -d' ' -f1-3 /proc/loadavg); files on $(stat -f -c %T "$work")"
echo "== Kerbox, in memory"
ours
echo "== Kerbox, with a data directory"
ours --data-dir "$work/data"

echo "== Hadoop's NameNode"
mkdir "$work/conf"
{ echo "<configuration>"; property fs.defaultFS hdfs://127.0.0.1:0; echo "</configuration>"; } > "$work/conf/core-site.xml"
{
    echo "<configuration>"
    property dfs.namenode.name.dir "file://$work/name"
    property dfs.namenode.http-address 127.0.0.1:0
    property dfs.replication 1
    echo "</configuration>"
} > "$work/conf/hdfs-site.xml"
export HADOOP_USER_NAME=hdfs
( hadoop NameNode -format -nonInteractive ) > "$work/format.log" 2>&1 || { tail -20 "$work/format.log"; exit 1; }
hadoop NameNode > "$work/namenode.log" 2>&1 &
pid=$!
port() { sed -n 's|.*RPC up at: .*127\.0\.0\.1:\([0-9]*\).*|\1|p' "$work/namenode.log" | head -1; }
until [ -n "$(port)" ]; do kill -0 "$pid" || { tail -20 "$work/namenode.log"; exit 1; }; sleep 0.1; done
export HADOOP_CONF_DIR=$work/conf
calls hdfs "" "hdfs://127.0.0.1:$(port)"
