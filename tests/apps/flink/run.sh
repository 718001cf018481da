#!/usr/bin/env bash
# Flink: a job with checkpoints on HDFS writes numbers into files, exactly once, while it throws
# exceptions, loses a task manager, loses a DataNode, and is killed with its whole cluster. Files
# that were open are recovered and cut back (recoverLease, truncate). Then all numbers are counted.
. "$(dirname "$0")/../common.sh"
numbers=${FLINK_NUMBERS:-200000}
watch_journal

class_path=$HADOOP_CONF_DIR:$KERBOX_PEERS_DIR/log:$jars/classes:$jars/*
job() {
    small_java 512 "$class_path" -Dpeers.level=INFO Numbers "alice@$realm" \
        "$KEYTABS/alice.keytab" "$NAMENODE/user/alice/flink" "$numbers" "$1"
}
# seen LOG N: succeeds once the job's run has seen N numbers
seen() {
    local last; last=$(sed -n 's/^seen //p' "$work/$1.log" | tail -1)
    [ "${last:-0}" -ge "$2" ]
}

background first job run
wait_until 12000 seen first $((numbers / 2))
kill_hard "$started"
background second job run
wait_until 12000 seen second $((numbers / 4))
"$KERBOX" node kill datanode2
join "$started" || fail "the second run, see $work/second.log"
grep -q '^from hdfs:.*/chk-' "$work/second.log" ||
    fail "the second run did not begin with a checkpoint"
"$KERBOX" node restart datanode2
job count > "$work/count.log" 2>&1 || fail "see $work/count.log"
found=$(grep '^numbers ' "$work/count.log")
[ "${found% files *}" = "numbers $numbers distinct $numbers" ] || fail "$found of $numbers"
failures=$(cat "$work/first.log" "$work/second.log" | grep -cE '^(failing at|lost a task manager)')
pass "$found, after $failures failures and a kill -9; truncated: $(calls truncate),\
 leases recovered: $(calls recoverLease), renames: $(calls 'rename2?')"
