# Sourced by run.sh: one function for each part of what is promised about containers.

ok() { echo "ok   $*"; }
fail() {
	echo "FAIL $*"
	failed=$((failed + 1))
}

# that WHAT COMMAND...: the command succeeds
that() { if "${@:2}" >"$work/said" 2>&1; then ok "$1"; else fail "$1: $(tail -c 300 "$work/said")"; fi; }
not() { ! "$@"; }

# answers CODE WHAT CURL-ARGS...
answers() {
	local code
	code=$(curl -s -m 90 -o "$work/answer" -w '%{http_code}' "${@:3}" || true)
	if [ "$code" = "$1" ]; then ok "$2 $code"; else
		fail "$2: $code instead of $1: $(head -c 300 "$work/answer" 2>/dev/null)"
	fi
}

job_body() { # job_body SEED FILE
	python3 - "$1" "$2" <<-'P'
		import json, random, sys
		gauss = random.Random(int(sys.argv[1])).gauss
		rows = lambda m: {"samples": [[gauss(m, 1) for _ in range(4)] for _ in range(200)]}
		body = {"source": rows(0), "target": rows(1), "config": {"effort": "quick"}}
		json.dump(body, open(sys.argv[2], "w"))
	P
}

submit() { # submit SEED WAIT_S CURL-ARGS...: prints the job's id
	job_body "$1" "$work/job.json"
	curl -s -m 90 -H 'Content-Type: application/json' -H "Prefer: wait=$2" "${@:3}" \
		-d @"$work/job.json" "$K/v1/jobs" >"$work/answer"
	grep -o 'job_[0-9a-f]*' "$work/answer" | head -1
}

status_of() { curl -s "${@:2}" "$K/v1/jobs/$1" | grep -o '"status": *"[a-z]*"' | head -1; }
ends_well() { # ends_well JOB: within a minute
	for _ in $(seq 60); do
		case $(status_of "$@") in *succeeded*) return 0 ;; *failed* | *cancelled*) return 1 ;; esac
		sleep 1
	done
	return 1
}
container() { compose ps -aq "$1" | head -1; }
health_of() { docker inspect "$1" --format '{{.State.Health.Status}}'; }
logs() { # logs CONTAINER PATTERN: within a minute
	for _ in $(seq 60); do
		docker logs "$1" 2>&1 | grep -qE "$2" && return 0
		sleep 1
	done
	docker logs --tail 3 "$1"
	return 1
}
becomes() { # becomes STATUS CONTAINER: within a minute
	for _ in $(seq 60); do
		[ "$(health_of "$2")" = "$1" ] && return 0
		sleep 1
	done
	docker logs --tail 3 "$2"
	return 1
}

check_building() {
	local more
	{
		cat "$work/env"
		printf '%s\n' KANTOR_SITE=a.example KANTOR_VALKEY_HOST=10.0.0.1 \
			KANTOR_REDIS_URL=redis://a KANTOR_REDIS_PASSWORD_FILE=docker/unset
	} >"$work/env.all"
	for more in valkey-port proxy bucket; do
		that "with $more" docker compose --project-directory "$repo" --env-file "$work/env.all" \
			-f "$repo/docker-compose.yml" -f "$repo/docker/$more.compose.yml" \
			--profile gpu config -q
	done
	compose --progress plain build >"$work/build.log" 2>&1 || { tail -20 "$work/build.log"; return 1; }
	docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep kantor
	local label='{{index .Config.Labels "org.opencontainers.image.version"}}'
	that "the image is labelled with its version" \
		test "$(docker image inspect kantor-api:0.1.0 --format "$label")" = 0.1.0
	that "the image runs as no root" \
		test "$(docker image inspect kantor-api:0.1.0 --format '{{.Config.User}}')" = 10001:10001
}

check_serving() {
	that "up, with nothing but an example" up
	answers 200 readyz "$K/readyz"
	job=$(submit 0 60)
	that "a job succeeds" ends_well "$job"
	local part
	for part in curve 'curve?format=png' 'curve?format=svg' witness 'witness?format=png' critic; do
		answers 200 "$part" "$K/v1/jobs/$job/$part"
	done
	answers 200 scores -H 'Content-Type: application/json' \
		-d '{"samples": [[0, 0, 0, 0]]}' "$K/v1/jobs/$job/scores"
	that "the API image has no torch" not compose exec -T api python -c 'import torch'
	that "events arrive through the port" \
		grep -q succeeded <(curl -sN -m 20 "$K/v1/jobs/$job/events")
}

