# Two commands matter: `make run` and `make test`. Both install what they need, once.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
# A bare `make` prepares everything; `make help` lists the rest.
.DEFAULT_GOAL := setup
.DELETE_ON_ERROR:

BIN := .venv/bin
FLAVOR ?= cpu
IMAGE ?= meshbox:$(FLAVOR)
# --network=host: name resolution of Docker's own bridge fails on some machines
DOCKER_BUILD = DOCKER_BUILDKIT=1 docker build --network=host --build-arg FLAVOR=$(FLAVOR) \
  --build-arg REVISION=$$(git rev-parse --short HEAD 2>/dev/null || echo unknown) $(DOCKER_BUILD_FLAGS) --tag $(IMAGE)

# A stamp carries the hash of its lock file: another branch's lock installs anew, a fresh checkout of the same does not.
hash = $(firstword $(shell sha256sum $(1)))
RUNTIME := .venv/.runtime-$(call hash,requirements.lock)
DEV := .venv/.dev-$(call hash,requirements-dev.lock)
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 10 --require-hashes

.PHONY: help
help:  ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: setup  ## prepare what is missing and start the box (state in ./data, models in ./data/models)
	@echo "Page: http://localhost:$${MESHBOX_WEB_PORT:-3131}   API: http://localhost:$${MESHBOX_API_PORT:-9337}/v1   State: $${MESHBOX_DATA:-./data}   Models: $${MESHBOX_MODELS:-$${MESHBOX_DATA:-./data}/models}"
	@exec $(BIN)/python -m appliance run

.PHONY: setup
setup: $(RUNTIME) engine  ## prepare .venv/ and build/engine/

.PHONY: engine
engine: $(RUNTIME)
	@native/tools.sh build
	@$(BIN)/python -m native.build --preset $(FLAVOR)

.venv/bin/python:
	@python=$$(native/tools.sh python); "$$python" -m venv .venv

$(RUNTIME): | .venv/bin/python
	@echo "installing Python packages into .venv"
	@$(PIP_INSTALL) -r requirements.lock
	@rm -f .venv/.runtime-*; touch $@

$(DEV): | $(RUNTIME)
	@echo "installing the tools of development into .venv"
	@$(PIP_INSTALL) -r requirements-dev.lock
	@rm -f .venv/.dev-*; touch $@

.PHONY: dev
dev: setup $(DEV)
	@native/tools.sh browser

.PHONY: test
test: dev  ## install what is missing and run the tests; WITH=image adds those of the image
	@$(BIN)/python -m tests.tools.layers $(LAYERS) $(if $(WITH),--with $(WITH))

.PHONY: bench
bench: engine $(DEV)  ## measure pages, streams, models and the start; NAMES="pages tabs" measures some
	@$(BIN)/python -m tests.bench $(NAMES)

.PHONY: bench-proxy
bench-proxy: $(DEV)  ## measure the API's way to its engines beside nginx and a router in Go (wants a C compiler; the others if they are there)
	@$(BIN)/python -m tests.bench proxy

.PHONY: sim
sim: $(DEV)  ## play a thousand stories of meshes in trouble; SEEDS=100 FIRST=5000 as wanted
	@$(BIN)/python -m tests.sim --seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0)

.PHONY: fuzz
fuzz: $(DEV)  ## make up requests, bodies and streams and look what breaks; NAMES="words" SECONDS=600 as wanted
	@$(BIN)/python -m tests.fuzz.run $(NAMES) $(if $(SECONDS),--seconds $(SECONDS))

.PHONY: lint
lint: $(DEV)  ## check style, types and who imports whom
	@$(BIN)/python -m tests.tools.layers lint

.PHONY: lock
lock: $(DEV)  ## write the lock files from pyproject.toml; UPGRADE=1 takes newer versions
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet --no-header \
	  $(if $(UPGRADE),--upgrade) -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --quiet \
	  --no-header $(if $(UPGRADE),--upgrade) -c requirements.lock -o requirements-dev.lock

.PHONY: image
image: engine  ## build the image around the engine of `make setup`
	$(DOCKER_BUILD) --build-arg ENGINE=prebuilt .

.PHONY: image-full
image-full:  ## build the image and compile the engine inside
	$(DOCKER_BUILD) .

.PHONY: test-image
test-image: setup $(DEV)  ## build the image and try it; starts a Docker engine if none answers
	@$(BIN)/python -m tests.tools.layers image

.PHONY: clean
clean:  ## remove what was built (never ./data)
	rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
