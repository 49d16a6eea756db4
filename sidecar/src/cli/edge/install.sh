#!/bin/sh
# Sets up the public node @NODE@ on this machine, or rebuilds it.
#
#   ./install                 below /, with systemd, which starts it
#   ./install --root DIR      everything below DIR, without systemd: start it with DIR/usr/lib/zoneway/start
#   ./install --root DIR --foreground     the same, and started right here
set -eu
node='@NODE@'
# Of the bootstrap token; empty where there is none.
expires=@EXPIRES@
root=''
systemd=yes
foreground=no
while [ $# -gt 0 ]; do
    case $1 in
    --root)
        [ $# -ge 2 ] || { echo 'install: --root needs a folder' >&2; exit 64; }
        mkdir -p "$2"
        root=$(cd "$2" && pwd)
        systemd=no
        shift
        ;;
    --foreground) foreground=yes; systemd=no ;;
    *)
        echo "install: what is \"$1\"? There is --root DIR and --foreground" >&2
        exit 64
        ;;
    esac
    shift
done
here=$(cd "$(dirname "$0")" && pwd)

late=0
[ -z "$expires" ] || late=$(($(date +%s) - expires))
if [ "$late" -gt 0 ]; then
    echo "install: the bootstrap token of this bundle ran out $(((late + 59) / 60)) minutes ago:" \
        'make a new one at home with `zoneway edge bundle` (or set the clock of this machine)' >&2
    exit 1
fi

if [ "$systemd" = yes ]; then
    [ "$(id -u)" = 0 ] || { echo 'install: be root, or say --root DIR' >&2; exit 1; }
    systemctl stop zoneway-envoy zoneway 2>/dev/null || true
    id zoneway >/dev/null 2>&1 ||
        useradd --system --home-dir /var/lib/zoneway --shell /usr/sbin/nologin zoneway
fi

umask 077
mkdir -p "$root/var/lib/zoneway"
umask 022
# Programs are moved into place: a running one keeps the old.
place() { # FROM TO MODE
    mkdir -p "$(dirname "$2")"
    cp "$1" "$2.new"
    chmod "$3" "$2.new"
    mv "$2.new" "$2"
}
# Texts name folders below the root.
write() { # FROM TO MODE
    mkdir -p "$(dirname "$2")"
    sed "s|@ROOT@|$root|g" "$1" >"$2.new"
    chmod "$3" "$2.new"
    mv "$2.new" "$2"
}
cd "$here/files"
for file in usr/lib/zoneway/*; do
    case $file in
    */start) write "$file" "$root/$file" 755 ;;
    *.wasm | *.so) place "$file" "$root/$file" 644 ;;
    *) place "$file" "$root/$file" 755 ;;
    esac
done
write etc/zoneway/envoy.yaml "$root/etc/zoneway/envoy.yaml" 644
write etc/zoneway/run.yaml "$root/etc/zoneway/run.yaml" 644
state=var/lib/zoneway
find "$state/envoy" -type f | while read -r file; do
    # The sidecar keeps those that are there.
    [ -e "$root/$file" ] || write "$file" "$root/$file" 644
done
if [ -n "$expires" ]; then
    place "$state/certificates/token" "$root/$state/certificates/token" 600
    signed='home signs its key, and delivers, when it dials'
else
    signed="sign its key at home, by $root/$state/certificates/$node.csr, and home delivers"
fi
[ -e "$root/$state/certificates/ca.pem" ] && [ -e "$root/$state/certificates/$node.pem" ] ||
    place "$state/certificates/ca.pem" "$root/$state/certificates/ca.pem" 644

if [ "$systemd" = yes ]; then
    for unit in zoneway zoneway-envoy; do
        write "etc/systemd/system/$unit.service" "/etc/systemd/system/$unit.service" 644
    done
    chown -R zoneway: /var/lib/zoneway
    systemctl daemon-reload
    systemctl enable zoneway zoneway-envoy
    # Envoy is started when home has signed the key: that is not waited for here.
    systemctl start --no-block zoneway zoneway-envoy
    echo "install: $node is set up; $signed. What it waits for: journalctl -u zoneway"
elif [ "$foreground" = yes ]; then
    exec "$root/usr/lib/zoneway/start"
else
    echo "install: $node is set up: start it with $root/usr/lib/zoneway/start; $signed"
fi
