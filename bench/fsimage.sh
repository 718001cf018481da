#!/usr/bin/env bash
# Measures the load of an image with COUNT files (10,000,000), each with a block: from the command to
# the first answer of `kerbox up --fsimage`, and of Hadoop's NameNode, with HEAP (8g), on the same
# image. Asks both the same questions then, and prints the ratios.
# Hadoop's memory is the live heap after a collection, ours is what is resident.
# Needs `.ci/peers/install.sh reference`, and three gigabytes in TMPDIR. KERBOX names another program
# than the release build.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
if [ -z "${KERBOX:-}" ]; then
    cargo build --quiet --release -p kerbox-sandbox
    KERBOX=${CARGO_TARGET_DIR:-target}/release/kerbox
fi
peers=${KERBOX_PEERS_DIR:-$HOME/.cache/kerbox-peers}
count=${COUNT:-10000000}
work=$(mktemp -d)
pid=
stop() { [ -z "$pid" ] || { kill "$pid"; wait "$pid" || true; } 2> /dev/null; pid=; }
trap 'stop; rm -rf "$work"' EXIT
hadoop_java() {
    exec java -Xmx"${HEAP:-8g}" -Djava.net.preferIPv4Stack=true -Dpeers.level=INFO \
        -cp "$work/conf:$peers/log:$peers/reference/*" "$@"
}
# timed COMMAND...: runs it here, and sets `took`
timed() { local from; from=$(date +%s.%N); "$@"; took=$(echo "$(date +%s.%N) - $from" | bc); }
memory() { awk '$1 == "VmRSS:" { print $2 * 1024 }' "/proc/$pid/status"; }
heap() { jcmd "$pid" GC.class_histogram | awk '$1 == "Total" { print $3 }'; }
# ask SERVER CONF: writes "QUESTION MILLISECONDS" lines into a file
ask() {
    HADOOP_USER_NAME=hdfs java -Xmx1g -Djava.net.preferIPv4Stack=true -Dpeers.level=WARN \
        -cp "$work/classes:$2:$peers/log:$peers/reference/*" Questions "$count" | tee "$work/$1.answers"
}
property() { echo "<property><name>$1</name><value>$2</value></property>"; }

echo "== load: $(cut -d' ' -f1-3 /proc/loadavg)"
mkdir "$work/conf"
javac -nowarn -cp "$peers/reference/*" -d "$work/classes" bench/Questions.java
(hadoop_java "$here/bench/BigImage.java" "$work/name" "$count")
image=$work/name/current/fsimage_0000000000000000001
echo "== $count files, $(stat -c %s "$image") bytes"
cat "$image" > /dev/null

ours() {
    "$KERBOX" up --simple --fsimage "$image" --dir "$work/kerbox" --json > "$work/ready" 2> "$work/log" &
    pid=$!
    until [ -s "$work/ready" ]; do kill -0 "$pid" || { cat "$work/log"; exit 1; }; sleep 0.01; done
}
timed ours
kerbox=$took
echo "== Kerbox: $kerbox s"
echo "memory $(memory)" > "$work/kerbox.memory"
ask kerbox "$work/kerbox/hadoop"
stop

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
{
    echo "<configuration>"
    property fs.defaultFS "hdfs://127.0.0.1:$port"
    property dfs.namenode.name.dir "file://$work/name"
    property dfs.namenode.http-address 127.0.0.1:0
    echo "</configuration>"
} | tee "$work/conf/core-site.xml" > "$work/conf/hdfs-site.xml"
theirs() {
    HADOOP_USER_NAME=hdfs hadoop_java org.apache.hadoop.hdfs.server.namenode.NameNode > "$work/namenode.log" 2>&1 &
    pid=$!
    until grep -q 'RPC up at: ' "$work/namenode.log"; do kill -0 "$pid" || { tail -20 "$work/namenode.log"; exit 1; }; sleep 0.01; done
}
timed theirs
hadoop=$took
echo "== Hadoop's NameNode: $hadoop s, resident memory $(memory)"
echo "memory $(heap)" > "$work/hadoop.memory"
ask hadoop "$work/conf"
sed -n 's/.*\(Loaded FSImage in [0-9]* seconds\).*/== of these: \1/p' "$work/namenode.log"
echo "== Kerbox / Hadoop: $(echo "scale=2; $kerbox / $hadoop" | bc)"
echo "== Hadoop's figure as a multiple of Kerbox's"
paste <(cat "$work"/hadoop.{memory,answers}) <(cat "$work"/kerbox.{memory,answers}) |
    awk '{ printf "%-16s %14s %14s %8.2f\n", $1, $2, $4, $2 / $4 }'
