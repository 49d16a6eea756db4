# Zoneway's commands; `make` alone lists them. Every target that uses an artefact depends on building it, so nothing
# stale is ever run: cargo decides what is up to date.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

include tools/versions

# Tests, the demonstration and the benches run this Envoy, and no other.
export ZONEWAY_ENVOY := $(CURDIR)/.zoneway/bin/envoy

CARGO := cargo
BUILT := target/wasm32-wasip1/wasm/zoneway.wasm
PRUNE := target/debug/zoneway-prune
WASM  := target/zoneway.wasm
MODULE := target/libzoneway.so
ARM64  := target/arm64

.PHONY: help
help: ## List these commands
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what is missing: the Wasm target, and Envoy in .zoneway/ (done by the others too)
	@tools/setup

.PHONY: build
build: setup ## Build the zoneway binary (target/debug/zoneway)
	@$(CARGO) build --locked -p zoneway-sidecar

# cargo leaves the module's time alone where nothing changed; the pruned one is made again only where it did.
.PHONY: wasm
wasm: setup ## Build the filter (target/zoneway.wasm)
	@$(CARGO) build --locked -p zoneway-filter --target wasm32-wasip1 --profile wasm
	@$(CARGO) build --locked -p zoneway-prune
	@[[ $(WASM) -nt $(BUILT) && $(WASM) -nt $(PRUNE) ]] || $(PRUNE) $(BUILT) $(WASM)

# Parts that only the tests need. Without Go there are none: tools/test says so, and fails on it where CI is set.
.PHONY: cluster
cluster: setup ## Build a Kubernetes cluster's parts for the tests, once, into ~/.cache/zoneway (done by test too)
	@tools/cluster/build

# Put down as a new file: an Envoy that runs the old one keeps it.
.PHONY: module
module: setup ## Build the same filter as a native module (target/libzoneway.so)
	@$(CARGO) build --locked -p zoneway-module --release
	@cmp -s target/release/libzoneway_module.so $(MODULE) || install target/release/libzoneway_module.so $(MODULE)

# Without optimisation: it is tried here, not shipped (`make dist` is).
.PHONY: arm64
arm64: setup ## Build the module for arm64 (target/arm64/), and install an arm64 Envoy and qemu to try it in
	@tools/setup-arm64
	@tools/zigbuild aarch64-unknown-linux-gnu -p zoneway-module --lib --example panicking
	@mkdir -p $(ARM64)
	@install target/aarch64-unknown-linux-gnu/debug/libzoneway_module.so $(ARM64)/libzoneway.so
	@install target/aarch64-unknown-linux-gnu/debug/examples/libpanicking.so $(ARM64)/libpanicking.so

.PHONY: test
test: build wasm module arm64 ## Run every test there is: unit, property, host, corpus, real Envoys and cluster, documents
	@tools/test

# FILTER=module runs it on libzoneway.so.
FILTER := wasm

.PHONY: demo
demo: build $(FILTER) ## Two zones, three nodes with real Envoys on this machine; without a terminal: a self-test
	@ZONEWAY_FILTER=$(FILTER) python3 tools/demo

# PARTS="fuzz cycles" runs these alone, HOURS=0.1 gives each less time: tools/soak says more.
HOURS :=

.PHONY: soak
soak: build wasm module ## What takes hours: load, fuzzing, a thousand tables, kills, a million cases; into benches/results/soak/
	@ZONEWAY_FILTER=$(FILTER) python3 tools/soak $(if $(HOURS),--hours $(HOURS)) $(PARTS)

# Parts of it, more rounds, other options: make bench PARTS="cpu upstream" ROUNDS=9 BENCH="--seconds 5". What it compares with is
# built here and nowhere else.
PARTS :=
ROUNDS := 7
BENCH :=
BENCHES := target/benches
BENCH_CARGO := --locked --manifest-path benches/Cargo.toml --target-dir $(BENCHES)

.PHONY: bench
bench: build wasm module ## CPU, latency, memory: no filter, Lua, ext_authz, Wasm, native; into benches/results/
	@$(CARGO) build $(BENCH_CARGO) --release -p bench-services -p bench-ext-authz
	@$(CARGO) build $(BENCH_CARGO) --profile wasm --target wasm32-wasip1 -p empty-filter
	@$(PRUNE) $(BENCHES)/wasm32-wasip1/wasm/empty_filter.wasm $(BENCHES)/empty-filter.wasm
	@cc -O2 -shared -fPIC -o $(BENCHES)/libempty-module.so benches/empty-module.c
	@python3 benches $(PARTS) --rounds $(ROUNDS) $(BENCH)

.PHONY: dist
dist: setup arm64 ## Static binaries and native modules for amd64 and arm64, the filter, checksums; into dist/
	@$(CARGO) build --locked -p zoneway-tests --bin corpus
	@tools/dist

.PHONY: fmt
fmt: setup ## Format the code
	@$(CARGO) fmt --all
	@$(CARGO) fmt --manifest-path benches/Cargo.toml --all

.PHONY: lint
lint: setup ## Check formatting, clippy, and the dependencies' licences and advisories
	@$(CARGO) fmt --all --check
	@$(CARGO) fmt --manifest-path benches/Cargo.toml --all --check
	@$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	@tools/deny
