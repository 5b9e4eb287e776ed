#!/usr/bin/env bash
# fresh.sh FOLDER [COMMAND...]: clones this project into a minimal Debian root in FOLDER, made by
# debootstrap when it is not there, and runs COMMAND (./test.sh) in it as on a fresh machine. Root
# only.
set -eu
project=$(cd "$(dirname "$0")/../.." && pwd)
root=$1
shift
[ $# -gt 0 ] || set -- ./test.sh

command -v debootstrap >/dev/null || "$project/deploy/install_packages.sh" debootstrap
[ -d "$root/etc" ] || debootstrap --variant=minbase bookworm "$root"
root=$(cd "$root" && pwd)

# What this machine needs to reach Debian's archive, the new one needs too.
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/"

rm -rf "$root/srv/weir"
git clone --quiet "$project" "$root/srv/weir"

# Mounts live in a namespace of their own and go with it.
exec unshare --mount --pid --fork --kill-child bash -eu -c '
    root=$1
    shift
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        sh -c "cd /srv/weir && exec \"\$@\"" sh "$@"' bash "$root" "$@"
