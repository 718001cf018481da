# Sourced by the scripts of this folder, from the project's root. Builds the packages that $packages
# names, optimised, unless KERBOX names a program. Sets $kerbox and $load, the programs; $peers, the
# folder of installed peers; and $work, a folder that is removed at the end, when the server whose
# process id is $pid is stopped, too.
set -euo pipefail
# shellcheck disable=SC2046
[ -n "${KERBOX:-}" ] || cargo build --quiet --release $(printf -- '-p %s ' $packages)
kerbox=${KERBOX:-${CARGO_TARGET_DIR:-target}/release/kerbox}
load=${CARGO_TARGET_DIR:-target}/release/load
peers=${KERBOX_PEERS_DIR:-$HOME/.cache/kerbox-peers}
work=$(mktemp -d)
pid=

# stop: stops the server
stop() {
    [ -z "$pid" ] || { kill "$pid"; wait "$pid" || true; } 2> /dev/null
    pid=
}
trap 'stop; rm -rf "$work"' EXIT

# wait_for LOG COMMAND...: repeats COMMAND until it succeeds, as long as the server runs; if it has
# ended, shows its LOG
wait_for() {
    until "${@:2}" 2> /dev/null; do
        kill -0 "$pid" || { tail -20 "$1" >&2; exit 1; }
        sleep 0.01
    done
}

# ours ARGUMENTS...: runs `kerbox up`, under the words of $under, until it serves; sets $pid
ours() {
    rm -rf "$work/kerbox" "$work/ready"
    ${under:-} "$kerbox" up --dir "$work/kerbox" --json "$@" > "$work/ready" 2> "$work/kerbox.log" &
    pid=$!
    wait_for "$work/kerbox.log" test -s "$work/ready"
}
# our_env: sets the environment of its clients
our_env() {
    # shellcheck disable=SC1091
    . "$work/kerbox/env.sh"
}

# free_port: prints a port that nobody listens on
free_port() {
    python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# java_peer ARGUMENTS...: becomes Java, with the class path of $work/classes, of the configuration
# in $conf or $work/conf, and of Hadoop
java_peer() {
    exec java -Djava.net.preferIPv4Stack=true -Dpeers.level="${LEVEL:-WARN}" \
        -cp "$work/classes:${conf:-$work/conf}:$peers/log:$peers/reference/*" "$@"
}

# site FILE [KEY VALUE]...: writes $work/conf/FILE
site() {
    local file=$work/conf/$1
    mkdir -p "$work/conf"
    shift
    {
        echo "<configuration>"
        [ $# = 0 ] || printf '<property><name>%s</name><value>%s</value></property>\n' "$@"
        echo "</configuration>"
    } > "$file"
}

# kdc_load PID [COUNT]: logs alice in, and gets tickets for nn, at the KDC of krb5.conf
kdc_load() {
    "$load" kdc "$(grep -o '127.0.0.1:[0-9]*' "$KRB5_CONFIG" | head -1)" "$1" \
        "$KEYTABS/alice.keytab" alice@EXAMPLE.COM nn/localhost "${@:2}"
}

# about_load: prints what else the machine does
about_load() { echo "== load: $(cut -d' ' -f1-3 /proc/loadavg)${1:-}"; }

# resident, heap: print the server's bytes: what is resident, and Java's live heap after a
# collection
resident() { awk '$1 == "VmRSS:" { print $2 * 1024 }' "/proc/$pid/status"; }
heap() { jcmd "$pid" GC.class_histogram | awk '$1 == "Total" { print $3 }'; }
