#!/usr/bin/env bash
# Measures WebHDFS beside Hadoop's MiniDFSCluster, in one run: GETFILESTATUS per second and the
# server's CPU, OPEN and CREATE in MiB/s, plain and with TLS, and SPNEGO logins per second.
# Needs `.ci/peers/install.sh apt reference` and curl. COUNT requests, MIB of data, LOGINS, ROUNDS
# of data, of which the best counts. The last lines are Kerbox's rates as a multiple of Hadoop's.
cd "$(dirname "$0")/.."
packages=kerbox-sandbox
. bench/common.sh
reference=.ci/peers/reference.sh
trap 'stop; $reference stop "$work/ref"; rm -rf "$work"' EXIT
count=${COUNT:-20000} mib=${MIB:-256} logins=${LOGINS:-2000} rounds=${ROUNDS:-3}
javac -nowarn -d "$work/classes" bench/WebLoad.java
head -c "$((mib << 20))" /dev/urandom > "$work/data"

# ticks PID: the CPU time of a server, in hundredths of a second
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

# note SERVER WHAT RATE UNIT [CPU]: prints a figure, and keeps it for the ratios
note() {
    printf '%-32s %10s %s%s\n' "$2" "$3" "$4" "${5:+   server CPU $5}"
    echo "$2|$3" >> "$work/$1.figures"
}

# requests SERVER PID WHAT KIND URL COUNT IN_FLIGHT
requests() {
    local before rate
    coproc LOAD {
        java ${KRB5_CONFIG:+-Djava.security.krb5.conf="$KRB5_CONFIG"} -cp "$work/classes" \
            WebLoad "$4" "$5" "$6" "$7" 2> "$work/error"
    }
    local load=$LOAD_PID out=${LOAD[0]} in=${LOAD[1]}
    # The warm-up has ended.
    read -r -u "$out" || { cat "$work/error" >&2; exit 1; }
    before=$(ticks "$2")
    echo >&"$in"
    read -r -u "$out" rate || { cat "$work/error" >&2; exit 1; }
    note "$1" "$3, $7 in flight" "$rate" /s "$((($(ticks "$2") - before) * 10000 / $6)) us each"
    wait "$load" 2> /dev/null || true
}

# transfer SERVER PID WHAT CURL_ARGUMENTS...: the best of some rounds
transfer() {
    local server=$1 of=$2 what=$3 before best=0 took cpu=0 round rate each
    shift 3
    for round in $(seq "$rounds"); do
        before=$(ticks "$of")
        took=$(curl -sSfk -o /dev/null -w '%{time_total}' "$@")
        if awk "BEGIN { exit !($best == 0 || $took < $best) }"; then
            best=$took cpu=$(($(ticks "$of") - before))
        fi
    done
    rate=$(awk "BEGIN { printf \"%.0f\", $mib / $best }")
    each=$(awk "BEGIN { printf \"%.2f\", $cpu * 10 / $mib }")
    note "$server" "$what" "$rate" MiB/s "$each ms/MiB"
}

# data SERVER PID LABEL URL: writes a file and reads it
data() {
    local url=$4/webhdfs/v1/user/alice/data create where
    create="op=CREATE&overwrite=true&noredirect=true&user.name=alice"
    where=$(curl -sSfk -X PUT "$url?$create" |
        sed 's/.*"Location":"\([^"]*\)".*/\1/; s/\\//g')
    transfer "$1" "$2" "CREATE, $3" -T "$work/data" "$where"
    transfer "$1" "$2" "OPEN, $3" -L "$url?op=OPEN&user.name=alice"
}

# simple SERVER PID HTTP HTTPS
simple() {
    local status=$3/webhdfs/v1/user/alice?op=GETFILESTATUS\&user.name=alice
    requests "$1" "$2" GETFILESTATUS status "$status" "$((count / 4))" 1
    requests "$1" "$2" GETFILESTATUS status "$status" "$count" 8
    data "$1" "$2" plain "$3"
    data "$1" "$2" TLS "$4"
}

# secure SERVER PID HTTP
secure() {
    export KRB5CCNAME=FILE:$work/cc
    local status=$3/webhdfs/v1/user/alice?op=GETFILESTATUS in_flight
    kinit -kt "$KEYTABS/alice.keytab" alice
    for in_flight in 1 8; do
        requests "$1" "$2" "SPNEGO logins" logins "$status" "$logins" $in_flight
    done
}

# tls_of_hadoop: makes a key, and puts Hadoop's settings for it on its class path
tls_of_hadoop() {
    local side store
    mkdir "$work/ssl"
    keytool -genkeypair -alias server -keyalg RSA -keysize 2048 -dname CN=localhost -storetype JKS \
        -keystore "$work/ssl/keys.jks" -storepass changeit -keypass changeit 2> /dev/null
    for side in server client; do
        set --
        for store in "ssl.$side.keystore" "ssl.$side.truststore"; do
            set -- "$@" "$store.location" "$work/ssl/keys.jks" \
                "$store.password" changeit "$store.keypassword" changeit
        done
        site "ssl-$side.xml" "$@"
        mv "$work/conf/ssl-$side.xml" "$work/ssl"
    done
    export HADOOP_OPTS=-Xbootclasspath/a:$work/ssl
}

about_load
echo "== Hadoop"
tls_of_hadoop
https=$(free_port)
HADOOP_USER_NAME=hdfs $reference start "$work/ref" datanodes=1 dfs.http.policy=HTTP_AND_HTTPS \
    "dfs.namenode.https-address=localhost:$https" dfs.datanode.https.address=localhost:0 \
    > "$work/started"
(
    . "$work/ref/env.sh"
    simple hadoop "$(cat "$work/ref/pid")" "$WEBHDFS" "https://localhost:$https"
)
$reference stop "$work/ref"
unset HADOOP_OPTS
$reference start "$work/ref" secure=true datanodes=1 > "$work/started"
( . "$work/ref/env.sh"; secure hadoop "$(cat "$work/ref/pid")" "$WEBHDFS" )
$reference stop "$work/ref"

echo "== Kerbox"
ours --datanodes 1 --simple -D dfs.http.policy=HTTP_AND_HTTPS \
    -D "dfs.namenode.https-address=localhost:$https"
( our_env; simple kerbox "$pid" "$WEBHDFS" "https://localhost:$https" )
stop
ours --datanodes 1
( our_env; secure kerbox "$pid" "$WEBHDFS" )
stop

echo "== Kerbox's rates as a multiple of Hadoop's"
paste -d'|' "$work/hadoop.figures" "$work/kerbox.figures" |
    awk -F'|' '{ printf "%-32s %10.2f\n", $1, $4 / $2 }'
