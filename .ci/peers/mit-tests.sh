#!/bin/bash
# Runs MIT krb5's own tests (1.20.1, as Debian packs it) over Kerbox's krb5kdc, kadmind,
# kadmin.local and kdb5_util:  mit-tests.sh [TEST.py...]
# The first run downloads the sources with apt and builds them (ten minutes; needs gcc, make, bison,
# python3) in $KERBOX_PEERS_DIR/mit-tests (default ~/.cache/kerbox-peers). Then it prints a line for
# each test, and fails if one fails that is not listed below with its reason. KERBOX is the binary
# (default: target/debug/kerbox).
# Kerbox does not speak the RPC of kadmin, so k5test calls kadmin.local where it would call kadmin.
set -u
cd "$(dirname "$0")/../.." || exit
dir=${KERBOX_PEERS_DIR:-$HOME/.cache/kerbox-peers}/mit-tests
kerbox=$(realpath "${KERBOX:-target/debug/kerbox}") || exit
src=$dir/src

# Tests that do not pass, and what they need. Those that MIT's build leaves out skip themselves.
declare -A needs=(
    [t_authdata]='a plugin (greet)' [t_kdcpolicy]='a plugin' [t_preauth]='a plugin'
    [t_pwqual]='a plugin' [t_kadm5_hook]='a plugin' [t_kadm5_auth]='a plugin'
    [t_authind]='a plugin and authentication indicators'
    [t_etype_info]='a plugin, for its last step'
    [t_s4u]='a plugin (the test KDB module)' [t_referral]='a plugin (the test KDB module)'
    [t_u2u]='a plugin (the test KDB module)' [t_unlockiter]='libkdb5, the database of MIT'
    [t_kadm5]='the kadmin RPC and libkadm5srv' [t_kadmin]='the kadmin RPC'
    [t_kadmin_acl]='the kadmin RPC' [t_princflags]='the kadmin RPC, for flags by kadm5.acl'
    [t_policy]='the kadmin RPC, for the change of a password by its user'
    [t_general]='libkdb5, at kinit -t KDB:' [t_iprop]='the iprop RPC'
    [t_kdb_locking]='the lock files of MIT'"'"'s db2 module'
    [t_discover_uri]='a DNS server and resolver_wrapper'
    [t_in_ccache_patypes]='the test program t_cc_config'
)

# retry COMMAND...: three attempts
retry() { "$@" || { sleep 5; "$@"; } || { sleep 20; "$@"; }; }

# build: fetches and builds the sources once
build() {
    [ -e "$dir/.built" ] && return
    if [ -d "$dir" ] && [ -n "$(ls -A "$dir")" ] && [ ! -e "$dir/.kerbox-peers" ]; then
        echo "$dir is not empty, and none of this script's folders:" \
            "let KERBOX_PEERS_DIR name another one" >&2
        return 1
    fi
    mkdir -p "$dir/apt/parts" "$dir/apt/lists/partial" && : > "$dir/.kerbox-peers" || return
    command -v bison > /dev/null ||
        retry apt-get -q install -y --no-install-recommends bison || return
    sed 's/^Types: .*/Types: deb-src/' /etc/apt/sources.list.d/*.sources \
        > "$dir/apt/parts/src.sources" || return
    local apt=(apt-get -q -o Dir::Etc::SourceList=/dev/null
        -o "Dir::Etc::SourceParts=$dir/apt/parts" -o "Dir::State::Lists=$dir/apt/lists"
        -o APT::Sandbox::User=root -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
    retry "${apt[@]}" update || return
    (cd "$dir" && retry "${apt[@]}" source --download-only krb5) || return
    (cd "$dir" && tar xzf krb5_1.20.1.orig.tar.gz && ln -sfn krb5-1.20.1/src src) || return
    cd "$src" || return
    ./configure --disable-pkinit --without-keyutils --without-libedit --without-readline \
        --without-ldap --without-lmdb --without-tls-impl --without-spake-openssl \
        CFLAGS='-O0 -w' || return
    make -j"$(nproc)" && make runenv.py || return
    local d
    # RUNPYTEST=true builds the tests' programs and runs nothing.
    for d in tests tests/gssapi tests/asn.1 lib/krb5/krb lib/krb5/os lib/krb5/ccache lib/kadm5 kdc \
        clients/kvno kadmin/dbutil appl/user_user; do
        make -k -C "$d" check-pytests RUNPYTEST=true
    done
    for d in appl/sample/sserver appl/sample/sclient appl/simple/server appl/simple/client \
        appl/gss-sample; do
        make -k -C "$d"
    done
    make -C lib/krb5/krb t_in_ccache
    sed -i -e '/def run_kadmin(/a\        return self.run([kadminl] + args, **keywords)' \
        -e '/def prep_kadmin(/a\        return' util/k5test.py
    : > "$dir/.built"
}

if ! (build) > "$dir.log" 2>&1; then
    tail -5 "$dir.log"
    echo "MIT's tests cannot be built: see $dir.log"
    exit 1
fi
cd "$src" || exit
for program in kdc/krb5kdc kadmin/server/kadmind kadmin/cli/kadmin.local kadmin/dbutil/kdb5_util; do
    ln -sfn "$kerbox" "$program"
done
tests=("$@")
[ $# -gt 0 ] || tests=(tests/t_*.py tests/gssapi/t_*.py lib/krb5/krb/t_*.py
    lib/krb5/ccache/t_*.py kdc/t_*.py clients/kvno/t_kvno.py lib/kadm5/t_kadm5.py
    lib/krb5/os/t_discover_uri.py appl/user_user/t_user2user.py appl/sample/t_sample.py
    appl/simple/t_simple.py appl/gss-sample/t_gss_sample.py)
passed=0 failed=0
for test in "${tests[@]}"; do
    name=$(basename "$test" .py)
    log=$dir/$name.log
    if (cd "$(dirname "$test")" && rm -rf testdir && mkdir testdir &&
        PYTHONPATH=$src/util timeout 300 python3 "$src/$test" -v) > "$log" 2>&1; then
        if grep -q '^\*\*\* Success' "$log"; then echo "pass  $name"; passed=$((passed + 1))
        else echo "skip  $name: $(grep -m1 '^\*\*\* Skipping' "$log" | cut -d: -f3-)"; fi
    elif [ -n "${needs[$name]:-}" ]; then echo "needs $name: ${needs[$name]}"
    else echo "FAIL  $name: see $log"; failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
