#!/usr/bin/env bash
# fresh_root.sh FOLDER [PACKAGE,...]: a minimal Debian root in FOLDER, made by debootstrap when it
# is not there, with PACKAGEs besides. Root only.
set -eu
project=$(cd "$(dirname "$0")/../.." && pwd)
root=$1

[ "$(id -u)" = 0 ] || {
    echo "$0: only root can make a root for another system" >&2
    exit 1
}
if [ ! -d "$root" ]; then
    "$project/deploy/install_packages.sh" debootstrap
    # Whole or absent: one that was interrupted is made anew.
    rm -rf "$root.new"
    mkdir -p "$root.new"
    debootstrap --variant=minbase ${2:+--include="$2"} bookworm "$root.new"
    mv "$root.new" "$root"
fi

# What this machine needs to reach Debian's archive, the new one needs too.
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/"
