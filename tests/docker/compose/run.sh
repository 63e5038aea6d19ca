#!/usr/bin/env bash
# Build the images, run docker-compose.yml and do to it what happens to a deployment:
#   tests/docker/compose/run.sh [WORKDIR]        (make compose-test; a quarter of an hour)
# PARTS="building serving" does some of it; KEEP=1 keeps an engine's images. Under a project name of its own, so that a deployment of this machine is left alone.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../../.." && pwd)
work=${1:-$(mktemp -d)}
mkdir -p "$work"
export COMPOSE_PROJECT_NAME=kantor-test
port=${KANTOR_TEST_PORT:-18000}
s3_server=${KANTOR_TEST_S3_SERVER:-$(command -v moto_server || echo "$repo/.venv-s3/bin/moto_server")}
K=http://127.0.0.1:$port
failed=0
# shellcheck source=tests/docker/compose/engine.sh
. "$here/engine.sh"
# shellcheck source=tests/docker/compose/checks.sh
. "$here/checks.sh"

compose() {
	docker compose --project-directory "$repo" --env-file "$work/env" "$@"
}

# What an operator writes in .env: the example, and what differs.
configure() {
	{
		cat "$repo/.env.example"
		printf '%s\n' COMPOSE_PROFILES=cpu "KANTOR_PUBLISHED_PORT=$port" "$@"
	} >"$work/env"
}

up() { compose up --wait "$@" >"$work/up.log" 2>&1 || { tail -5 "$work/up.log"; return 1; }; }

cleanup() {
	cd /
	compose down -v --timeout 5 >/dev/null 2>&1 || true
	remove_engine
}
trap cleanup EXIT

unset "${!KANTOR_@}"
configure
start_engine
provide_images python:3.12-slim-bookworm valkey/valkey:9.1-alpine
compose down -v --timeout 5 >/dev/null 2>&1 || true

parts="building serving secrets exposure devices health limits layers stopping crashes
	releases backups hosts bucket reboot"
for part in ${PARTS:-$parts}; do
	step "$part"
	"check_$part" || fail "$part ended early"
done
echo "$failed failed"
[ "$failed" = 0 ]
