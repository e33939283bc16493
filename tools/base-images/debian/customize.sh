#!/bin/sh
# Lets the system that was unpacked in $1 trust what this machine trusts beyond Debian's own authorities,
# so that downloads in a build work as they do here. Runs on the host.
set -eu
root=$1
[ -r "${HOST_CA_BUNDLE:-}" ] || exit 0

awk -v into="$root/usr/local/share/ca-certificates/host-" '
  /BEGIN CERTIFICATE/ { block = "" }
  { sub(/\r$/, ""); block = block $0 "\n" }
  /END CERTIFICATE/ && NR == FNR { known[block] }
  /END CERTIFICATE/ && !(block in known) {
    known[block]
    count++
    file = into count ".crt"
    printf "%s", block > file
    close(file)
  }
' "$root/etc/ssl/certs/ca-certificates.crt" "$HOST_CA_BUNDLE"
chroot "$root" update-ca-certificates
