# The front door. Each target first sees that the Debian packages it needs are there and installs what is
# missing (scripts/packages.txt). Meson and Ninja do the building, in build/.
.DEFAULT_GOAL := all
.PHONY: all tests-configured test test-integrations demo bench fuzz lint install soak sanitize format clean help
PACKAGES = @scripts/packages.sh
# Debian's own, which sees Debian's packages, before any other on the path.
PYTHON = $(or $(wildcard /usr/bin/python3),python3)
export PYTHON
# A configured tree; the tests join it when they are first asked for.
build/build.ninja:
	$(PACKAGES) build
	@scripts/packages.sh console || echo "assay: without them the binary has no console" >&2
	@meson setup build >build.log 2>&1 || { cat build.log; exit 1; }
	@rm -f build.log
tests-configured: build/build.ninja
	$(PACKAGES) build test
	@test -f build/with-tests || meson setup --reconfigure build -Dtests=true >build/setup.log 2>&1 || \
		{ cat build/setup.log; exit 1; }
	@touch build/with-tests

all: build/build.ninja ## build build/assay and libassay
	$(PACKAGES) build
	@scripts/packages.sh console || echo "assay: without them the binary has no console" >&2
	@ninja -C build

test: tests-configured ## unit and system tests (under 15 minutes)
	@ninja -C build all test-tools
	@meson test -C build --suite unit --print-errorlogs --num-processes 2
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/console >build/console-tests.log 2>&1 & console=$$!; \
	$(PYTHON) -m pytest -q -p no:cacheprovider tests/system; system=$$?; \
	wait $$console; console=$$?; cat build/console-tests.log; exit $$(( system > console ? system : console ))

demo: all ## generate, train, serve and play live traffic: make demo ARGS='--for 20s'
	@rm -rf build/demo && build/assay demo --directory build/demo $(ARGS)

bench: all ## measure, beside the peers that are installed; writes build/bench.json
	$(PACKAGES) bench
	@ninja -C build bench-programs
	@$(PYTHON) bench/run.py $(ARGS)

fuzz: ## each fuzz target for FUZZ_SECONDS (default 600)
	$(PACKAGES) build fuzz
	@scripts/fuzz.sh $(FUZZ_SECONDS)

soak: tests-configured ## a service under load for minutes; faults of the machine; parity over the Handbook data with 100 kills, over many adversarial streams, with -O0; 5 M entities in bounded memory
	@ninja -C build all test-tools bench/bench_load
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/soak

test-integrations: tests-configured ## beside PostgreSQL, S3Proxy, moto and MLflow, which the tests fetch and start
	$(PACKAGES) test integrations
	@ninja -C build all test-tools
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/integration

sanitize: ## unit and system tests under address, undefined and thread sanitizers
	$(PACKAGES) build test
	@scripts/sanitize.sh

lint: all ## format, static analysis, layering, header cycles, the core's symbols
	$(PACKAGES) build lint
	@$(PYTHON) scripts/lint.py

format: ## clang-format over the sources
	$(PACKAGES) lint
	@git ls-files '*.c' '*.h' '*.cc' | grep -v tests/golden | xargs clang-format -i

install: all ## PREFIX=/usr/local, DESTDIR=
	@meson configure build -Dprefix=$(or $(PREFIX),/usr/local) >/dev/null
	@meson install -C build

clean:
	@rm -rf build build-*

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20
