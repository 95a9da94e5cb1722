#!/bin/sh
# Root is left before anything else happens. It is used only to take on PUID:PGID (1000:1000 unless given), to give
# that user the folders, and to join the groups that own the graphics devices. Under `user:` nothing of this is done.
#
# tini starts after root is left, not before: without the capability KILL a tini of root could not pass on the signal
# to stop to a process of another user.
set -eu

if [ "$(id -u)" != 0 ]; then
    exec tini -s -- "$@"
fi

uid=${PUID:-1000}
gid=${PGID:-1000}
for number in "$uid" "$gid"; do
    case $number in
        *[!0-9]* | 0 | 00*)
            echo "PUID and PGID must be numbers above 0, as 'id' shows them; they are '$uid' and '$gid'." >&2
            exit 2
            ;;
    esac
done

groups=$gid
for device in /dev/kfd /dev/dri/*; do
    [ ! -c "$device" ] || groups=$groups,$(stat -c %g "$device")
done

as_user() {
    setpriv --reuid "$uid" --regid "$gid" --groups "$groups" --inh-caps=-all --no-new-privs -- "$@"
}

if ! as_user true; then
    echo "Root cannot be left: give the container the capabilities SETUID and SETGID, or start it with 'user: $uid:$gid'." >&2
    exit 2
fi

# A folder that Docker made for a bind mount, or one of an earlier PUID, becomes ours. Models may be many and shared:
# only their folder itself is given over. Where that fails the page says what to do.
data=${MESHBOX_DATA:-/data}
models=${MESHBOX_MODELS:-/models}
as_user test -w "$data" || chown -R -h "$uid:$gid" "$data" 2>/dev/null || true
as_user test -w "$models" || chown -h "$uid:$gid" "$models" 2>/dev/null || true

exec setpriv --reuid "$uid" --regid "$gid" --groups "$groups" --inh-caps=-all --no-new-privs -- tini -s -- "$@"
