# All commands of the project. CI runs the same ones (.ci/run).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PY := .venv/bin/python
BEGAN := $(shell date +%s.%N)
# The sets that a stack and the `safeconduct` command need; `make setup` adds the development tools.
RUN_SETS := applications screening enforcement migrations operations local cli

.PHONY: help run-time setup lock protos check test test-faults test-upgrade up demo bench bench-screening clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run-time:
	@"$$(infra/prerequisites --python)" -m infra.environment run

setup: ## install everything that the other commands need into .venv
	@"$$(infra/prerequisites --python)" -m infra.environment all

lock: setup ## update the three locks from pyproject.toml and sdk/pyproject.toml
	@compile=(.venv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url)
	projects=(pyproject.toml sdk/pyproject.toml --python-version 3.11)
	"$${compile[@]}" "$${projects[@]}" --all-extras -o requirements.lock
	"$${compile[@]}" "$${projects[@]}" $(RUN_SETS:%=--extra %) -c requirements.lock -o requirements-run.lock
	"$${compile[@]}" sdk/pyproject.toml --python-version 3.10 --all-extras -o sdk/requirements.lock

protos: setup ## generate the Python stubs in sdk/ from protos/
	@$(PY) protos/generate.py

check: setup ## lint, types, import contracts, names, protos, generated files
	@$(PY) -m checks

test: setup ## run all tests with PostgreSQL and Kafka; PROCESSES=2
	@$(PY) -m pytest -n $(or $(PROCESSES),2)

test-faults: setup ## inject faults under load: SEED=1 APPLICATIONS=2000 NODES=1|3
	@exec $(PY) -m tests.faults --seed $(or $(SEED),1) --nodes $(or $(NODES),1) \
		--applications $(or $(APPLICATIONS),2000)

test-upgrade: setup ## roll to the next release and back under load: SEED=1 NODES=1|3
	@exec $(PY) -m tests.upgrade --seed $(or $(SEED),1) --nodes $(or $(NODES),1)

up: run-time ## run all services on this machine until Ctrl-C
	@exec $(PY) -m infra.local up

demo: run-time ## run the main scenario on a temporary stack; writes build/demo.json
	@exec $(PY) -m infra.scenario.demo --began $(BEGAN)

bench: setup ## measure speed on a temporary stack; writes build/bench.json
	@exec $(PY) -m tests.bench

bench-screening: setup ## measure how well screening finds; writes build/screening.json
	@exec $(PY) -m tests.bench.screening

clean: ## delete the environment, the caches, and the data of `make up`
	@rm -rf .venv .cache .run build .hypothesis
	rm -rf sdk/examples/go/gen sdk/examples/typescript/{build,gen,node_modules}
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
