#!/bin/bash
# The trials of the clock on aarch64, in QEMU: Debian's kernel for that machine, and as its only
# file system the cross-compiled trials, Debian's packages that they need, and the programs of
# tests/peers/clock.
#   aarch64.sh [FILTER]      FILTER is a part of the trials' names (clock::)
# Needs Debian's apt (with the sources of all architectures), dpkg, cpio, qemu-system-arm,
# gcc-aarch64-linux-gnu and g++-aarch64-linux-gnu, and Go, rustup and the network. Nothing is
# installed; a temporary folder is removed at the end.
# Variables: CPU=max (QEMU's -cpu), MEMORY=3G, KEEP=1 (keeps the folder), PACKAGES (Debian's,
# besides the usual ones)
set -euo pipefail
cd "$(dirname "$0")/../.."
target=aarch64-unknown-linux-gnu filter=${1:-clock::} repository=$PWD
packages="busybox-static coreutils dash sed grep procps libstdc++6 python3 krb5-user
 libgssapi-krb5-2 ${PACKAGES:-}"
for program in apt-get dpkg-deb cpio qemu-system-aarch64 aarch64-linux-gnu-gcc \
    aarch64-linux-gnu-g++ go rustup; do
    command -v $program > /dev/null && continue
    echo "aarch64.sh: $program is missing; the head of this file says what is needed" >&2
    exit 2
done
work=$(mktemp -d)
[ "${KEEP:-}" = 1 ] || trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{dev,proc,sys,tmp,etc,compiled}
mkdir -p "$work"/{lists/partial,cache/archives/partial,kernel}

step() { echo "== $* ($((SECONDS / 60)) min $((SECONDS % 60)) s)"; }
step "Debian's packages for arm64"
: > "$work/status"
cat > "$work/apt.conf" <<X
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "5";
Dir::State "$work";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
X
export APT_CONFIG=$work/apt.conf
{
    apt-get -q update &&
        apt-get -q -y -d --no-install-recommends install linux-image-cloud-arm64 $packages
} > "$work/apt.log" 2>&1 || { cat "$work/apt.log"; exit 1; }
unset APT_CONFIG
for package in "$work"/cache/archives/*.deb; do
    case ${package##*/} in
        linux-image-[0-9]*) dpkg-deb -x "$package" "$work/kernel" ;;
        # What the kernel's package would use to make an initial file system.
        linux-* | initramfs-* | udev_* | systemd* | klibc-* | kmod_* | perl*) ;;
        *) dpkg-deb -x "$package" "$root" ;;
    esac
done
rm -rf "$root"/usr/share/{doc,man,locale,info}

step "trials and programs, cross-compiled"
rustup -q target add $target
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
cargo test --quiet --locked --no-run --target $target -p kerbox-tests --test clients \
    --message-format=json > "$work/built"
trials=$(sed -n 's/.*"executable":"\([^"]*\/clients-[^"]*\)".*/\1/p' "$work/built")
aarch64-linux-gnu-strip -o "$root/clients" "$trials"
aarch64-linux-gnu-g++ -std=c++20 -pthread -o "$root/compiled/waits.cpp" tests/peers/clock/waits.cpp
for source in tests/peers/clock/*.go; do
    GOARCH=arm64 CGO_ENABLED=0 go build -o "$root/compiled/${source##*/}" "$source"
done
mkdir -p "$root$repository/tests"
cp -r tests/peers "$root$repository/tests/"

# The trials call compilers; these give them what has been compiled here.
cat > "$root/compiler" <<'X'
#!/bin/sh
while [ "$1" != -o ]; do shift; done
exec cp "/compiled/${3##*/}" "$2"
X
cat > "$root/init" <<X
#!/bin/busybox sh
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp TMPDIR=/tmp
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
busybox mkdir /dev/shm
busybox mount -t tmpfs shm /dev/shm
busybox ip link set lo up
busybox uname -a
/clients --test-threads 1 '$filter' && echo ALL-PASSED
busybox poweroff -f
X
chmod +x "$root/compiler" "$root/init"
ln -s /compiler "$root/usr/bin/c++"
ln -s /compiler "$root/usr/bin/go"
[ -e "$root/bin/sh" ] || ln -s dash "$root/bin/sh"
[ -e "$root/usr/bin/python3" ] || ln -s python3.11 "$root/usr/bin/python3"
echo 'root:x:0:0:root:/tmp:/bin/sh' > "$root/etc/passwd"
echo '127.0.0.1 localhost' > "$root/etc/hosts"
(cd "$root" && find . | cpio -o -H newc --quiet) > "$work/files.cpio"

step "QEMU"
timeout 3600 qemu-system-aarch64 -M virt -cpu "${CPU:-max,pauth-impdef=on}" -smp 2 \
    -m "${MEMORY:-3G}" -net none -nographic -no-reboot \
    -kernel "$work"/kernel/boot/vmlinuz-* -initrd "$work/files.cpio" \
    -append 'console=ttyAMA0 quiet panic=-1' < /dev/null | tee "$work/said"
step "done"
grep -q '^ALL-PASSED' "$work/said"
