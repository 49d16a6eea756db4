#!/bin/sh
# Starts the sidecar and, once home has signed this node's key, Envoy; ends both when either ends.
# ZONEWAY_ENVOY: the Envoy to start; ZONEWAY_ENVOY_ARGS: further arguments for it.
set -eu
lib='@ROOT@/usr/lib/zoneway'
envoy=${ZONEWAY_ENVOY:-$lib/envoy}
[ -x "$envoy" ] || envoy=envoy
export ENVOY_DYNAMIC_MODULES_SEARCH_PATH="$lib"
mkdir -p '@ROOT@/var/lib/zoneway/envoy'
"$lib/zoneway" run --config '@ROOT@/etc/zoneway/run.yaml' &
sidecar=$!
started=''
trap 'kill $sidecar $started 2>/dev/null || true' EXIT
trap 'exit 0' TERM INT
until [ -s '@ROOT@/var/lib/zoneway/certificates/@NODE@.pem' ]; do
    kill -0 $sidecar || exit 1
    sleep 0.1
done
# shellcheck disable=SC2086 # several arguments
"$envoy" -c '@ROOT@/etc/zoneway/envoy.yaml' --disable-hot-restart ${ZONEWAY_ENVOY_ARGS:-} &
started=$!
while kill -0 $sidecar 2>/dev/null && kill -0 $started 2>/dev/null; do
    sleep 1
done
exit 1
