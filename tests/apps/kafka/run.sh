#!/usr/bin/env bash
# Kafka Connect with Iceberg's sink: a worker writes the records of a topic into a table whose
# catalog is on HDFS. It is killed twice, and started again with another way to log in (keytab,
# ticket cache, keytab), and a DataNode is lost. Each acknowledged record must be a row, once.
. "$(dirname "$0")/../common.sh"
records=${KAFKA_RECORDS:-20000}
seconds=${KAFKA_SECONDS:-120}
watch_journal

warehouse=$NAMENODE/warehouse
class_path=$HADOOP_CONF_DIR:$KERBOX_PEERS_DIR/log:$jars/classes:$jars/*
free_ports 3
broker=127.0.0.1:${ports[0]}
cat > broker.properties <<CONF
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://$broker,CONTROLLER://127.0.0.1:${ports[1]}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:${ports[1]}
log.dirs=$work/broker
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
CONF
cat > worker.properties <<CONF
bootstrap.servers=$broker
listeners=http://127.0.0.1:${ports[2]}
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
offset.storage.file.filename=$work/offsets
plugin.discovery=service_load
connector.client.config.override.policy=All
CONF
# A killed worker is missed after 6 s, and its transaction ends after 10 s.
cat > sink.properties <<CONF
name=sink
connector.class=org.apache.iceberg.connect.IcebergSinkConnector
topics=records
tasks.max=2
consumer.override.auto.offset.reset=earliest
consumer.override.session.timeout.ms=6000
consumer.override.heartbeat.interval.ms=1000
iceberg.tables=db.records
iceberg.catalog.type=hadoop
iceberg.catalog.warehouse=$warehouse
iceberg.hadoop-conf-dir=$HADOOP_CONF_DIR
iceberg.control.commit.interval-ms=3000
iceberg.kafka.bootstrap.servers=$broker
iceberg.kafka.auto.offset.reset=earliest
iceberg.kafka.session.timeout.ms=6000
iceberg.kafka.heartbeat.interval.ms=1000
iceberg.kafka.transaction.timeout.ms=10000
CONF
jvm() { small_java "$1" "$class_path" "${@:2}"; }
# records USER ARGUMENT...
records() { KRB5CCNAME=FILE:$work/$1 jvm 256 Records "${@:2}"; }
# worker keytab|cache: one with this login; `cache` is Connect's own program
worker() {
    local main=org.apache.kafka.connect.cli.ConnectStandalone
    [ "$1" = cache ] ||
        main="Records login connect/localhost@$realm $KEYTABS/connect.service.keytab"
    KRB5CCNAME=FILE:$work/$1 small_java 448 "$class_path" -Dpeers.level=INFO $main \
        worker.properties sink.properties
}
# rows N: succeeds once the table has N rows
rows() {
    ! grep -q 'Task is being killed' ./*.log || fail "the sink's task has ended, see $work"
    [ "$(tail -1 watch.log | sed 's/^rows //')" -ge "$1" ]
} 2> /dev/null
# commits LOG N: succeeds once a worker has made N commits
commits() { [ "$(grep -c 'Commit .* complete, committed to' "$work/$1.log")" -ge "$2" ]; }
# produce LOG FROM TO: sends these records once that worker has made a commit
produce() {
    wait_until 1200 commits "$1" 1
    background produce records alice produce "$broker" "$2" "$3" $((seconds / 3))
    forget "$started"
}
kinit -k -t "$KEYTABS/connect.service.keytab" -c "FILE:$work/cache" connect/localhost
kinit -k -t "$KEYTABS/alice.keytab" -c "FILE:$work/alice" alice

jvm 128 kafka.tools.StorageTool format -t a2VyYm94LWthZmthLWFwcA -c broker.properties \
    > format.log 2>&1 || fail "formatting, see $work/format.log"
background broker jvm 512 -Dpeers.level=INFO kafka.Kafka broker.properties
wait_until 300 said broker 'Kafka Server started'
records cache make "$broker" "$warehouse" > make.log 2>&1 || fail "see $work/make.log"
background watch records alice watch "$warehouse"
# Each worker gets a third of the records, evenly, and is killed in the middle of it.
part=$((records / 3))
background first worker keytab
worker=$started
produce first 0 $part
wait_until 1200 rows $((part / 2))
kill_hard "$worker"
background second worker cache
worker=$started
produce second $part $((part * 2))
wait_until 1200 rows $((part * 5 / 4))
"$KERBOX" node kill datanode2 > /dev/null
wait_until 1200 rows $((part * 3 / 2))
kill_hard "$worker"
background third worker keytab
worker=$started
produce third $((part * 2)) "$records"
wait_until 1200 rows "$records"
acknowledged=$(sed -n 's/^acknowledged //p' produce.log | awk '{ n += $1 } END { print n + 0 }')
[ "$acknowledged" = "$records" ] || fail "$acknowledged of $records records were acknowledged"
"$KERBOX" node restart datanode2 > /dev/null
# Whatever a worker would write twice has two more commits to become visible.
more=$(($(grep -c 'Commit .* complete, committed to' third.log) + 2))
wait_until 300 commits third "$more"
kill "$worker"
join "$worker" || [ $? = 143 ] || fail "the last worker did not end well, see $work/third.log"
records alice count "$warehouse" "$records" > count.log 2>&1 || fail "counting, see $work/count.log"
found=$(grep '^rows ' count.log)
[ "$found" = "rows $records distinct $records wrong 0" ] || fail "$found of $records"
pass "$found, of a topic by 3 workers, 2 of which were killed, and with a lost DataNode;\
 $(grep '^snapshots ' count.log), commits by rename: $(calls 'rename2?')"
