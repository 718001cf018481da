#!/usr/bin/env bash
# YARN with MapReduce: a ResourceManager, two NodeManagers and a history server, all with Kerberos,
# run teragen, terasort, teravalidate, wordcount, and distcp over hdfs and webhdfs. What they wrote
# is compared. Containers have delegation tokens alone, which the ResourceManager renews and
# cancels.
. "$(dirname "$0")/../common.sh"
rows=${TERA_ROWS:-500000}
watch_journal

free_ports 6
# Without the setuid container executor, containers run as the user of the NodeManagers, and the
# shuffle asks that the job is this user's.
user=$(id -un)
log=$work/principal.log
"$KERBOX" principal add "$user" --password "$user" 2> "$log" || grep -q exist "$log" ||
    fail "no principal for $user: $(cat "$log")"
"$KERBOX" keytab "$user" -o "$work/user.keytab" > /dev/null
export KRB5CCNAME=FILE:$work/krb5cc
kinit -f -k -t "$work/user.keytab" "$user"
home=/user/$user

conf yarn-site.xml "$HADOOP_CONF_DIR/yarn-site.xml" <<XML
$(property yarn.resourcemanager.hostname localhost)
$(property yarn.resourcemanager.address "localhost:${ports[0]}")
$(property yarn.resourcemanager.scheduler.address "localhost:${ports[1]}")
$(property yarn.resourcemanager.resource-tracker.address "localhost:${ports[2]}")
$(property yarn.resourcemanager.admin.address "localhost:${ports[3]}")
$(property yarn.resourcemanager.webapp.address localhost:0)
$(property yarn.nodemanager.hostname localhost)
$(property yarn.nodemanager.address localhost:0)
$(property yarn.nodemanager.localizer.address localhost:0)
$(property yarn.nodemanager.webapp.address localhost:0)
$(property yarn.nodemanager.aux-services mapreduce_shuffle)
$(property yarn.nodemanager.resource.memory-mb 1536)
$(property yarn.nodemanager.resource.cpu-vcores 3)
$(property yarn.scheduler.minimum-allocation-mb 128)
$(property yarn.nodemanager.vmem-check-enabled false)
$(property yarn.nodemanager.env-whitelist JAVA_HOME,JAVA_TOOL_OPTIONS)
$(property yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage 99.9)
$(property yarn.application.classpath "$work/conf,$HADOOP_CONF_DIR,$KERBOX_PEERS_DIR/log,$jars/*")
$(property yarn.log-aggregation-enable true)
XML
small="-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
conf mapred-site.xml "$HADOOP_CONF_DIR/mapred-site.xml" <<XML
$(property mapreduce.framework.name yarn)
$(property mapreduce.application.classpath "$jars/*")
$(property mapreduce.shuffle.port 0)
$(property yarn.app.mapreduce.am.staging-dir /user)
$(property yarn.app.mapreduce.am.resource.mb 384)
$(property yarn.app.mapreduce.am.command-opts "-Xmx256m $small")
$(property yarn.app.mapreduce.am.admin-command-opts "-Djava.library.path=$jars/native")
$(property mapreduce.map.memory.mb 320)
$(property mapreduce.reduce.memory.mb 320)
$(property mapred.child.java.opts "-Xmx224m $small -Djava.library.path=$jars/native")
$(property mapreduce.task.io.sort.mb 48)
$(property mapreduce.jobhistory.address "localhost:${ports[4]}")
$(property mapreduce.jobhistory.webapp.address localhost:0)
$(property mapreduce.jobhistory.admin.address "localhost:${ports[5]}")
$(property mapreduce.jobhistory.move.interval-ms 2000)
XML
conf capacity-scheduler.xml <<XML
$(property yarn.scheduler.capacity.root.queues default)
$(property yarn.scheduler.capacity.root.default.capacity 100)
$(property yarn.scheduler.capacity.maximum-am-resource-percent 0.5)
XML
# Containers are started with $JAVA_HOME/bin/java.
export JAVA_HOME=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")}
class_path=$work/conf:$HADOOP_CONF_DIR:$KERBOX_PEERS_DIR/log:$jars/classes:$jars/*
hadoop() {
    small_java "${HEAP:-256}" "$class_path" -Dpeers.level=INFO \
        -Djava.library.path="$jars/native" "$@"
}
words() { hadoop -Dpeers.level=WARN Words "$@" 2>> "$work/words.log"; }
# job NAME CLASS ARGUMENT...: runs a job to its end
job() {
    local start=$SECONDS
    hadoop "${@:2}" > "$work/job-$1.log" 2>&1 || fail "$1, see $work/job-$1.log"
    echo "  $1: $((SECONDS - start)) s"
}

background resourcemanager hadoop org.apache.hadoop.yarn.server.resourcemanager.ResourceManager
background history hadoop org.apache.hadoop.mapreduce.v2.hs.JobHistoryServer
for i in 1 2; do
    mkdir -p "$work/node$i"
    background node$i hadoop org.apache.hadoop.yarn.server.nodemanager.NodeManager \
        -Dyarn.nodemanager.local-dirs="$work/node$i/local" \
        -Dyarn.nodemanager.log-dirs="$work/node$i/logs"
done
wait_until 1200 said resourcemanager 'NodeManager from node .* registered'
wait_until 600 said history 'Instantiated HistoryClientService'

driver=org.apache.hadoop.examples.ExampleDriver
job teragen $driver teragen -Dmapreduce.job.maps=3 "$rows" $home/tera/in
job terasort $driver terasort -Dmapreduce.job.reduces=2 $home/tera/in $home/tera/out
job teravalidate $driver teravalidate $home/tera/out $home/tera/report
expect "rows sorted" "$(words rows $home/tera/out)" "rows $rows"
expect "rows out of order" "$(words has $home/tera/report error)" 'lines 0'
# The sum over all rows, as the generator has counted it, and as the sorted files give it.
generated=$(sed -n 's/^.*CHECKSUM=//p' "$work/job-teragen.log")
sum=$(printf 'checksum\t%x' "$generated")
expect "the sum of all rows" "$(words has $home/tera/report "$sum")" 'lines 1'

words write $home/text 3 20000
job wordcount $driver wordcount -Dmapreduce.job.reduces=2 $home/text $home/counts
counted=$(words compare $home/counts 3 20000)
expect "words" "$counted" 'words 104 right'

distcp=org.apache.hadoop.tools.DistCp
job distcp $distcp -m 2 -update -p "$NAMENODE$home/tera/out" "$NAMENODE$home/copy"
expect "files copied" "$(words same $home/tera/out $home/copy)" 'equal 4'
job distcp-webhdfs $distcp -m 2 "webhdfs://${WEBHDFS#http://}$home/text" "$NAMENODE$home/text2"
expect "files copied over webhdfs" "$(words same $home/text $home/text2)" 'equal 3'

# A job that takes longer than a token may live without being renewed.
job sleep org.apache.hadoop.mapreduce.SleepJob -m 2 -r 1 -mt 40000 -rt 40000
jobs=7
renewed=$(calls renewDelegationToken '"user":"yarn"')
[ "$renewed" -gt $jobs ] ||
    fail "the ResourceManager has renewed only $renewed tokens of $jobs jobs"
cancelled=$(calls cancelDelegationToken '"user":"yarn"')
pass "$rows rows sorted and validated, $counted, 7 files copied;\
 tokens issued: $(calls getDelegationToken), renewed by the ResourceManager: $renewed,\
 cancelled: $cancelled; log files gathered: $(calls create '"path":"/tmp/logs/')"
