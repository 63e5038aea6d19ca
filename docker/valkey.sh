#!/bin/sh
# Start Valkey behind a password, or (`health`) ask whether it answers.
#
# The password is the secret `valkey_password`, or else a random one. It is handed to
# the other containers in a file of a volume that lies in memory: nowhere does it stand
# on a command line, in a variable of a container, or on a disk.
set -eu
given=/run/secrets/valkey_password
shared=/run/kantor/valkey_password

if [ "${1:-}" = health ]; then
  REDISCLI_AUTH=$(cat "$shared") valkey-cli ping | grep -qx PONG
  exit
fi

if [ -s "$given" ]; then
  tr -d '\r\n' <"$given" >"$shared.new"
elif [ ! -s "$shared" ]; then
  head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$shared.new"
fi
if [ -e "$shared.new" ]; then
  chmod 0444 "$shared.new"
  mv "$shared.new" "$shared"
fi

# Each byte by its number, so that every character may stand in a password.
umask 077
{
  printf 'requirepass "'
  od -An -v -tx1 "$shared" | tr -d '\n' | sed 's/ /\\x/g'
  printf '"\n'
} >/tmp/password.conf
exec valkey-server /tmp/password.conf "$@"
