# Wiz needs Python 3.11 or later and make; everything else is put into .venv from the lock files.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := run
.PHONY: run test lint chaos clients bench lock clean

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
UV ?= uv
LOCK = $(UV) pip compile --universal --generate-hashes --no-annotate --no-header --python-version 3.11

# The first interpreter that is new enough.
define FIND_PYTHON
for candidate in python3 python3.13 python3.12 python3.11; do \
	if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$$candidate"; exit; fi; \
done; \
echo "Wiz needs Python 3.11 or later, and there is none on the PATH." >&2; exit 1
endef

# A stamp holds the lock file it was made from, so that a copied or touched file installs nothing again.
define INSTALL
@if ! cmp -s $(1) $(VENV)/$(1); then \
	python="$$($(FIND_PYTHON))"; \
	test -x $(BIN)/python && $(BIN)/python -c 'import pip' 2>/dev/null || "$$python" -m venv --clear $(VENV); \
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r $(1); \
	cp $(1) $(VENV)/$(1); \
	$(2) \
fi
endef

run: ## Start Wiz on http://127.0.0.1:8000/
	$(call INSTALL,requirements.txt,:;)
	@exec $(BIN)/python manage.py up $(ARGS)

.PHONY: messages
messages: dev ## Bring the translations up to date and list what is missing; needs gettext
	@$(BIN)/python manage.py translate

.PHONY: dev
dev: ## Install what tests and checks need as well
	$(call INSTALL,requirements-dev.txt,cp requirements.txt $(VENV)/requirements.txt;)

test: dev ## Run the test suite; ARGS goes to pytest
	@$(BIN)/python -m pytest $(ARGS)

lint: dev ## Style, types, migrations, system checks, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	@data="$$(mktemp -d)"; trap 'rm -rf "$$data"' EXIT; export WIZ_DATA_DIR="$$data"; set -x; \
	$(BIN)/python manage.py makemigrations --check --dry-run; \
	$(BIN)/python manage.py check --fail-level WARNING; \
	$(BIN)/python manage.py check_templates

chaos: dev ## Kill parts of a running Wiz fifty times (CHAOS_KILLS) while people talk; takes about twenty minutes
	@CHAOS_KILLS="$${CHAOS_KILLS:-50}" $(BIN)/python -m pytest -n 0 -s tests/wizsite/test_chaos.py $(ARGS)

# What people call the gateway with, in a folder of its own: these packages would not agree with Wiz's.
clients: dev ## Install the official clients that tests/clients tries against the gateway; needs npm
	@if ! cat tests/clients/requirements.txt tests/clients/package-lock.json | cmp -s - .clients/stamp; then \
		rm -rf .clients; mkdir .clients; cp tests/clients/package.json tests/clients/package-lock.json .clients/; \
		$(BIN)/python -m venv .clients/venv; \
		.clients/venv/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes -r tests/clients/requirements.txt; \
		npm ci --prefix .clients --ignore-scripts --no-audit --no-fund --silent; \
		cat tests/clients/requirements.txt tests/clients/package-lock.json > .clients/stamp; \
	fi

bench: dev ## Run the benchmarks
	@for script in benchmarks/bench_*.py; do PYTHONPATH=. $(BIN)/python "$$script" $(ARGS); done

.PHONY: screenshots
screenshots: dev ## Take a picture of every page into var/screenshots, or the folder that ARGS names; needs chromium and ImageMagick
	@PYTHONPATH=. $(BIN)/python docs/screenshots/take.py $(ARGS)

lock: ## Compile the lock files again; needs uv and npm
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	$(LOCK) tests/clients/requirements.in -o tests/clients/requirements.txt
	npm install --prefix tests/clients --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund

clean: ## Remove .venv and caches, never data
	rm -rf $(VENV) .clients .pytest_cache .mypy_cache .ruff_cache .coverage .hypothesis test-results
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
