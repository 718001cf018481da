#!/usr/bin/env bash
# Solr with its index and its log of updates on HDFS, by its own login from a keytab: it indexes
# documents, is killed twice, loses a DataNode, and reads the log again. The lock that a killed Solr
# leaves must keep the next one out until an operator removes it. Then a backup to HDFS, and back.
. "$(dirname "$0")/../common.sh"
documents=${SOLR_DOCUMENTS:-10000}
watch_journal

core=$work/home/documents
mkdir -p "$core/conf"
echo 'name=documents' > "$core/core.properties"
kerberos="<str name='solr.hdfs.home'>$NAMENODE/solr</str>
    <str name='solr.hdfs.confdir'>$HADOOP_CONF_DIR</str>
    <bool name='solr.hdfs.security.kerberos.enabled'>true</bool>
    <str name='solr.hdfs.security.kerberos.keytabfile'>$KEYTABS/solr.service.keytab</str>
    <str name='solr.hdfs.security.kerberos.principal'>solr/localhost@$realm</str>"
cat > "$work/home/solr.xml" <<XML
<solr>
  <str name='allowPaths'>*</str>
  <backup><repository name='hdfs'
      class='org.apache.solr.hdfs.backup.repository.HdfsBackupRepository'>
    $kerberos
  </repository></backup>
</solr>
XML
cat > "$core/conf/solrconfig.xml" <<XML
<config>
  <luceneMatchVersion>9.4</luceneMatchVersion>
  <directoryFactory name='DirectoryFactory' class='org.apache.solr.hdfs.HdfsDirectoryFactory'>
    $kerberos
    <int name='solr.hdfs.blockcache.blocksperbank'>1024</int>
  </directoryFactory>
  <schemaFactory class='ClassicIndexSchemaFactory'/>
  <indexConfig><lockType>hdfs</lockType><ramBufferSizeMB>2</ramBufferSizeMB></indexConfig>
  <updateHandler class='solr.DirectUpdateHandler2'>
    <updateLog class='org.apache.solr.hdfs.update.HdfsUpdateLog'/>
  </updateHandler>
  <requestHandler name='/select' class='solr.SearchHandler'/>
</config>
XML
cat > "$core/conf/schema.xml" <<XML
<schema name='documents' version='1.6'>
  <fieldType name='string' class='solr.StrField'/>
  <fieldType name='long' class='solr.LongPointField' docValues='true'/>
  <field name='id' type='string' required='true'/>
  <field name='value' type='string' indexed='false'/>
  <field name='_version_' type='long' indexed='false' stored='false'/>
  <uniqueKey>id</uniqueKey>
</schema>
XML
cat > "$work/log4j2.xml" <<XML
<Configuration>
  <Appenders><Console name='err' target='SYSTEM_ERR'>
    <PatternLayout pattern='%d{yyyy-MM-dd HH:mm:ss,SSS} %p %c{2}: %m%n'/>
  </Console></Appenders>
  <Loggers>
    <Logger name='org.apache.hadoop.util.NativeCodeLoader' level='error'/>
    <Root level='info'><AppenderRef ref='err'/></Root>
  </Loggers>
</Configuration>
XML
class_path=$HADOOP_CONF_DIR:$jars/classes:$jars/*
jvm() {
    small_java "$1" "$class_path" -Dlog4j.configurationFile="$work/log4j2.xml" \
        -XX:MaxDirectMemorySize=64m "${@:2}"
}
solr() { jvm 320 Documents "$work/home" "$@"; }
acknowledged() {
    last=$(sed -n 's/^acknowledged //p' "$work/$1.log" | tail -1)
    [ "${last:-0}" -ge "$2" ]
}
# unlock: as an operator does after a crash
lock=$NAMENODE/solr/documents/data/index/write.lock
unlock() { jvm 128 org.apache.hadoop.fs.FsShell -rm -skipTrash "$lock" >> "$work/unlock.log" 2>&1; }
# is_whole LOG: fails unless all documents were counted there
is_whole() {
    local found; found=$(grep '^documents ' "$work/$1.log" || true)
    [ "$found" = "documents $documents distinct $documents wrong 0" ] ||
        fail "$1: ${found:-nothing} of $documents"
}
export KRB5CCNAME=FILE:$work/krb5cc
kinit -k -t "$KEYTABS/solr.service.keytab" solr/localhost

background first solr index 0 "$documents"
wait_until 1200 acknowledged first $((documents / 2))
kill_hard "$started"
acknowledged first 0
if solr count "$documents" > "$work/locked.log" 2>&1; then
    fail "Solr opened an index whose lock another has, see $work/locked.log"
fi
said locked LockObtainFailedException || fail "not because of the lock, see $work/locked.log"
unlock
background second solr index "$last" "$documents"
wait_until 1200 acknowledged second $((documents * 3 / 4))
"$KERBOX" node kill datanode2 > /dev/null
wait_until 1200 said second '^indexed'
kill_hard "$started"
"$KERBOX" node restart datanode2 > /dev/null
unlock
solr count "$documents" > "$work/count.log" 2>&1 || fail "counting, see $work/count.log"
said count '^log .*HdfsUpdateLog' || fail "the log is not on HDFS, see $work/count.log"
is_whole count
said count 'Log replay finished' || fail "the log was not read again, see $work/count.log"
replayed=$(cat "$work"/{second,count}.log | grep -c 'Log replay finished')
solr backup "$NAMENODE/solr" > "$work/backup.log" 2>&1 || fail "the backup, see $work/backup.log"
solr restore "$NAMENODE/solr" "$documents" > "$work/restore.log" 2>&1 ||
    fail "the way back, see $work/restore.log"
said restore '^deleted, documents 0 ' || fail "not deleted, see $work/restore.log"
is_whole restore
pass "$documents documents after 2 kill -9 and a lost DataNode, logs read again: $replayed,\
 and again from a backup; leases recovered: $(calls recoverLease), appends: $(calls append),\
 renames: $(calls 'rename2?')"
