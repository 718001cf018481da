#!/usr/bin/env bash
# Measures snapshots of a directory of a million files (FILES) beside Hadoop's NameNode, in one run:
# milliseconds and memory of a snapshot, of the change of one file in a hundred after it, of the
# difference between two snapshots, and of their removal, and the ratio of each.
# Needs `.ci/peers/install.sh reference`. Hadoop's memory is the live heap after a collection, ours
# is what is resident.
cd "$(dirname "$0")/.."
packages=kerbox-sandbox
. bench/common.sh
files=${FILES:-1000000}
export HADOOP_USER_NAME=hdfs
javac -nowarn -cp "$peers/reference/*" -d "$work/classes" bench/Million.java

# memory SERVER: the server's bytes
memory() {
    if [ "$1" = hadoop ]; then heap; else resident; fi
}

# step SERVER CONF STEP [NAME]: makes one step; prints "STEP MILLISECONDS KIB", the growth of memory
step() {
    local before after took
    before=$(memory "$1")
    took=$(conf=$2 java_peer -Xmx1g Million "$3" "$files" "${4:-}" 2> "$work/error") ||
        { cat "$work/error" >&2; exit 1; }
    after=$(memory "$1")
    echo "$3${4:+-$4} $took $(((after - before) / 1024))"
}

# steps SERVER CONF: makes all steps, into a file
steps() {
    local words
    for words in fill "snapshot s1" change "snapshot s2" diff pages summary "delete s1" \
        "delete s2"; do
        # shellcheck disable=SC2086
        step "$1" "$2" $words
    done | tee "$work/$1.steps"
}

about_load "; $files files"
echo "== Hadoop's NameNode: milliseconds, KiB"
port=$(free_port)
site core-site.xml fs.defaultFS "hdfs://127.0.0.1:$port"
site hdfs-site.xml dfs.namenode.name.dir "file://$work/name" \
    dfs.namenode.http-address 127.0.0.1:0
namenode() { java_peer "-Xmx${HEAP:-3g}" org.apache.hadoop.hdfs.server.namenode.NameNode "$@"; }
( namenode -format -nonInteractive ) > "$work/format.log" 2>&1
namenode > "$work/hadoop.log" 2>&1 &
pid=$!
connects() { (exec 3<> "/dev/tcp/127.0.0.1/$port"); }
wait_for "$work/hadoop.log" connects
steps hadoop "$work/conf"
stop

echo "== Kerbox: milliseconds, KiB"
ours --datanodes 0 --simple
our_env
steps kerbox "$HADOOP_CONF_DIR"
stop

echo "== Hadoop's time and memory as a multiple of Kerbox's"
paste "$work/hadoop.steps" "$work/kerbox.steps" | awk '{
    memory = $6 > 0 ? sprintf("%.2f", $3 / $6) : "-"
    printf "%-12s time %8.2f   memory %8s\n", $1, $2 / $5, memory
}'
