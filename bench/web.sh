#!/usr/bin/env bash
# Measures WebHDFS beside Hadoop's MiniDFSCluster, in one run: GETFILESTATUS per second and the
# server's CPU, OPEN and CREATE in MiB/s, plain and with TLS, and SPNEGO logins per second.
# Needs `.ci/peers/install.sh apt reference` and curl. COUNT requests, MIB of data, LOGINS, ROUNDS of
# data, of which the best counts. The last lines are Kerbox's rates as a multiple of Hadoop's.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release -p kerbox-sandbox
target=${CARGO_TARGET_DIR:-target}
kerbox=$target/release/kerbox peers=.ci/peers
count=${COUNT:-20000} mib=${MIB:-256} logins=${LOGINS:-2000} rounds=${ROUNDS:-3}
work=$(mktemp -d)
pid=
trap '"$peers/reference.sh" stop "$work/ref"; [ -z "$pid" ] || kill "$pid"; rm -rf "$work"' EXIT
javac -nowarn -d "$work/classes" bench/WebLoad.java
head -c "$((mib << 20))" /dev/urandom > "$work/data"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# ticks: the CPU time of the server, in hundredths of a second
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

# note SERVER WHAT RATE UNIT [CPU]: prints a figure, and keeps it for the ratios
note() {
    printf '%-32s %10s %s%s\n' "$2" "$3" "$4" "${5:+   server CPU $5}"
    echo "$2|$3" >> "$work/$1.figures"
}

# requests SERVER PID WHAT KIND URL COUNT IN_FLIGHT
requests() {
    local before rate
    coproc LOAD { java ${KRB5_CONFIG:+-Djava.security.krb5.conf="$KRB5_CONFIG"} -cp "$work/classes" WebLoad "$4" "$5" "$6" "$7" 2> "$work/error"; }
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
    local server=$1 of=$2 what=$3 before best=0 took cpu=0 round
    shift 3
    for round in $(seq "$rounds"); do
        before=$(ticks "$of")
        took=$(curl -sSfk -o /dev/null -w '%{time_total}' "$@")
        if awk "BEGIN { exit !($best == 0 || $took < $best) }"; then best=$took cpu=$(($(ticks "$of") - before)); fi
    done
    note "$server" "$what" "$(awk "BEGIN { printf \"%.0f\", $mib / $best }")" MiB/s "$(awk "BEGIN { printf \"%.2f\", $cpu * 10 / $mib }") ms/MiB"
}

# data SERVER PID LABEL URL: writes a file and reads it
data() {
    local url=$4/webhdfs/v1/user/alice/data where
    where=$(curl -sSfk -X PUT "$url?op=CREATE&overwrite=true&noredirect=true&user.name=alice" | sed 's/.*"Location":"\([^"]*\)".*/\1/; s/\\//g')
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
    kinit -kt "$KEYTABS/alice.keytab" alice
    requests "$1" "$2" "SPNEGO logins" logins "$3/webhdfs/v1/user/alice?op=GETFILESTATUS" "$logins" 1
    requests "$1" "$2" "SPNEGO logins" logins "$3/webhdfs/v1/user/alice?op=GETFILESTATUS" "$logins" 8
}

# tls_of_hadoop: makes a key, and puts Hadoop's settings for it on its class path
tls_of_hadoop() {
    local side
    mkdir "$work/ssl"
    keytool -genkeypair -alias server -keyalg RSA -keysize 2048 -dname CN=localhost -storetype JKS \
        -keystore "$work/ssl/keys.jks" -storepass changeit -keypass changeit 2> /dev/null
    for side in server client; do
        printf '<configuration>%s</configuration>' "$(for name in keystore truststore; do
            printf '<property><name>ssl.%s.%s.%s</name><value>%s</value></property>' \
                $side $name location "$work/ssl/keys.jks" $side $name password changeit $side $name keypassword changeit
        done)" > "$work/ssl/ssl-$side.xml"
    done
    export HADOOP_OPTS=-Xbootclasspath/a:$work/ssl
}

# ours ARGUMENTS...: runs kerbox up in the background; sets pid and the clients' environment
ours() {
    rm -rf "$work/kerbox" "$work/ready"
    "$kerbox" up --dir "$work/kerbox" --datanodes 1 --json "$@" > "$work/ready" 2> "$work/kerbox.log" &
    pid=$!
    until [ -s "$work/ready" ]; do kill -0 "$pid" || { cat "$work/kerbox.log"; exit 1; }; sleep 0.01; done
    # shellcheck disable=SC1091
    . "$work/kerbox/env.sh"
}
stop_ours() { kill "$pid"; wait "$pid" || true; pid=; }

echo "== load: $(cut -d' ' -f1-3 /proc/loadavg)"
echo "== Hadoop"
tls_of_hadoop
https=$(free_port)
HADOOP_USER_NAME=hdfs "$peers/reference.sh" start "$work/ref" datanodes=1 dfs.http.policy=HTTP_AND_HTTPS \
    "dfs.namenode.https-address=localhost:$https" dfs.datanode.https.address=localhost:0 > "$work/started"
( . "$work/ref/env.sh"; simple hadoop "$(cat "$work/ref/pid")" "$WEBHDFS" "https://localhost:$https" )
"$peers/reference.sh" stop "$work/ref"
unset HADOOP_OPTS
"$peers/reference.sh" start "$work/ref" secure=true datanodes=1 > "$work/started"
( . "$work/ref/env.sh"; secure hadoop "$(cat "$work/ref/pid")" "$WEBHDFS" )
"$peers/reference.sh" stop "$work/ref"

echo "== Kerbox"
ours --simple -D dfs.http.policy=HTTP_AND_HTTPS -D "dfs.namenode.https-address=localhost:$https"
simple kerbox "$pid" "$WEBHDFS" "https://localhost:$https"
stop_ours
ours
secure kerbox "$pid" "$WEBHDFS"
stop_ours

echo "== Kerbox's rates as a multiple of Hadoop's"
paste -d'|' "$work/hadoop.figures" "$work/kerbox.figures" | awk -F'|' '{ printf "%-32s %10.2f\n", $1, $4 / $2 }'
