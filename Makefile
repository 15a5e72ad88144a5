# crnsim: `make run` computes the default sweep and its report, `make test` runs the tests.
# Both make their own environment in .venv; they need nothing but GNU make, git and Python 3.11 to 3.13.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run cluster test coverage lint docs format lock dist clean

# What you may set: make run CORES=2 SWEEP=config/sweeps/quick.yaml PYTHON=python3.12
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
SWEEP ?=
PYTHON ?=
ARGS ?=

VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --no-input -qq
ON_PATH := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
SNAKEFILES := Snakefile workflow

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "Settings: CORES=2, SWEEP=config/sweeps/quick.yaml, PYTHON=python3.12, ARGS='-k noise' (for pytest)"

run: $(VENV)/ready-to-run  ## Compute the default sweep (or SWEEP=file) and its report
	@test -z "$(SWEEP)" || test -f "$(SWEEP)" || { echo "make: SWEEP=$(SWEEP): there is no such file" >&2; exit 2; }
	$(ON_PATH) crnsim run --cores $(CORES) $(SWEEP) -- $(ARGS)

cluster: $(VENV)/ready-for-cluster  ## Install what a cluster needs too (Slurm and other schedulers, dask-jobqueue)

# One thread a worker: with more those of linear algebra wait for each other, busily.
PYTEST := OPENBLAS_NUM_THREADS=1 python -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder
test: $(VENV)/ready-to-test  ## Run the tests, as many at a time as there are cores (ARGS="-n 0" for one)
	$(ON_PATH) $(PYTEST) $(ARGS)

coverage: $(VENV)/ready-to-test  ## Run the tests, and count the lines that they run
	$(ON_PATH) python -m coverage erase
	$(ON_PATH) $(subst python -m,python -m coverage run -m,$(PYTEST)) $(ARGS)
	$(ON_PATH) python -m coverage combine --quiet
	$(ON_PATH) python -m coverage report --skip-covered --sort cover

lint: $(VENV)/ready-to-test  ## Check style, formatting and types
	$(ON_PATH) ruff check .
	$(ON_PATH) ruff format --check .
	$(ON_PATH) snakefmt --check $(SNAKEFILES)
	$(ON_PATH) mypy

docs: $(VENV)/ready-to-test  ## Build the documentation site in docs/_build/html, offline; a warning is an error
	$(ON_PATH) python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "The site is docs/_build/html/index.html"

format: $(VENV)/ready-to-test  ## Mend what can be mended by machine
	$(ON_PATH) ruff check --fix .
	$(ON_PATH) ruff format .
	$(ON_PATH) snakefmt $(SNAKEFILES)

# Compiled for every supported Python and platform at once; keeps today's pins unless ARGS=--upgrade.
COMPILE := uv pip compile pyproject.toml --no-config --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" $(ARGS)
lock: $(VENV)/ready-to-test  ## Pin the dependencies of pyproject.toml again (ARGS=--upgrade for newer ones)
	$(ON_PATH) $(COMPILE) --output-file requirements.txt
	$(ON_PATH) $(COMPILE) --extra cluster --constraints requirements.txt --output-file requirements-cluster.txt
	$(ON_PATH) $(COMPILE) --extra cluster --group dev --constraints requirements-cluster.txt --output-file requirements-dev.txt
	$(ON_PATH) $(subst pyproject.toml,,$(COMPILE)) --group build --output-file requirements-build.txt

# From what stands in git: build/ of an earlier try would go into the wheel.
dist: $(VENV)/ready-to-test  ## Build the wheel and the source distribution into dist/, and check them
	rm -rf build dist
	$(ON_PATH) python -m build --no-isolation
	$(ON_PATH) python -m twine check --strict dist/*
	$(ON_PATH) python tools/try_wheel.py dist/*.whl dist/*.tar.gz

clean:  ## Remove .venv and all caches; results/ and reports/ stay
	rm -rf $(VENV) build dist docs/_build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -not -path './.snakemake/*' -prune -exec rm -rf {} +

# --- the environment ---

# A checkout that was moved or copied must not use the environment of the place it came from.
ifneq ($(shell test -x $(VENV)/bin/python && cat $(VENV)/place 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/place
endif

FITS := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
CANDIDATES := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)
$(VENV)/place:
	@for python in $(CANDIDATES); do \
		if "$$python" -c '$(FITS)' >/dev/null 2>&1; then \
			"$$python" -m venv --clear $(VENV) && echo "$(CURDIR)" >$@; exit; \
		fi; \
	done; \
	echo "make: crnsim needs Python 3.11, 3.12 or 3.13 with its venv module; none among: $(CANDIDATES)." \
		"Name one: make run PYTHON=/path/to/python3.12" >&2; exit 2

# The build tools are pinned and come first, so that nothing unpinned is fetched to build a source package.
define install
	@echo "Installing $(1) into $(VENV) (a minute or two the first time)"
	@$(PIP) install --require-hashes -r requirements-build.txt
	@$(PIP) install --require-hashes --no-build-isolation -r $(1)
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $(VENV)/ready-to-run $@
endef

$(VENV)/ready-to-run: $(VENV)/place requirements-build.txt requirements.txt pyproject.toml
	$(call install,requirements.txt)

$(VENV)/ready-for-cluster: $(VENV)/place requirements-build.txt requirements.txt requirements-cluster.txt pyproject.toml
	$(call install,requirements-cluster.txt)

$(VENV)/ready-to-test: $(VENV)/place requirements-build.txt requirements.txt requirements-dev.txt pyproject.toml
	$(call install,requirements-dev.txt)
