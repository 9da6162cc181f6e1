# Everything a contributor types. `make help` lists it; docs/development.md explains it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
# Processes that share the tests out; each has a control plane of its own, and takes up to 3 GB.
WORKERS ?= 2
VENV := .venv
RUN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
COMPILE := pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	--python-version 3.11 $(if $(UPGRADE),--upgrade)

.PHONY: help setup check binaries rules test sandbox demo bench lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Make .venv with the pinned tools and this project in it

$(INSTALLED): requirements/dev.txt pyproject.toml
	@echo "== setup: $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than 3.11: run again with PYTHON=python3.11, or a newer one" >&2; \
		exit 1; }
	@[ -x $(RUN)/python ] || $(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "$(PYTHON) -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
		exit 1; }
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/dev.txt
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable .
	@touch $@

check: $(INSTALLED) ## Lint, format, types, import rules
	@echo "== check"
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/mypy
	$(RUN)/lint-imports

# Without Go a contributor can still run all tests that need no API server; CI can't.
binaries: $(INSTALLED) ## Find or build the control plane, Alertmanager and promtool (needs Go once)
	@echo "== binaries"
	@$(RUN)/python -m tests.controlplane.binaries || { \
		code=$$?; [ $$code = 3 ] && [ -z "$${CI:-}" ] || exit $$code; \
		echo "Going on without: the tests that need them will be skipped." >&2; }

rules: binaries ## Check Prometheus alert rules, and run their promtool tests
	@echo "== rules"
	@if promtool=$$($(RUN)/python -m tests.controlplane.binaries --path promtool); then \
		"$$promtool" check rules rules/{alerts,monitoring}/*.yaml && \
		"$$promtool" test rules rules/{alerts,monitoring}/tests/*.yaml; \
	else [ -z "$${CI:-}" ]; fi

test: check binaries rules ## All of it: what CI runs
	@echo "== tests"
	$(RUN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

sandbox: $(INSTALLED) ## The whole loop on this machine, with Python alone
	@$(RUN)/responder sandbox

demo: binaries ## The whole loop on a real API server, told step by step
	@$(RUN)/python -m tests.e2e.demo

bench: binaries ## The figures, as ratios against a bare client in the same run
	$(RUN)/python -m pytest -q -s -o python_files='bench_*.py' \
		-o python_functions='bench_*' tests/benchmarks

lock: $(INSTALLED) ## Pin requirements again (UPGRADE=1: to the newest versions)
	@command -v uv > /dev/null || $(RUN)/python -m pip install --quiet uv
	@PATH="$$PATH:$$PWD/$(RUN)"; \
	uv $(COMPILE) pyproject.toml -o requirements/runtime.txt; \
	uv $(COMPILE) pyproject.toml --group dev -o requirements/dev.txt; \
	echo hatchling | uv $(COMPILE) - -c requirements/dev.txt -o requirements/build.txt

clean: ## Remove what was made here (not the binaries in the cache folder)
	rm -rf $(VENV) build dist tests/.logs .hypothesis .import_linter_cache
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find responder tests -name __pycache__ -prune -exec rm -rf {} +