check_secrets() {
	local password='a/b@c+d%e#"q\'"'"'x' digest key=kt_test
	digest=$(printf %s "$key" | sha256sum | cut -d' ' -f1)
	install -d -m 700 "$work/secrets"
	printf '%s\n' "$password" >"$work/secrets/valkey"
	printf '{"ada": "%s"}\n' "$digest" >"$work/secrets/keys"
	printf 'root-secret-%s\n' "$digest" >"$work/secrets/root"
	chmod 644 "$work"/secrets/*
	configure "KANTOR_VALKEY_PASSWORD_FILE=$work/secrets/valkey" KANTOR_API_PROCESSES=2 \
		"KANTOR_API_KEYS_FILE=$work/secrets/keys" KANTOR_API_KEYS= \
		"KANTOR_WEBHOOK_ROOT_SECRET_FILE=$work/secrets/root"
	that "up, with secrets from files" up
	answers 401 "without a key" "$K/v1/jobs"
	local i
	for i in $(seq 10); do
		curl -sf -o /dev/null -H "Authorization: Bearer $key" "$K/v1/jobs" || break
	done
	that "a key works with each of two API processes" test "$i" = 10
	answers 200 "webhooks have secrets" -H "Authorization: Bearer $key" "$K/v1/webhooks/secrets"
	that "a job succeeds behind a password of every character" \
		ends_well "$(submit 1 60 -H "Authorization: Bearer $key")" -H "Authorization: Bearer $key"
	docker ps -aq | xargs docker inspect >"$work/inspected"
	ps -eo args >"$work/processes"
	compose logs --no-color >"$work/logs" 2>&1
	local where
	for where in inspected processes logs; do
		that "no password in $where" not grep -qF -e "$password" -e 'a%2Fb%40c' -e "$digest" "$work/$where"
	done
	that "Valkey refuses who has no password" \
		grep -q NOAUTH <(compose exec -T valkey valkey-cli get x 2>&1)
}

check_exposure() {
	configure KANTOR_API_KEYS= KANTOR_ALLOWED_HOSTS='["kantor.example"]'
	that "up, with empty variables" up
	answers 200 "this machine by name" "$K/v1/jobs"
	answers 200 "a name that is allowed" -H 'Host: kantor.example' "$K/v1/jobs"
	answers 403 "another name" -H 'Host: rebound.example' "$K/v1/jobs"
	answers 403 "a page of another site" -H 'Origin: https://elsewhere.example' "$K/v1/jobs"
	configure KANTOR_ALLOWED_ORIGINS='["https://pages.example"]'
	up
	answers 200 "a page of a site that is allowed" -H 'Origin: https://pages.example' "$K/v1/jobs"
	answers 403 "a page of one that is not" -H 'Origin: https://elsewhere.example' "$K/v1/jobs"
	configure KANTOR_PUBLISHED_HOST=0.0.0.0
	that "published to everybody without keys it does not start" \
		grep -q 'expected API keys' <(compose run --rm --no-deps -T api 2>&1)
}

check_devices() {
	configure
	up
	answers 200 info "$K/v1/info"
	that "info names the workers' device" grep -q '"device": *"cpu"' "$work/answer"
	answers 200 metrics "$K/metrics"
	that "metrics name the workers' memory" grep -q 'kantor_worker_memory_bytes{device="cpu"' "$work/answer"
	that "a worker that is ready names its device and memory" grep -qE \
		'"device": "cpu", "memory_bytes": [1-9][0-9]*.*"worker_ready"' \
		<(compose logs --no-color worker-cpu 2>&1)
	that "doctor names each worker" \
		grep -q 'workers: .* on cpu' <(compose exec -T worker-cpu env COLUMNS=300 kantor doctor 2>&1)
	that "a GPU worker without a GPU does not start" \
		grep -q 'expected a GPU' <(compose run --rm --no-deps -T -e KANTOR_DEVICE=cuda worker-cpu 2>&1)
	answers 200 readyz "$K/readyz"
	that "readyz says gpu_lost" grep -q gpu_lost "$work/answer"
}

check_health() {
	local api=(docker run -d --network kantor-test_backend -e KANTOR_PUBLISHED_HOST=127.0.0.1
		-e KANTOR_REDIS_URL=redis://valkey:6379/0 --health-start-period 5s
		--health-interval 2s --health-retries 2)
	local id cost
	id=$("${api[@]}" -e KANTOR_REDIS_PASSWORD=wrong kantor-api:0.1.0)
	that "an API with a wrong password is unhealthy" becomes unhealthy "$id"
	that "and logs why" logs "$id" queue_unavailable
	docker rm -f "$id" >/dev/null
	docker volume create kantor-test-foreign >/dev/null
	docker run --rm -u 0 -v kantor-test-foreign:/data --entrypoint sh kantor-api:0.1.0 \
		-c 'touch /data/anything && chown -R 0:0 /data && chmod 700 /data'
	id=$("${api[@]}" -v kantor-test-foreign:/data -v kantor-test_keys:/run/kantor:ro \
		-e KANTOR_REDIS_PASSWORD_FILE=/run/kantor/valkey_password kantor-api:0.1.0)
	that "an API without a data folder of its own says why" \
		logs "$id" 'store_unavailable|[Pp]ermission'
	that "and does not serve" not test "$(health_of "$id")" = healthy
	docker rm -f "$id" >/dev/null
	docker volume rm kantor-test-foreign >/dev/null
	for part in api workers; do
		id=$(container "${part/workers/worker-cpu}")
		cost=$(docker exec "$id" sh -c "python -I -S /opt/kantor/probe.py $part >/dev/null; times" |
			tail -1 | awk '{ split($1 $2, t, /[ms]/); print 60 * (t[1] + t[3]) + t[2] + t[4] }')
		that "a check of $part takes $cost s of processor time, below 0.2" \
			awk -v "cost=$cost" 'BEGIN { exit !(cost < 0.2) }'
	done
	docker pause "$(container valkey)" >/dev/null
	that "an API whose queue stands still is unhealthy" becomes unhealthy "$(container api)"
	docker unpause "$(container valkey)" >/dev/null
	that "and recovers" becomes healthy "$(container api)"
	that "so do the workers" becomes healthy "$(container worker-cpu)"
}

check_limits() {
	local found limits='{{.HostConfig.PidsLimit}} {{index .HostConfig.Tmpfs "/tmp"}}'
	for part in valkey api worker-cpu; do
		found=$(docker inspect "$(container $part)" --format "$limits")
		that "processes and /tmp of $part are limited ($found)" \
			grep -qE '^[1-9][0-9]* .*size=[1-9]' <(echo "$found")
	done
	that "the API's memory is limited" \
		test "$(docker inspect "$(container api)" --format '{{.HostConfig.Memory}}')" = 6442450944
	configure KANTOR_LOG_LEVEL=debug KANTOR_MAX_DIM=77 KANTOR_WORKER_CPUS=1
	up
	answers 200 info "$K/v1/info"
	that "settings of .env reach the API" grep -q '"max_dim": *77' "$work/answer"
	that "one core has one worker" \
		test "$(compose exec -T worker-cpu sh -c 'grep -la "[p]ulse-fd" /proc/[0-9]*/cmdline | wc -l')" = 1
	configure
	up
}

