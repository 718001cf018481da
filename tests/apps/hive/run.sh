#!/usr/bin/env bash
# Hive: a Metastore and HiveServer2, both with Kerberos by a keytab, Tez inside HiveServer2, and
# three users, for whom HiveServer2 acts (doAs), so that the files are theirs. They insert, change
# and delete rows in transactional tables, while HiveServer2 is killed and a DataNode is lost. Then
# all is counted, compacted and counted again; files are loaded, tables exported and joined, and who
# may not read a table is refused.
. "$(dirname "$0")/../common.sh"
batches=$((${HIVE_BATCHES:-2} / 2 * 2))
watch_journal

free_ports 3
keytab=$KEYTABS/hive.service.keytab
conf hive-site.xml <<XML
$(property hive.metastore.uris "thrift://localhost:${ports[0]}")
$(property hive.metastore.sasl.enabled true)
$(property hive.metastore.kerberos.principal "hive/localhost@$realm")
$(property hive.metastore.client.kerberos.principal "hive/localhost@$realm")
$(property hive.metastore.kerberos.keytab.file "$keytab")
$(property javax.jdo.option.ConnectionURL "jdbc:derby:;databaseName=$work/database;create=true")
$(property hive.metastore.warehouse.dir /warehouse)
$(property hive.metastore.warehouse.external.dir /warehouse)
$(property hive.server2.authentication KERBEROS)
$(property hive.server2.authentication.kerberos.principal "hive/localhost@$realm")
$(property hive.server2.authentication.client.kerberos.principal "hive/localhost@$realm")
$(property hive.server2.authentication.kerberos.keytab "$keytab")
$(property hive.server2.enable.doAs true)
$(property hive.server2.thrift.bind.host localhost)
$(property hive.server2.thrift.port "${ports[1]}")
$(property hive.server2.webui.host 127.0.0.1)
$(property hive.server2.webui.port "${ports[2]}")
$(property hive.server2.logging.operation.enabled false)
$(property hive.server2.tez.initialize.default.sessions false)
$(property hive.server2.materializedviews.registry.impl DUMMY)
$(property hive.notification.event.poll.interval 0s)
$(property hive.exec.scratchdir /tmp/hive)
$(property hive.exec.local.scratchdir "$work/scratch")
$(property hive.downloaded.resources.dir "$work/resources")
$(property hive.exec.dynamic.partition.mode nonstrict)
$(property hive.support.concurrency true)
$(property hive.txn.manager org.apache.hadoop.hive.ql.lockmgr.DbTxnManager)
$(property hive.txn.timeout 30s)
$(property hive.lock.sleep.between.retries 1s)
$(property hive.compactor.check.interval 20s)
$(property hive.compactor.gather.stats false)
$(property hive.compactor.worker.sleep.time 1s)
$(property hive.compactor.worker.max.sleep.time 2s)
$(property hive.compactor.cleaner.run.interval 2s)
$(property hive.stats.column.autogather false)
$(property hive.compute.query.using.stats false)
$(property hive.query.results.cache.enabled false)
$(property hive.execution.engine tez)
$(property hive.tez.container.size 256)
$(property tez.local.mode true)
$(property tez.local.mode.without.network true)
$(property tez.ignore.lib.uris true)
$(property tez.runtime.optimize.local.fetch true)
$(property tez.grouping.split-count 1)
$(property hive.exec.reducers.max 1)
$(property tez.am.inline.task.execution.max-tasks 2)
$(property tez.runtime.io.sort.mb 16)
$(property mapreduce.framework.name local)
$(property mapreduce.jobtracker.staging.root.dir /tmp/staging)
XML
conf metastore-site.xml <<XML
$(property metastore.housekeeping.threads.on true)
$(property metastore.acid.housekeeper.interval 10s)
$(property metastore.count.open.txns.interval 300s)
$(property metastore.compactor.initiator.on true)
$(property metastore.compactor.cleaner.on true)
$(property metastore.compactor.worker.threads 1)
$(property hive.metastore.runworker.in metastore)
$(property metastore.metastore.event.db.notification.api.auth false)
XML
for logs in hive-log4j2 log4j2; do
    cat > "$work/conf/$logs.properties" <<'PROPERTIES'
appenders = err
appender.err.type = Console
appender.err.name = err
appender.err.target = SYSTEM_ERR
appender.err.layout.type = PatternLayout
appender.err.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %p %c{2}: %m%n
loggers = native
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
rootLogger.level = warn
rootLogger.appenderRefs = err
rootLogger.appenderRef.err.ref = err
PROPERTIES
done
for package in java.time java.util.regex; do
    opens="$opens --add-opens=java.base/$package=ALL-UNNAMED"
