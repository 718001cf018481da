#!/usr/bin/env bash
# Spark with tables in the formats of Iceberg (its Hadoop catalog) and Delta: three users in
# processes of their own write into the same tables at once. A commit is a rename that must not
# replace a file; whoever loses has a conflict, and repeats the statement. At the end all rows and
# updates are there.
. "$(dirname "$0")/../common.sh"
inserts=${SPARK_INSERTS:-8}
updates=${SPARK_UPDATES:-8}
watch_journal

class_path=$HADOOP_CONF_DIR:$KERBOX_PEERS_DIR/log:$jars/classes:$jars/*
for user in alice bob carol; do
    KRB5CCNAME=FILE:$work/$user kinit -k -t "$KEYTABS/$user.keytab" $user
done
# tables USER ARGUMENT...
tables() {
    KRB5CCNAME=FILE:$work/$1 SPARK_LOCAL_IP=127.0.0.1 SPARK_LOCAL_DIRS=$work/local \
        small_java 640 "$class_path" -Dderby.system.home="$work" Tables "${@:2}"
}

total=
for format in iceberg delta; do
    start=$SECONDS
    log=$work/$format-make.log
    tables alice $format "$NAMENODE/tables" make > "$log" 2>&1 || fail "see $log"
    writers=
    for user in alice bob carol; do
        number=$(($(wc -w <<< "$writers") + 1))
        background $format-$user tables $user $format "$NAMENODE/tables" write $number \
            "$inserts" "$updates"
        writers="$writers $started"
    done
    for writer in $writers; do
        join "$writer" || fail "a writer of $format, see $work/$format-*.log"
    done
    conflicts=$(cat "$work/$format"-*.log | sed -n 's/^inserted .* conflicts //p' |
        awk '{ n += $1 } END { print n + 0 }')
    log=$work/$format-check.log
    tables bob $format "$NAMENODE/tables" check > "$log" 2>&1 || fail "see $log"
    found=$(grep '^rows ' "$log")
    rows=$((30 * inserts)) all=$((3 * updates))
    [ "$found" = "rows $rows distinct $rows counters 1 value $all" ] || fail "$format: $found"
    echo "  $format: $rows of $rows rows and $all of $all updates by 3 writers," \
        "$conflicts conflicts resolved, $((SECONDS - start)) s"
    total="$total $format $conflicts,"
done
refused=$(calls 'rename2?' '"outcome":"exception"')
pass "conflicts resolved:$total renames refused by the NameNode: $refused,\
 renames: $(calls 'rename2?')"