check_layers() {
	local copy=$work/source
	rm -rf "$copy"
	mkdir "$copy"
	tar -C "$repo" --exclude=./.git --exclude=./.venv --exclude='./.*_cache' -c . | tar -C "$copy" -x
	echo '# changed' >>"$copy/service/settings.py"
	docker compose --project-directory "$copy" --env-file "$work/env" --progress plain \
		build api worker-cpu >"$work/rebuild.log" 2>&1
	that "a change of the source installs no dependency again" \
		not grep -qE '^#[0-9]+ .*(Downloading|Collecting) (numpy|torch|scipy)' "$work/rebuild.log"
	rm -rf "$copy"
}

check_stopping() {
	job=$(submit 2 60)
	compose down >/dev/null 2>&1
	that "down leaves nothing running" test -z "$(docker ps -q --filter label=com.docker.compose.project=kantor-test)"
	that "up again" up
	answers 200 "the job is there after down and up" "$K/v1/jobs/$job"
	compose stop >/dev/null 2>&1
	local part code
	for part in valkey api worker-cpu; do
		code=$(docker inspect "$(container $part)" --format '{{.State.ExitCode}}')
		that "$part ends by itself when it is stopped (status $code)" \
			test "$code" = 0 -o "$code" = 143
	done
	that "start" compose start
	up
}

check_crashes() {
	job=$(submit 3 0)
	docker kill "$(container worker-cpu)" "$(container valkey)" >/dev/null
	compose up -d >/dev/null 2>&1
	that "a job outlives the death of worker and Valkey" ends_well "$job"
	compose exec -T worker-cpu sh -c \
		'kill -9 $(grep -la "[p]ulse-fd" /proc/[0-9]*/cmdline | head -1 | cut -d/ -f3)'
	that "a worker process that dies is started again" ends_well "$(submit 4 0)"
	that "workers are made anew" compose up -d --wait --force-recreate worker-cpu
	that "and work" ends_well "$(submit 14 0)"
}

check_releases() {
	job=$(submit 5 60)
	configure KANTOR_VERSION=0.1.1
	that "a new release is built and started" up --build
	that "it runs" test "$(docker inspect "$(container api)" --format '{{.Config.Image}}')" = kantor-api:0.1.1
	answers 200 "with the jobs of the old one" "$K/v1/jobs/$job"
	configure
	that "the old release is started without a build" up --no-build
	that "it runs again" test "$(docker inspect "$(container api)" --format '{{.Config.Image}}')" = kantor-api:0.1.0
	answers 200 "with the jobs of both" "$K/v1/jobs/$job"
	docker image rm kantor-api:0.1.1 kantor-worker-cpu:0.1.1 >/dev/null
}

