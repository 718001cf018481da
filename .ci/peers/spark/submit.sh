#!/bin/bash
# submit.sh PRINCIPAL KEYTAB CLASS [ARGUMENT...]: spark-submit of a class of this folder to
# `local-tokens` (TokenCluster.java), with HADOOP_CONF_DIR, KRB5_CONFIG and SPARK_HOME, a folder
# whose `jars` is $KERBOX_PEERS_DIR/spark
set -e
. "$(dirname "$0")/options.sh"
executor="-Djava.security.krb5.conf=${KRB5_CONFIG:?} -Djava.net.preferIPv4Stack=true"
export SPARK_SCALA_VERSION=2.13 SPARK_LOCAL_IP=127.0.0.1 SPARK_HOME=${SPARK_HOME:?}
# Spark's own heartbeats come once an hour: each is a step of the fixture's clock.
exec "$java" "${options[@]}" -cp "${HADOOP_CONF_DIR:?}:$peers/spark:$peers/spark/*" \
    org.apache.spark.deploy.SparkSubmit \
    --master local-tokens --principal "$1" --keytab "$2" --class "$3" \
    --conf spark.ui.enabled=false \
    --conf spark.driver.host=127.0.0.1 --conf spark.driver.bindAddress=127.0.0.1 \
    --conf spark.executor.memory=512m --conf spark.sql.shuffle.partitions=1 \
    --conf "spark.executor.extraJavaOptions=$executor" \
    --conf "spark.executor.extraClassPath=$peers/spark" \
    --conf spark.executor.heartbeatInterval=3600s --conf spark.network.timeout=36000s \
    --conf spark.worker.timeout=14400 --conf spark.kerberos.relogin.period=3600s \
    --conf spark.storage.blockManagerHeartbeatTimeoutMs=36000000 \
    spark-internal "${@:4}"
