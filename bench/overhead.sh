#!/usr/bin/env bash
# Counts the instructions that the journal and an empty table of faults take of a KDC exchange and
# of a getFileInfo, outside of the kernel (valgrind's callgrind). Needs valgrind and
# `.ci/peers/install.sh apt`. Prints the figures of BENCHMARKS.md.
cd "$(dirname "$0")/.."
packages='kerbox-bench kerbox-sandbox'
. bench/common.sh

# counted COMMAND COUNT: runs COMMAND COUNT against a sandbox; prints the sandbox's instructions,
# and those of the hook
counted() {
    under="valgrind --quiet --tool=callgrind --callgrind-out-file=$work/counts" ours --datanodes 1
    ( our_env; "$1" "$2" ) > "$work/out" || { cat "$work/out" >&2; exit 1; }
    stop
    callgrind_annotate --inclusive=yes --threshold=100 "$work/counts" 2> "$work/log" | awk '
        { gsub(/,/, "") }
        /PROGRAM TOTALS/ { all = $1 }
        # Of each function, the line that says in which program it is has the total.
        /Watch as .*Hook>::(ask|watching) \[/ && !/=>/ { faults += $1 }
        # Compilers may put one of these into the function that calls it.
        /Watch as .*Hook>::(record|record_with) \[/ && !/=>/ { outer += $1 }
        /watch::journal::Journal::record_with \[/ && !/=>/ { inner += $1 }
        END { print all + 0, faults + (outer > inner ? outer : inner) }'
}
# share WHAT COMMAND EXCHANGES: each COMMAND's count makes so many exchanges; the start is
# subtracted
share() {
    local few many
    few=$(counted "$2" 100)
    many=$(counted "$2" 600)
    echo "$few $many" | awk -v what="$1" -v each="$3" '{
        calls = 500 * each
        all = ($3 - $1) / calls
        hook = ($4 - $2) / calls
        printf "%-12s %8d instructions, of which journal and faults %5d: %.2f %%\n", what, all,
            hook, 100 * hook / all
    }'
}
kdc() { kdc_load "$pid" "$1"; }
calls() {
    export KRB5CCNAME=FILE:$work/cc
    kinit -kt "$KEYTABS/alice.keytab" alice
    "$load" info "$NAMENODE" "$pid" "$1"
}
share "KDC exchange" kdc 2
share "getFileInfo" calls 1
