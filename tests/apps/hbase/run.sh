#!/usr/bin/env bash
# HBase: ZooKeeper, a master and three region servers write 200,500 rows twice, with a WAL by
# asyncfs and by FSHLog (a DFSOutputStream). Meanwhile region servers and a DataNode are killed; at
# the end every server is, before the last rows are flushed. Then all rows are counted and compared.
. "$(dirname "$0")/../common.sh"
rows=${HBASE_ROWS:-200000}
last=500
watch_journal

free_ports 2
zookeeper=${ports[0]} master=${ports[1]}
class_path=$work/conf:$HADOOP_CONF_DIR:$KERBOX_PEERS_DIR/log:$jars/classes:$jars/*
netty=org.apache.hbase.thirdparty.io.netty
hbase() {
    small_java "${HEAP:-512}" "$class_path" -Dpeers.level=INFO \
        -D$netty.tryReflectionSetAccessible=true "$@"
}
rows() { small_java 256 "$class_path" Rows "alice@$realm" "$KEYTABS/alice.keytab" "$@"; }

mkdir -p "$work/zookeeper" "$work/tmp"
printf '%s\n' "dataDir=$work/zookeeper" "clientPort=$zookeeper" clientPortAddress=127.0.0.1 \
    tickTime=2000 admin.enableServer=false > "$work/zoo.cfg"

# site PROVIDER: hbase-site.xml with this WAL
site() {
    conf hbase-site.xml <<XML
$(property hbase.rootdir "$NAMENODE/hbase")
$(property hbase.cluster.distributed true)
$(property hbase.tmp.dir "$work/tmp")
$(property hbase.zookeeper.quorum 127.0.0.1)
$(property hbase.zookeeper.property.clientPort "$zookeeper")
$(property zookeeper.session.timeout 20000)
$(property hbase.security.authentication kerberos)
$(property hbase.master.kerberos.principal "hbase/localhost@$realm")
$(property hbase.regionserver.kerberos.principal "hbase/localhost@$realm")
$(property hbase.master.keytab.file "$KEYTABS/hbase.service.keytab")
$(property hbase.regionserver.keytab.file "$KEYTABS/hbase.service.keytab")
$(property hbase.master.hostname localhost)
$(property hbase.regionserver.hostname localhost)
$(property hbase.master.port "$master")
$(property hbase.master.info.port -1)
$(property hbase.regionserver.port 0)
$(property hbase.regionserver.info.port -1)
$(property hbase.regionserver.handler.count 5)
$(property hbase.hregion.memstore.flush.size 2097152)
$(property hbase.regionserver.hlog.blocksize 4194304)
$(property hbase.wal.provider "$1")
$(property hbase.wal.meta_provider "$1")
XML
}

declare -A server # pids by name
servers='region1 region2 region3 master'
starts=0
# start NAME: a master or a region server, with a log of its own
start() {
    local class=regionserver.HRegionServer
    [ "$1" != master ] || class=master.HMaster
    starts=$((starts + 1)) latest=$1-$starts
    background "$latest" hbase org.apache.hadoop.hbase.$class start
    server[$1]=$started
}
start_all() {
    local regions='region1 region2 region3' name
    for name in $regions; do start "$name"; done
    start master
    wait_until 1200 said "$latest" 'Master has completed initialization'
}
kill_all() { local name; for name in $servers; do kill_hard "${server[$name]}"; done; }
acknowledged() {
    local last; last=$(sed -n 's/^acknowledged //p' "$work/put-$wal.log" | tail -1)
    [ "${last:-0}" -ge "$1" ]
}

# trial WAL CLASS TABLE: everything for one kind of WAL
trial() {
    local table=$3 counted again
    wal=$1
    site "$wal"
    start_all
    rows create "$table" > "$work/create-$wal.log" 2>&1
    said "region3-$((starts - 1))" "$2" || fail "$wal: no region server uses $2"
    background "put-$wal" rows put "$table" 0 "$rows"
    writer=$started
    wait_until 1200 acknowledged $((rows / 5))
    kill_hard "${server[region1]}"
    wait_until 1200 acknowledged $((rows * 2 / 5))
    start region1
    "$KERBOX" node kill datanode1 > /dev/null
    wait_until 1200 acknowledged $((rows * 3 / 5))
    kill_hard "${server[region2]}"
    "$KERBOX" node restart datanode1 > /dev/null
    wait_until 1200 acknowledged $((rows * 4 / 5))
    start region2
    join "$writer" || fail "the writer, see $work/put-$wal.log"
    again=$(sed -n 's/^put .* again //p' "$work/put-$wal.log")
    rows put "$table" "$rows" $((rows + last)) > "$work/last-$wal.log" 2>&1
    # Nobody has flushed these: they are in the WALs alone.
    kill_all
    start_all
    rows count "$table" > "$work/count-$wal.log" 2>&1 || fail "counting, see $work/count-$wal.log"
    counted=$(sed -n 's/^rows //p' "$work/count-$wal.log")
    [ "$counted" = "$((rows + last)) wrong 0" ] || fail "$wal: rows $counted of $((rows + last))"
    echo "  $wal: $((rows + last)) of $((rows + last)) rows after 5 kills of region servers," \
        "1 of the master and 1 of a DataNode; $again batches put again"
    kill_all
}

background zookeeper hbase org.apache.zookeeper.server.quorum.QuorumPeerMain "$work/zoo.cfg"
trial asyncfs AsyncFSWALProvider by_asyncfs
trial filesystem FSHLogProvider by_fshlog
blocks=$(count '"event":"WriteBlock"')
pass "2 x $((rows + last)) rows; leases recovered: $(calls recoverLease), blocks written: $blocks"