# The commands of docs/operations.md, with this project's volumes.
check_backups() {
	local pack=(docker run --rm -u 0 --entrypoint tar -v kantor-test_data:/v/data
		-v kantor-test_valkey:/v/valkey -v "$work/backup:/backup" kantor-api:0.1.0 -C /v)
	job=$(submit 6 60)
	install -d -m 700 "$work/backup"
	compose stop >/dev/null 2>&1
	that "both volumes are packed" "${pack[@]}" -czf /backup/kantor.tar.gz data valkey
	compose down -v >/dev/null 2>&1
	that "both volumes are unpacked" "${pack[@]}" -xzpf /backup/kantor.tar.gz
	that "up on what was restored" up
	answers 200 "the job is there" "$K/v1/jobs/$job"
	answers 200 "and its critic" "$K/v1/jobs/$job/critic"
}

check_hosts() {
	printf 'a/b@c\n' >"$work/secrets/valkey"
	local address files=(-f "$repo/docker-compose.yml" -f "$repo/docker/valkey-port.compose.yml")
	address=$(docker network inspect kantor-test_frontend --format '{{(index .IPAM.Config 0).Gateway}}')
	configure "KANTOR_VALKEY_PASSWORD_FILE=$work/secrets/valkey" \
		"KANTOR_VALKEY_HOST=$address" KANTOR_VALKEY_PORT=16379
	compose "${files[@]}" up --wait >"$work/up.log" 2>&1 || { cat "$work/up.log"; return 1; }
	compose stop worker-cpu >/dev/null 2>&1
	{
		cat "$work/env"
		printf '%s\n' "KANTOR_REDIS_URL=redis://$address:16379/0" \
			"KANTOR_REDIS_PASSWORD_FILE=$work/secrets/valkey" "KANTOR_SHARED_DATA=$(docker volume inspect kantor-test_data --format "{{.Mountpoint}}")"
	} >"$work/env.second"
	local second=(docker compose -p kantor-second --project-directory "$repo" --env-file
		"$work/env.second" -f "$repo/docker/worker-host.compose.yml")
	that "workers of another host start" "${second[@]}" up --wait --no-build
	that "and do the jobs of the first" ends_well "$(submit 7 0)"
	"${second[@]}" down >/dev/null 2>&1
	configure
	up
}

# With the S3 server of the tests, as another machine that the containers reach.
check_bucket() {
	local address store pid files=(-f "$repo/docker-compose.yml" -f "$repo/docker/bucket.compose.yml")
	[ -x "$s3_server" ] || { ok "(no S3 server to try a bucket with: make s3-server)"; return; }
	address=$(docker network inspect kantor-test_frontend --format '{{(index .IPAM.Config 0).Gateway}}')
	store=http://$address:18100
	"$s3_server" -H "$address" -p 18100 >"$work/s3.log" 2>&1 &
	pid=$!
	for _ in $(seq 60); do curl -sfo /dev/null "$store/moto-api/" && break; sleep .5; done
	curl -sfo /dev/null -X PUT "$store/kantor"
	printf test >"$work/secrets/bucket"
	configure KANTOR_BUCKET_URL=s3://kantor/jobs "KANTOR_BUCKET_ENDPOINT=$store" \
		KANTOR_BUCKET_REGION=us-east-1 "KANTOR_BUCKET_ACCESS_KEY_FILE=$work/secrets/bucket" \
		"KANTOR_BUCKET_SECRET_KEY_FILE=$work/secrets/bucket"
	that "up, with a bucket" compose "${files[@]}" up --wait
	job=$(submit 10 0)
	that "a job succeeds" ends_well "$job"
	answers 200 "its critic" "$K/v1/jobs/$job/critic"
	that "all that is kept lies in the bucket" grep -q 'jobs/blobs/.*jobs/datasets/' \
		<(curl -s "$store/kantor?list-type=2" | tr -d '\n')
	configure
	up
	kill "$pid"
}

check_reboot() {
	[ -n "$own_engine" ] || { ok "(an engine that is not ours is not restarted)"; return; }
	job=$(submit 8 0)
	compose stop >/dev/null 2>&1
	end_engine
	run_engine
	compose start >/dev/null 2>&1
	up
	that "a job outlives stop, reboot and start" ends_well "$job"
	end_engine # as a power cut, without stop
	run_engine
	sleep 5
	that "after a reboot everything starts by itself" becomes healthy "$(container api)"
	that "the workers too" becomes healthy "$(container worker-cpu)"
	that "and works" ends_well "$(submit 9 0)"
}
