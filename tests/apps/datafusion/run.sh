#!/usr/bin/env bash
# DataFusion over hdfs-native: three users write batches into a table of Parquet files by partition,
# while a fourth reads it by SQL. One writer is killed while its files are half written, then a
# DataNode is lost and another writer is killed at any moment. Everything is counted, joined and
# filtered by SQL, with one DataNode missing and with another.
. "$(dirname "$0")/../common.sh"
export BATCHES=${DATAFUSION_BATCHES:-12} ROWS=${DATAFUSION_ROWS:-30000}
watch_journal

for user in alice bob jupyter; do
    KRB5CCNAME=FILE:$work/$user kinit -k -t "$KEYTABS/$user.keytab" $user
done
# lake USER ARGUMENT...: carol has no ticket, so that MIT's library logs her in by her keytab
lake() {
    KRB5CCNAME=FILE:$work/$1 KRB5_CLIENT_KTNAME=FILE:$KEYTABS/$1.keytab \
        program nice -n 10 "$jars/debug/lake" "${@:2}"
}
# writer LOG USER ARGUMENT...: starts one
writer() { background "$1" lake "$2" write "${@:2}"; }
# acknowledged LOG N: succeeds once N batches are
acknowledged() { [ "$(grep -c '^acknowledged' "$work/$1.log")" -ge "$2" ]; }
# check LOG: reads everything
check() {
    local rows=$((3 * BATCHES * ROWS)) found
    lake bob check > "$work/$1.log" 2>&1 || fail "reading, see $work/$1.log"
    found=$(grep '^rows ' "$work/$1.log")
    [ "$found" = "rows $rows distinct $rows batches $((3 * BATCHES)) wrong 0 sum right" ] ||
        fail "$1: $found of $rows"
}

lake alice make > "$work/make.log" 2>&1 || fail "see $work/make.log"
if lake jupyter write alice > "$work/denied.log" 2>&1; then
    fail "jupyter may write, see $work/denied.log"
fi
said denied AccessControlException || fail "not because of permissions, see $work/denied.log"
background watch lake jupyter watch
watch=$started
writer alice alice
alice=$started
writer bob bob pause
bob=$started
writer carol carol
carol=$started
wait_until 1200 said bob '^paused'
kill_hard "$bob"
writer bob-again bob
bob=$started
wait_until 1200 acknowledged alice $((BATCHES / 2))
"$KERBOX" node kill datanode2 > /dev/null
kill_hard "$alice"
writer alice-again alice
for pid in $started $bob $carol $watch; do
    join "$pid" || fail "a process of $work/{alice-again,bob-again,carol,watch}.log"
done
left=$(sed -n 's/^left .*: files 0 unfinished //p' "$work/bob-again.log" | head -1)
[ "${left:-0}" -gt 0 ] || fail "bob had no unfinished file, see $work/bob-again.log"
check without-2
"$KERBOX" node restart datanode2 > /dev/null
"$KERBOX" node kill datanode1 > /dev/null
check without-1
"$KERBOX" node restart datanode1 > /dev/null
again=$(cat ./*.log | grep -c '^again ' || true)
ranges=$(count '"event":"ReadBlock"' '"offset":[1-9]')
[ "$ranges" -gt 0 ] || fail "no part of a file was read, see $work/events.log"
looks=$(sed -n 's/^looks //p' watch.log)
pass "$(grep '^rows ' without-1.log), after 2 kill -9 and with a lost DataNode, $left files left\
 unfinished, $again batches tried again; looks meanwhile: $looks, reads within blocks: $ranges;\
 $(grep '^filtered ' without-1.log)"