done
# Tez wants a class of the first log4j; where the second has classes of the same names, they serve.
class_path=$work/conf:$HADOOP_CONF_DIR:$jars/classes:$(echo "$jars"/log4j-1.2-api-*.jar):$jars/*
# Derby notices after 20 s, unless told otherwise, that two of the Metastore's transactions wait for
# each other. The Metastore repeats one of them.
jvm() {
    small_java "$1" "$class_path" -Dderby.stream.error.file="$work/derby.log" \
        -Dderby.locks.deadlockTimeout=1 -Dderby.locks.waitTimeout=5 "${@:2}"
}
# listens PORT
listens() { (: < "/dev/tcp/localhost/$1") 2> /dev/null; }
start_server() {
    background server jvm 900 org.apache.hive.service.server.HiveServer2
    server=$started
}
url="jdbc:hive2://localhost:${ports[1]}/shared;principal=hive/localhost@$realm"
# as USER COMMAND ARGUMENT...
as() { KRB5CCNAME=FILE:$work/$1 jvm 128 Statements "${@:2}"; }
# sql USER STATEMENT...: prints the rows
sql() { as "$1" run "$url" "${@:2}" 2> "$work/sql.log" || fail "${*:2}: see $work/sql.log"; }
# refused USER TEXT STATEMENT
refused() {
    if as "$1" run "$url" "$3" > "$work/refused.log" 2>&1; then fail "$1 may $3"; fi
    said refused "$2" || fail "$1 was not refused because of '$2', see $work/refused.log"
}
for user in alice bob carol; do
    KRB5CCNAME=FILE:$work/$user kinit -k -t "$KEYTABS/$user.keytab" $user
done

METASTORE_HOME=$jars/home jvm 256 \
    org.apache.hadoop.hive.metastore.tools.schematool.MetastoreSchemaTool \
    -dbType derby -initSchema > "$work/schema.log" 2>&1 || fail "the schema, see $work/schema.log"
background metastore jvm 400 org.apache.hadoop.hive.metastore.HiveMetaStore -p "${ports[0]}"
wait_until 600 listens "${ports[0]}"
start_server
as alice run "${url/shared/default}" 'CREATE DATABASE shared' > "$work/make.log" 2>&1 ||
    fail "no database, see $work/make.log"
acid="STORED AS ORC TBLPROPERTIES ('transactional' = 'true')"
for number in {0..9}; do echo "$number,name $number"; done > "$work/names.csv"
expect "imported names" "$(sql alice \
    "CREATE TABLE lines (writer INT, batch INT, number INT) PARTITIONED BY (part INT) $acid" \
    "CREATE TABLE totals (name STRING, value INT, writer1 INT, writer2 INT, writer3 INT) $acid" \
    'CREATE TABLE plain (writer INT, batch INT, number INT) PARTITIONED BY (part INT)
        STORED AS ORC' \
    "CREATE TABLE loaded (number INT, name STRING)
        ROW FORMAT DELIMITED FIELDS TERMINATED BY ','" \
    "dfs -put $work/names.csv /user/alice/names.csv" \
    "LOAD DATA INPATH '/user/alice/names.csv' INTO TABLE loaded" \
    "EXPORT TABLE loaded TO '/user/alice/export'" "IMPORT TABLE names FROM '/user/alice/export'" \
    'SELECT name FROM names' 'dfs -chmod 700 /warehouse/shared.db/loaded' \
    "INSERT INTO totals VALUES ('all', 0, 0, 0, 0)" | sort)" "$(printf 'name %s\n' {0..9})"
refused bob 'Permission denied: user=bob' 'SELECT * FROM loaded'
refused bob 'Permission denied: user=bob' "INSERT INTO loaded VALUES (10, 'of bob')"
refused nobody 'GSS initiate failed' 'SELECT * FROM names'
echo "  loaded, exported, imported, and refused, $SECONDS s"
writers=
for user in alice bob carol; do
    number=$(($(wc -w <<< "$writers") + 1))
    background $user as $user write "$url" $number "$batches"
    writers="$writers $started"
done
each=$((3 * batches)) # statements of a writer
acknowledged() { [ "$(cat "$work"/{alice,bob,carol}.log | grep -c ^acknowledged)" -ge "$1" ]; }
deltas() { count '"method":"create"' '/delta_[^"]*/bucket'; }
more_deltas() { [ "$(deltas)" -gt "$before" ]; }
wait_until 900 acknowledged $each
before=$(deltas)
wait_until 300 more_deltas
kill_hard "$server"
start_server
wait_until 900 acknowledged $((2 * each))
"$KERBOX" node kill datanode2 > /dev/null
for user in alice bob carol; do wait_until 900 said $user '^repeated '; done
for writer in $writers; do kill_hard "$writer"; done
"$KERBOX" node restart datanode2 > /dev/null
answers() {
    cat "$work"/{alice,bob,carol}.log | sed -n "s/^\(.* \|\)$1 \([0-9]*\).*/\2/p" |
        awk '{ n += $1 } END { print n + 0 }'
}
repeated=$(answers repeated) unanswered=$(answers unanswered)
echo "  $((3 * each)) statements done, unanswered: $unanswered, repeated: $repeated, $SECONDS s"

rows=$((30 * batches)) half=$((15 * batches))
counted='SELECT count(*), count(DISTINCT writer, batch, number), max(number)'
expect rows "$(sql carol "$counted FROM lines" "$counted FROM plain" 'SELECT * FROM totals')" \
    "$rows $rows 9
$half $half 9
all $((3 * batches / 2)) $batches $batches $batches"
as alice compact shared lines part=0 part=1 > "$work/compact.log" 2>&1 ||
    fail "compaction, see $work/compact.log"
left=$(sql alice 'dfs -ls -R /warehouse/shared.db/lines' |
    sed -n 's,.*/\(base\|delta\|delete\)_.*,\1,p')
expect "what compaction left" "$(sort -u <<< "$left")" base
expect "compacted and joined rows" "$(sql bob "$counted, count(DISTINCT part) FROM lines" \
    'CREATE TABLE joined STORED AS ORC AS
        SELECT name, writer, batch FROM lines JOIN names ON lines.number = names.number' \
    'SELECT count(*), count(DISTINCT name, writer, batch) FROM joined')" "$rows $rows 9 2
$rows $rows"
for user in alice bob carol; do
    [ "$(calls create "\"user\":\"$user\"" /warehouse/shared.db/)" -gt 0 ] ||
        fail "no file in the warehouse was written by $user"
done
pass "$rows rows in a transactional table and $half in another, $((3 * batches / 2)) changes,\
 $((3 * batches)) deleted, after a kill -9 and a lost DataNode; compacted, exported, joined;\
 statements repeated: $repeated, done but not answered: $unanswered;\
 tokens: $(calls getDelegationToken), renames: $(calls 'rename2?')"
