#!/usr/bin/env bash
# Measures the load of an image with COUNT files (10,000,000), each with a block: from the command
# to the first answer of `kerbox up --fsimage`, and of Hadoop's NameNode, with HEAP (8g), on the
# same image. Asks both the same questions then, and prints the ratios.
# Hadoop's memory is the live heap after a collection, ours is what is resident.
# Needs `.ci/peers/install.sh reference`, and three gigabytes in TMPDIR. KERBOX names another
# program than the release build.
cd "$(dirname "$0")/.."
packages=kerbox-sandbox
. bench/common.sh
count=${COUNT:-10000000} xmx=${HEAP:-8g}

# timed COMMAND...: runs it here, and sets `took`
timed() { local from; from=$(date +%s.%N); "$@"; took=$(echo "$(date +%s.%N) - $from" | bc); }
# ask SERVER CONF: writes "QUESTION MILLISECONDS" lines into a file
ask() {
    ( HADOOP_USER_NAME=hdfs conf=$2 java_peer -Xmx1g Questions "$count" ) |
        tee "$work/$1.answers"
}

about_load
site core-site.xml
javac -nowarn -cp "$peers/reference/*" -d "$work/classes" bench/Questions.java
( LEVEL=INFO java_peer -Xmx"$xmx" bench/BigImage.java "$work/name" "$count" )
image=$work/name/current/fsimage_0000000000000000001
echo "== $count files, $(stat -c %s "$image") bytes"
cat "$image" > /dev/null

timed ours --simple --fsimage "$image"
kerbox_took=$took
echo "== Kerbox: $kerbox_took s"
echo "memory $(resident)" > "$work/kerbox.memory"
ask kerbox "$work/kerbox/hadoop"
stop

port=$(free_port)
for file in core-site.xml hdfs-site.xml; do
    site $file fs.defaultFS "hdfs://127.0.0.1:$port" dfs.namenode.name.dir "file://$work/name" \
        dfs.namenode.http-address 127.0.0.1:0
done
theirs() {
    local log=$work/namenode.log
    HADOOP_USER_NAME=hdfs LEVEL=INFO java_peer -Xmx"$xmx" \
        org.apache.hadoop.hdfs.server.namenode.NameNode > "$log" 2>&1 &
    pid=$!
    wait_for "$log" grep -q 'RPC up at: ' "$log"
}
timed theirs
echo "== Hadoop's NameNode: $took s, resident memory $(resident)"
echo "memory $(heap)" > "$work/hadoop.memory"
ask hadoop "$work/conf"
sed -n 's/.*\(Loaded FSImage in [0-9]* seconds\).*/== of these: \1/p' "$work/namenode.log"
echo "== Kerbox / Hadoop: $(echo "scale=2; $kerbox_took / $took" | bc)"
echo "== Hadoop's figure as a multiple of Kerbox's"
paste <(cat "$work"/hadoop.{memory,answers}) <(cat "$work"/kerbox.{memory,answers}) |
    awk '{ printf "%-16s %14s %14s %8.2f\n", $1, $2, $4, $2 / $4 }'
