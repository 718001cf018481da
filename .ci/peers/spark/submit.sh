#!/bin/bash
# submit.sh PRINCIPAL KEYTAB CLASS [ARGUMENT...]: spark-submit of a class of this folder to `local-tokens` (TokenCluster.java), with
# HADOOP_CONF_DIR, KRB5_CONFIG and SPARK_HOME, a folder whose `jars` is $KERBOX_PEERS_DIR/spark
set -e
peers=${KERBOX_PEERS_DIR:-$HOME/.cache/kerbox-peers}
opens=
for p in java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent java.util.concurrent.atomic \
    sun.nio.ch sun.nio.cs sun.security.action sun.util.calendar; do opens="$opens --add-opens=java.base/$p=ALL-UNNAMED"; done
java="-Djava.security.krb5.conf=${KRB5_CONFIG:?} -Djava.net.preferIPv4Stack=true"
export SPARK_SCALA_VERSION=2.13 SPARK_LOCAL_IP=127.0.0.1 SPARK_HOME=${SPARK_HOME:?}
# Spark's own heartbeats come once an hour: each is a step of the fixture's clock.
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" $opens --add-opens java.security.jgss/sun.security.krb5=ALL-UNNAMED -Xmx1g $java \
    -cp "${HADOOP_CONF_DIR:?}:$peers/spark:$peers/spark/*" org.apache.spark.deploy.SparkSubmit \
    --master local-tokens --principal "$1" --keytab "$2" --class "$3" \
    --conf spark.ui.enabled=false --conf spark.driver.host=127.0.0.1 --conf spark.driver.bindAddress=127.0.0.1 \
    --conf spark.executor.memory=512m --conf spark.sql.shuffle.partitions=1 \
    --conf "spark.executor.extraJavaOptions=$java" --conf "spark.executor.extraClassPath=$peers/spark" \
    --conf spark.executor.heartbeatInterval=3600s --conf spark.network.timeout=36000s --conf spark.worker.timeout=14400 \
    --conf spark.storage.blockManagerHeartbeatTimeoutMs=36000000 --conf spark.kerberos.relogin.period=3600s \
    spark-internal "${@:4}"
