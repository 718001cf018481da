# Sourced by each application's run.sh, which `kerbox exec` runs with the sandbox's environment.
# Sets $jars (the folder of the class path, or of the build) and $work (logs and local files, which
# are removed at the end unless the application failed). Kills what `background` started at the end.
set -euo pipefail
name=$(basename "$(cd "$(dirname "$0")" && pwd)")
here=$(cd "$(dirname "$0")" && pwd)
jars=$KERBOX_PEERS_DIR/apps-$name
work=$(mktemp -d "${TMPDIR:-/tmp}/kerbox-app-$name.XXXXXX")
cd "$work"
pids=
realm=EXAMPLE.COM

# background LOG COMMAND...: starts a process with its output in $work/LOG.log; $started is its pid
background() {
    "${@:2}" >> "$work/$1.log" 2>&1 &
    started=$!
    pids="$pids $started"
}

# free_ports N: sets $ports to N ports that nobody listens on
free_ports() {
    ports=($(python3 -c 'import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])' "$1"))
}

# wait_until SECONDS COMMAND...: repeats COMMAND until it succeeds, while all processes live
wait_until() {
    local end=$((SECONDS + $1)) pid
    until "${@:2}"; do
        for pid in $pids; do
            kill -0 "$pid" 2> /dev/null || fail "process $pid has ended before: ${*:2}"
        done
        [ $SECONDS -lt $end ] || fail "after $1 s still not: ${*:2}"
        sleep 0.5
    done
}

# forget PID: it may end from now on
# join PID: waits until it has ended, and returns its exit code
# kill_hard PID: ends it as if its machine had lost power
forget() { pids=" $pids "; pids=${pids/ $1 / }; }
join() { forget "$1"; wait "$1"; }
kill_hard() { forget "$1"; kill -9 "$1" 2> /dev/null || true; wait "$1" 2> /dev/null || true; }

# said LOG TEXT: succeeds once $work/LOG.log has TEXT
said() { grep -q -- "$2" "$work/$1.log" 2> /dev/null; }

# property NAME VALUE: a line of Hadoop's XML
property() { printf '  <property><name>%s</name><value>%s</value></property>\n' "$1" "$2"; }

# conf FILE [INCLUDED] < PROPERTIES: writes $work/conf/FILE
conf() {
    mkdir -p "$work/conf"
    {
        echo '<configuration xmlns:xi="http://www.w3.org/2001/XInclude">'
        [ -z "${2:-}" ] || echo "  <xi:include href=\"file://$2\"/>"
        cat
        echo '</configuration>'
    } > "$work/conf/$1"
}

# watch_journal: lets the sandbox's journal be written to a file
# count PATTERN...: how many of its events have all of these
# calls METHOD [PATTERN...]: how many calls of this method have
watch_journal() { background events "$KERBOX" events --follow --json; }
count() {
    awk 'BEGIN { n = ARGC - 1; for (i = 1; i < n; i++) { pattern[i] = ARGV[i]; delete ARGV[i] } }
        { for (i in pattern) if ($0 !~ pattern[i]) next; found++ }
        END { print found + 0 }' "$@" "$work/events.log"
}
calls() { count "\"method\":\"$1\"" "${@:2}"; }

# hdfs_warnings: what the logs complain about HDFS and Kerberos, without what differs between lines
hdfs_warnings() {
    local classes='DFS|Data|Block|Lease|Namenode|Fan|Client|Retry|SaslRpc|UserGroup|Hadoop'
    classes="$classes|Delegation|WebHdfs|Recover"
    local line="^[0-9/-]+ [0-9:,]+ (WARN|ERROR|FATAL) ([a-z0-9]+\.)?($classes)"
    { grep -hE "$line" "$work"/*.log || true; } |
        sed -E -e 's/^[0-9/-]+ [0-9:,]+ //; s/DatanodeInfoWithStorage\[[^]]*\]/DATANODE/g' \
            -e 's/[0-9a-f]{8,}/#/g; s/[0-9]+/#/g' |
        cut -c1-140 | sort | uniq -c | sort -rn | head -"${1:-12}"
}

# fail TEXT, pass TEXT: the last line and the exit code
fail() { echo "$name: failed: $1 (logs: $work)"; exit 1; }
# expect WHAT FOUND SHOULD: fails unless both are equal
expect() { [ "$2" = "$3" ] || fail "$1: $2 instead of $3"; }
pass() {
    local warnings; warnings=$(hdfs_warnings)
    [ -z "$warnings" ] || printf 'warnings about HDFS:\n%s\n' "$warnings"
    echo "$name: passed $1"
    passed=1
    exit 0
}

passed=
finish() {
    local status=$?
    trap - EXIT
    [ -n "$passed" ] || [ $status != 0 ] || status=1
    kill -9 $pids 2> /dev/null || true
    wait 2> /dev/null || true
    if [ -n "$passed" ] && [ "${KERBOX_KEEP:-}" != 1 ]; then
        rm -rf "$work"
    else
        echo "$name: logs are in $work"
    fi
    exit $status
}
trap finish EXIT
trap 'echo "$name: failed at line $LINENO of $(basename "${BASH_SOURCE[0]}"): $BASH_COMMAND"' ERR
trap 'exit 130' INT TERM

opens=
for package in java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util \
    java.util.concurrent java.util.concurrent.atomic sun.nio.ch sun.nio.cs sun.security.action \
    sun.util.calendar jdk.internal.ref; do
    opens="$opens --add-opens=java.base/$package=ALL-UNNAMED"
done
opens="$opens --add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED"
opens="$opens --add-exports=java.base/jdk.internal.misc=ALL-UNNAMED"
# program COMMAND...: runs it; replaces a subshell, so that its process is the one that `background`
# knows
program() { if [ $BASHPID = $$ ]; then "$@"; else exec "$@"; fi; }
# small_java MEGABYTES CLASS_PATH ARGUMENT...: a small JVM on Java 17, in the same way
small_java() {
    program nice -n 10 java $opens -Xmx"$1m" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -cp "$2" "${@:3}"
}
