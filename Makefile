# Every command of the project. The same ones run in CI (.ci/run).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
PY := .venv/bin/python
UV := .venv/bin/uv
STAMP := .venv/.installed

.PHONY: help setup lock protos check test test-faults up demo bench bench-screening clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## everything that the other commands need, into .venv

$(STAMP): requirements.lock pyproject.toml sdk/pyproject.toml | infra/prerequisites
	@infra/prerequisites
	python3.11 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	export VIRTUAL_ENV="$$PWD/.venv"
	$(UV) pip sync --quiet --require-hashes requirements.lock
	$(UV) pip install --quiet --no-deps -e . -e sdk
	touch $(STAMP)

lock: setup ## resolve requirements.lock anew from the two pyproject.toml
	@$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --all-extras \
		pyproject.toml sdk/pyproject.toml -o requirements.lock

protos: setup ## generate the stubs in sdk/ from protos/
	@$(PY) protos/generate.py

check: setup ## lint, types, import contracts, protos, generated files
	@$(PY) -m checks

test: setup ## every test, on a real PostgreSQL and a real Kafka, shared by PROCESSES=2
	@$(PY) -m pytest -n $(or $(PROCESSES),2)

test-faults: setup ## break everything, check what must hold: SEED=1 APPLICATIONS=2000 NODES=1|3; build/faults.json
	@exec $(PY) -m tests.faults --seed $(or $(SEED),1) --applications $(or $(APPLICATIONS),2000) --nodes $(or $(NODES),1)

up: setup ## run everything on this machine until Ctrl-C
	@exec $(PY) -m infra.local up

demo: setup ## the whole story on a stack of its own; writes build/demo.json
	@exec $(PY) -m infra.scenario.demo

bench: setup ## measure, on a stack of its own
	@exec $(PY) -m tests.bench

bench-screening: setup ## how well screening finds, beside its peers; writes build/screening.json
	@exec $(PY) -m tests.bench.screening

clean: ## remove what was made: environment, caches, data of `make up`
	@rm -rf .venv .cache .run build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
