#!/usr/bin/env bash
# fresh.sh FOLDER [COMMAND...]: clones this project into a minimal Debian root in FOLDER and runs
# COMMAND (./test.sh) in it as on a fresh machine. Root only.
set -eu

# The second half runs in a mount namespace of its own, and the mounts go with it.
if [ "$1" = --inside ]; then
    root=$2
    shift 2
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    exec chroot "$root" /usr/bin/env -i --chdir=/srv/weir HOME=/root \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
fi

project=$(cd "$(dirname "$0")/../.." && pwd)
root=$1
shift
[ $# -gt 0 ] || set -- ./test.sh

"$project/tests/support/fresh_root.sh" "$root"
root=$(cd "$root" && pwd)
rm -rf "$root/srv/weir"
git clone --quiet "$project" "$root/srv/weir"
exec unshare --mount --pid --fork --kill-child "$0" --inside "$root" "$@"
