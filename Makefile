# Everything a developer or the CI runs. Needs Python >= 3.11 and make, nothing else.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CANDIDATES := python3 python3.13 python3.12 python3.11
IS_RECENT := import sys; sys.exit(sys.version_info < (3, 11))

MINUTES := 30
SECONDS_AWAY := 30
JOBS := 40
BENCH := known_truth --effort quick --n 2000
PAPER :=

# `make PYTHON=/path/to/python3.12 setup` chooses another interpreter.
PYTHON ?= $(firstword $(foreach name,$(CANDIDATES),\
	$(shell $(name) -c '$(IS_RECENT)' 2>/dev/null && echo $(name))))

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) \
		| awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(STAMP) ## Create .venv and install Kantor for development

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { \
		echo "expected Python 3.11 or newer as one of: $(CANDIDATES); found none" >&2; \
		exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

.PHONY: demo
demo: $(STAMP) ## Run a service, submit handwritten digits, show what comes back
	$(BIN)/kantor demo --out demo-output

.PHONY: serve
serve: $(STAMP) ## Run the whole service on http://127.0.0.1:8000
	$(BIN)/kantor serve

.PHONY: test
test: $(STAMP) ## Run every test but the slow ones
	$(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile

.PHONY: test-slow
test-slow: $(STAMP) ## Run the slow tests
	$(BIN)/python -m pytest -m slow

.PHONY: check
check: $(STAMP) ## Check format, lint, types, import direction and the container files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint docker/*.Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec \
		docker-compose.yml docker/*.compose.yml
	$(BIN)/python -m pytest -q tests/deploy

.PHONY: fix
fix: $(STAMP) ## Format the code and apply the safe lint fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: $(STAMP) ## Write the tables of the documentation anew, and build its site
	$(BIN)/python -m docs.tables
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "build/docs/index.html"

.PHONY: screenshots
screenshots: $(STAMP) ## Take the pictures of the pages anew (needs chromium)
	$(BIN)/python -m docs.screenshots

.PHONY: chaos
chaos: $(STAMP) ## Break processes, connections, keys, files and clocks; cancel at random
	$(BIN)/python -m tests.chaos
	$(BIN)/python -m tests.chaos.cancels
	$(BIN)/python -m tests.chaos.bad_day

.PHONY: attack
attack: $(STAMP) ## Attack a running service in every known way (minutes)
	$(BIN)/python -m tests.attack

.PHONY: soak
soak: $(STAMP) ## Watch memory, files and keys under load; MINUTES=30
	$(BIN)/python -m tests.chaos.soak --minutes $(MINUTES)

.PHONY: outage
outage: $(STAMP) ## Take Redis away from a running service, twice; SECONDS_AWAY=30
	$(BIN)/python -m tests.chaos.outage --seconds $(SECONDS_AWAY)

.PHONY: hosts
hosts: $(STAMP) ## Kill one of two hosts and cut one off (root, an S3 server); JOBS=40
	$(BIN)/python -m tests.hosts --jobs $(JOBS)

.PHONY: s3-server
s3-server: .venv-s3/bin/moto_server ## Install the S3 server that tests use, by itself

.venv-s3/bin/moto_server:
	$(PYTHON) -m venv .venv-s3
	.venv-s3/bin/python -m pip install --quiet 'moto[s3]>=5.2,<6' flask flask-cors

.PHONY: lock
lock: $(STAMP) ## Write anew, with hashes, what the images install (needs uv)
	$(BIN)/python docker/lock.py

.PHONY: compose-test
compose-test: ## Build the images and break a deployment of them (ten minutes)
	tests/docker/compose/run.sh

.PHONY: load
load: $(STAMP) ## Measure what the API carries; fails below its bars
	$(BIN)/python -m benchmarks.load

.PHONY: fuzz
fuzz: $(STAMP) ## Feed 10,000 damaged files of each format to the decoders
	$(BIN)/python -m pytest tests/service/decoding/test_fuzz.py \
		--hypothesis-profile=fuzz --timeout=7200

.PHONY: bench
bench: $(STAMP) ## Run a benchmark and print its table; BENCH=peers
	$(BIN)/python -m benchmarks.$(BENCH)

.PHONY: paper
paper: $(STAMP) ## Run the paper's experiments, half an hour at most; PAPER='--full ...'
	$(BIN)/python -m benchmarks.paper $(PAPER)

.PHONY: clean
clean: ## Remove the virtual environment and what the demo wrote
	rm -rf $(VENV) demo-output
