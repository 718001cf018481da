#!/usr/bin/env bash
# Measures snapshots of a directory of a million files (FILES) beside Hadoop's NameNode, in one run:
# milliseconds and memory of a snapshot, of the change of one file in a hundred after it, of the
# difference between two snapshots, and of their removal, and the ratio of each.
# Needs `.ci/peers/install.sh reference`. Hadoop's memory is the live heap after a collection, ours
# is what is resident.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release -p kerbox-sandbox
target=${CARGO_TARGET_DIR:-target}
kerbox=$target/release/kerbox files=${FILES:-1000000}
peers=${KERBOX_PEERS_DIR:-$HOME/.cache/kerbox-peers}
work=$(mktemp -d)
pid=
stop() { [ -z "$pid" ] || { kill "$pid"; wait "$pid" || true; }; pid=; }
trap 'stop; rm -rf "$work"' EXIT
export HADOOP_USER_NAME=hdfs
javac -nowarn -cp "$peers/reference/*" -d "$work/classes" bench/Million.java

# memory: the server's bytes
memory() {
    if [ "$1" = hadoop ]; then jcmd "$pid" GC.class_histogram | awk '$1 == "Total" { print $3 }'
    else awk '$1 == "VmRSS:" { print $2 * 1024 }' "/proc/$pid/status"; fi
}

# step SERVER CONF STEP [NAME]: makes one step; prints "STEP MILLISECONDS KIB", the growth of memory
step() {
    local before after took
    before=$(memory "$1")
    took=$(java -Xmx1g -Djava.net.preferIPv4Stack=true -cp "$work/classes:$2:$peers/log:$peers/reference/*" Million "$3" "$files" "${4:-}" 2> "$work/error") \
        || { cat "$work/error" >&2; exit 1; }
    after=$(memory "$1")
    echo "$3${4:+-$4} $took $(((after - before) / 1024))"
}

# steps SERVER CONF: makes all steps, into a file
steps() {
    local words
    for words in fill "snapshot s1" change "snapshot s2" diff pages summary "delete s1" "delete s2"; do
        # shellcheck disable=SC2086
        step "$1" "$2" $words
    done | tee "$work/$1.steps"
}

echo "== load: $(cut -d' ' -f1-3 /proc/loadavg); $files files"
echo "== Hadoop's NameNode: milliseconds, KiB"
mkdir "$work/conf"
property() { echo "<property><name>$1</name><value>$2</value></property>"; }
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
{ echo "<configuration>"; property fs.defaultFS "hdfs://127.0.0.1:$port"; echo "</configuration>"; } > "$work/conf/core-site.xml"
{
    echo "<configuration>"
    property dfs.namenode.name.dir "file://$work/name"
    property dfs.namenode.http-address 127.0.0.1:0
    echo "</configuration>"
} > "$work/conf/hdfs-site.xml"
hadoop() {
    exec java "-Xmx${HEAP:-3g}" -Djava.net.preferIPv4Stack=true -Dpeers.level=WARN \
        -cp "$work/conf:$peers/log:$peers/reference/*" org.apache.hadoop.hdfs.server.namenode.NameNode "$@"
}
( hadoop -format -nonInteractive ) > "$work/format.log" 2>&1
hadoop > "$work/hadoop.log" 2>&1 &
pid=$!
until (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do kill -0 "$pid" || { cat "$work/hadoop.log"; exit 1; }; sleep 0.2; done
steps hadoop "$work/conf"
stop

echo "== Kerbox: milliseconds, KiB"
"$kerbox" up --dir "$work/kerbox" --datanodes 0 --json --simple > "$work/ready" 2> "$work/kerbox.log" &
pid=$!
until [ -s "$work/ready" ]; do kill -0 "$pid" || { cat "$work/kerbox.log"; exit 1; }; sleep 0.01; done
# shellcheck disable=SC1091
. "$work/kerbox/env.sh"
steps kerbox "$HADOOP_CONF_DIR"
stop

echo "== Hadoop's time and memory as a multiple of Kerbox's"
paste "$work/hadoop.steps" "$work/kerbox.steps" | awk '{
    memory = $6 > 0 ? sprintf("%.2f", $3 / $6) : "-"
    printf "%-12s time %8.2f   memory %8s\n", $1, $2 / $5, memory
}'
