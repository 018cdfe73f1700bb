# The way in. `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= 2
FUZZ_SECONDS ?= 60
SOAK_RUNS ?= 10000
CHECK_JSONSCHEMA := 0.33.0

SWIFT ?= swift
CC ?= cc
BUILD := $(CURDIR)/.build
RELEASE := $(BUILD)/release
COMPILED := $(RELEASE)/compiled-policies
RESULTS := $(BUILD)/test-results
# The build id tells a compiled policy of this build from any other's. What a run goes through lies together, in the order of
# `make order`: a start touches some hundred pages less; for that each function needs a section of its own. Names that are no longer
# there do no harm. Generic types that the compiler can lay out are not put together at run time.
LAUNCH_ORDER := $(CURDIR)/.ci/launch-order
SWIFT_RELEASE := $(SWIFT) build -c release --jobs $(JOBS) -Xswiftc -static-executable -Xswiftc -use-ld=lld -Xlinker --build-id=sha1 \
    -Xlinker --symbol-ordering-file=$(LAUNCH_ORDER) -Xlinker --no-warn-symbol-ordering \
    -Xswiftc -Xfrontend -Xswiftc -function-sections -Xswiftc -Xfrontend -Xswiftc -prespecialize-generic-metadata

C_WARNINGS := -std=gnu17 -Wall -Wextra -Wshadow -Wstrict-prototypes -Werror
C_INCLUDES := -Isandbox/abi/include -Isandbox/core/include -Isandbox/shims/include -Isandbox/launcher
LAUNCHER_SOURCES := $(wildcard sandbox/launcher/*.c sandbox/core/*.c sandbox/abi/*.c)
LAUNCHER_HEADERS := $(wildcard sandbox/launcher/*.h sandbox/core/*.h sandbox/core/include/*.h sandbox/abi/include/*.h)
LAUNCHER_FLAGS := -O2 -g -fPIE -static-pie -fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wl,-z,relro,-z,now,-z,noexecstack
# What a parked Python is preloaded with. It ends up in somebody else's program, so it shows nothing of its own there.
PARKED_PYTHON := $(BUILD)/launcher/glovebox-python.so
PARKED_PYTHON_SOURCES := $(wildcard sandbox/python/*.c) \
    sandbox/core/parked_program.c sandbox/core/spec_reader.c sandbox/core/descriptors.c
PARKED_PYTHON_FLAGS := -O2 -g -fPIC -shared -fvisibility=hidden -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
    -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs,-soname,glovebox-python.so
C_SOURCES := $(wildcard sandbox/*/*.c .ci/*.c)
SWIFT_FILES := Package.swift Sources Tests

define HELP
make build       release build, everything static, in .build/release
make test        every test; the enforcement tests as root and as an ordinary user
make test-model  agents against a model server over HTTP that fails in many ways
make test-python a Python that waited for its call, compared with plain python3, on programs of the package index too
make test-mcp    wrapped MCP servers and served tools, driven by the official SDK of both generations and judged
make demo        an agent mends a bug, people are asked, a hostile tool gets nowhere
make demo-sealed five real tools, sealed, each with its receipt
make bench       what sealing costs, beside the peers that are installed (ARGS= goes to glovebox bench: launch, overhead, throughput, quantum)
make bench-parts what its developers measure (ARGS=policy, broker or store)
make soak        $(SOAK_RUNS) runs (SOAK_RUNS), 4 at a time; looks for anything that grows or stays
make fuzz        fuzzes the launch spec reader for FUZZ_SECONDS=$(FUZZ_SECONDS)
make order       notes anew which functions a run goes through, for the linker
make lint        formatting, C warnings with two compilers, shipped policies against their schema
make format      formats the Swift sources in place
make install     into PREFIX=$(PREFIX)
make uninstall   from PREFIX=$(PREFIX)
make clean       removes what was built
make setup       installs missing Debian packages; the other targets call it
endef
export HELP

.PHONY: help setup setup-bench build launcher workload parked-python test test-model test-python test-mcp demo demo-sealed bench bench-parts soak order fuzz lint lint-swift lint-c lint-schema format install uninstall clean

help:
	@printf '%s\n' "$$HELP"

setup:
	@.ci/setup

setup-bench:
	@.ci/setup bwrap=bubblewrap

# ---- build ----------------------------------------------------------------------------------------------------------

# The linker leaves its output in the page cache in single pages, each of which a start maps and an end unmaps by itself. Read anew,
# from front to end, it comes in large folios, as a copy that was installed does, and a run is 0.7 to 1.2 ms shorter. A call of a
# built-in tool takes half as long.
build: setup
	@echo "build: glovebox, release"
	@$(SWIFT_RELEASE) --product glovebox
	@$(SWIFT_RELEASE) --product glovebox-runtime
	@$(SWIFT_RELEASE) --product glovebox-worker
	@$(MAKE) launcher workload
	@$(MAKE) parked-python
	@install -m 755 $(BUILD)/launcher/glovebox-launcher $(RELEASE)/glovebox-launcher
	@install -m 755 $(BUILD)/launcher/glovebox-workload $(RELEASE)/glovebox-workload
	@install -m 755 $(PARKED_PYTHON) $(RELEASE)/glovebox-python.so
	@for program in glovebox glovebox-worker; do \
	    sync $(RELEASE)/$$program && dd if=$(RELEASE)/$$program iflag=nocache count=0 status=none && \
	    dd if=$(RELEASE)/$$program of=/dev/null bs=4M status=none; done
	@echo "build: compiled policies"
	@rm -rf $(COMPILED) && install -d $(COMPILED) && $(RELEASE)/glovebox policy compile $(COMPILED)
	@echo "build: done, $(RELEASE)/glovebox"

# The C compiler builds the launcher of a release, not SwiftPM: with -static-executable SwiftPM links the Swift runtime
# into C programs too, 9 MB of trusted code that never runs. This one is libc and libcap alone.
launcher: setup $(BUILD)/launcher/glovebox-launcher

$(BUILD)/launcher/glovebox-launcher: $(LAUNCHER_SOURCES) $(LAUNCHER_HEADERS) Makefile
	@echo "build: glovebox-launcher, static"
	@mkdir -p $(@D)
	@$(CC) $(C_WARNINGS) $(LAUNCHER_FLAGS) $(C_INCLUDES) -o $@.new $(LAUNCHER_SOURCES) -lcap
	@mv $@.new $@

# What `glovebox bench overhead` starts inside and outside: of the C library alone, for the same reason.
workload: setup $(BUILD)/launcher/glovebox-workload

$(BUILD)/launcher/glovebox-workload: sandbox/workload/main.c Makefile
	@echo "build: glovebox-workload, static"
	@mkdir -p $(@D)
	@$(CC) $(C_WARNINGS) $(LAUNCHER_FLAGS) -o $@.new $<
	@mv $@.new $@

parked-python: setup $(PARKED_PYTHON)

$(PARKED_PYTHON): $(PARKED_PYTHON_SOURCES) $(wildcard sandbox/python/*.h) $(LAUNCHER_HEADERS) Makefile
	@echo "build: glovebox-python.so"
	@mkdir -p $(@D)
	@$(CC) $(C_WARNINGS) $(PARKED_PYTHON_FLAGS) $(C_INCLUDES) -o $@.new $(PARKED_PYTHON_SOURCES)
	@mv $@.new $@

# Of a run without options, as a benchmark makes it: through a server first, which is the shortest way, and then without. The next
# build uses it.
order: build
	@$(CC) $(C_WARNINGS) -O1 -o $(BUILD)/trace-order .ci/trace-order.c
	@workspace=$$(mktemp -d) && socket=$(BUILD)/order/serve.sock && mkdir -p -m 700 $(BUILD)/order && \
	{ $(RELEASE)/glovebox serve --socket "$$socket" & } && server=$$! && \
	trap 'kill $$server; rmdir "$$workspace"' EXIT && until $(RELEASE)/glovebox pool --socket "$$socket" >/dev/null 2>&1; do :; done && \
	for choice in "$$socket" off; do readelf -sW $(RELEASE)/glovebox \
	    | awk '($$4 == "FUNC" || $$4 == "IFUNC") && $$7 != "UND" { print $$2, $$8 }' | sort -u \
	    | GLOVEBOX_SERVER=$$choice $(BUILD)/trace-order $(RELEASE)/glovebox run --workspace "$$workspace" -- /bin/true; \
	done | awk '!seen[$$0]++' >$(BUILD)/launch-order
	@mv $(BUILD)/launch-order $(LAUNCH_ORDER)
	@echo "order: $$(wc -l <$(LAUNCH_ORDER)) functions"

# ---- test -----------------------------------------------------------------------------------------------------------

# All at once, 1,300 tests wait for each other longer than some of them may take; eight at a time they are done sooner.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH := 8

test: setup
	@echo "test: building"
	@$(SWIFT) build --build-tests --jobs $(JOBS)
	@$(MAKE) parked-python
	@install -m 755 $(PARKED_PYTHON) $(BUILD)/debug/glovebox-python.so
	@echo "test: python3 that waited for its call, compared with plain python3"
	@Tests/PythonComparison/compare.py $(PARKED_PYTHON)
	@mkdir -p $(RESULTS) && rm -f $(RESULTS)/*
	@echo "test: every suite, as uid $$(id -u)"
	@$(SWIFT) test --skip-build --disable-xctest --xunit-output $(RESULTS)/all.xml 2>&1 | tee $(RESULTS)/all.log
	@echo "test: enforcement suites, every sandbox prepared before its call"
	@GLOVEBOX_TEST_LAUNCH=prepared $(SWIFT) test --skip-build --disable-xctest --filter '^SandboxEnforcementTests\.' \
	    --xunit-output $(RESULTS)/prepared.xml 2>&1 | tee $(RESULTS)/prepared.log
	@echo "test: enforcement suites, with the probe waiting in every sandbox"
	@GLOVEBOX_TEST_LAUNCH=parked $(SWIFT) test --skip-build --disable-xctest --filter '^SandboxEnforcementTests\.' \
	    --xunit-output $(RESULTS)/parked.xml 2>&1 | tee $(RESULTS)/parked.log
	@echo "test: enforcement suites, as an ordinary user"
	@.ci/test-as-ordinary-user $(BUILD)/debug $(RESULTS)/ordinary-user.xml 2>&1 | tee $(RESULTS)/ordinary-user.log
	@echo "test: passed"

test-model: setup $(BUILD)/model/requirements.txt
	@.ci/setup openssl=openssl
	@echo "test-model: building"
	@for product in glovebox-runtime glovebox-worker glovebox-launcher; do \
	    $(SWIFT) build --jobs $(JOBS) --product $$product --quiet; done
	@.ci/test-model.py $(BUILD)/debug/glovebox-runtime $(BUILD)/model/bin/llmock
	@echo "test-model: passed"

# Every interpreter of PYTHONS, with the standard library's own tests where they are installed.
PYTHONS ?= $(sort /usr/bin/python3 $(shell python3 -c 'import sys; print(sys.executable)'))

test-python: parked-python $(BUILD)/python/requirements.txt
	@Tests/PythonComparison/compare.py $(PARKED_PYTHON) --suites $(PYTHONS:%=--python %)
	@Tests/PythonComparison/compare.py $(PARKED_PYTHON) --no-programs --packages $(BUILD)/python
	@echo "test-python: passed"

$(BUILD)/python/requirements.txt: .ci/python-requirements.txt
	@echo "test-python: installing programs of the package index into $(@D)"
	@/usr/bin/python3 -m venv --clear $(@D) && \
	    $(@D)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --requirement $< || \
	    { echo "test-python: they are not installable (python3-venv, pip, the package index)" >&2; exit 1; }
	@cp $< $@

# The model server comes from the Python package index, into an environment of its own.
$(BUILD)/model/requirements.txt: .ci/model-requirements.txt
	@echo "test-model: installing llmock into $(@D)"
	@python3 -m venv --clear $(@D) && \
	    $(@D)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --requirement $< || \
	    { echo "test-model: llmock is not installable (python3-venv, pip, the package index)" >&2; exit 1; }
	@cp $< $@

test-mcp: setup $(BUILD)/mcp-legacy/requirements.txt $(BUILD)/mcp-modern/requirements.txt $(BUILD)/mcp-judge/requirements.txt \
    $(BUILD)/mcp-servers/requirements.txt
	@echo "test-mcp: building"
	@for product in glovebox-runtime glovebox-launcher glovebox-worker; do $(SWIFT) build --jobs $(JOBS) --product $$product --quiet; done
	@.ci/test-mcp.py $(BUILD)/debug/glovebox-runtime $(BUILD)/mcp-legacy $(BUILD)/mcp-modern $(BUILD)/mcp-judge
	@.ci/test-mcp-approval.py $(BUILD)/debug/glovebox-runtime $(BUILD)/mcp-legacy $(BUILD)/mcp-modern
	@.ci/test-mcp-servers.py $(BUILD)/debug/glovebox-runtime $(BUILD)/mcp-servers
	@echo "test-mcp: passed"

# Each generation of the SDK in an environment of its own, of the system's Python: that is what a sandbox may see.
$(BUILD)/mcp-%/requirements.txt: .ci/mcp-%-requirements.txt
	@echo "test-mcp: installing the SDK into $(@D)"
	@/usr/bin/python3 -m venv --clear $(@D) && \
	    $(@D)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --requirement $< || \
	    { echo "test-mcp: the SDK is not installable (python3-venv, pip, the package index)" >&2; exit 1; }
	@cp $< $@

fuzz: setup
	@mkdir -p $(BUILD)/fuzz/corpus
	@clang=$$(dirname "$$(readlink -f "$$(command -v $(SWIFT))")")/clang; \
	echo "fuzz: building with $$clang"; \
	"$$clang" $(C_WARNINGS) -O1 -g -fuse-ld=lld -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined $(C_INCLUDES) \
	    -o $(BUILD)/fuzz/spec_fuzzer sandbox/fuzz/spec_fuzzer.c sandbox/core/spec_reader.c
	@echo "fuzz: $(FUZZ_SECONDS) s"
	@$(BUILD)/fuzz/spec_fuzzer -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus
	@echo "fuzz: found nothing"

# A machine that was too noisy is no broken build: 75 says that the numbers are not good.
bench: setup-bench build
	@$(RELEASE)/glovebox bench $(or $(ARGS),launch) || [ $$? -eq 75 ]

bench-parts soak: build
	@echo "$@: building"
	@$(SWIFT_RELEASE) --product glovebox-bench
	@$(RELEASE)/glovebox-bench $(if $(filter soak,$@),soak --runs $(SOAK_RUNS)) $(ARGS)

demo: build
	@GLOVEBOX=$(RELEASE)/glovebox Tests/Fixtures/demo/demo.sh

demo-sealed: build
	@GLOVEBOX=$(RELEASE)/glovebox Tests/Fixtures/demo-sealed/demo.sh

# ---- style ----------------------------------------------------------------------------------------------------------

lint: lint-swift lint-c lint-schema
	@echo "lint: clean"

lint-swift: setup
	@echo "lint: Swift"
	@$(SWIFT) format lint --strict --recursive --parallel $(SWIFT_FILES)

lint-c: setup
	@clang=$$(dirname "$$(readlink -f "$$(command -v $(SWIFT))")")/clang; \
	for compiler in "$$clang" $(CC); do \
	    echo "lint: C, $$(basename $$compiler)"; \
	    for source in $(C_SOURCES); do $$compiler -fsyntax-only $(C_WARNINGS) $(C_INCLUDES) $$source; done; \
	done

# The checker is the one on PATH, or else one of this version in an environment of its own below .build. Without either,
# unchecked policies would look like checked ones, so that is an error.
lint-schema: setup
	@checker=$$(command -v check-jsonschema || true); \
	if [ -z "$$checker" ]; then \
	    checker=$(BUILD)/lint/bin/check-jsonschema; \
	    if ! "$$checker" --version 2>/dev/null | grep -qF '$(CHECK_JSONSCHEMA)'; then \
	        echo "lint: installing check-jsonschema $(CHECK_JSONSCHEMA) into $(BUILD)/lint"; \
	        { python3 -m venv --clear $(BUILD)/lint && \
	          $(BUILD)/lint/bin/pip install --quiet --disable-pip-version-check check-jsonschema==$(CHECK_JSONSCHEMA); } || \
	            { echo "lint: schemas cannot be checked: check-jsonschema is neither on PATH nor installable (python3-venv, pip)" >&2; \
	              exit 1; }; \
	    fi; \
	fi; \
	echo "lint: schemas, with $$checker"; \
	"$$checker" --check-metaschema policies/schema/*.json; \
	"$$checker" --schemafile policies/schema/policy.schema.json policies/*.yaml; \
	"$$checker" --schemafile policies/schema/tool.schema.json policies/tools/*.yaml sandbox/workers/examples/*.yaml

format: setup
	@$(SWIFT) format --in-place --recursive --parallel $(SWIFT_FILES)

# ---- installation ---------------------------------------------------------------------------------------------------

BINDIR := $(DESTDIR)$(PREFIX)/bin
LIBEXECDIR := $(DESTDIR)$(PREFIX)/libexec/glovebox
SHAREDIR := $(DESTDIR)$(PREFIX)/share

# Root often has no Swift on its PATH, so what an ordinary user has built is taken as it is.
install:
	@[ -x $(RELEASE)/glovebox ] && [ -x $(RELEASE)/glovebox-launcher ] || $(MAKE) build
	@echo "install: into $(DESTDIR)$(PREFIX)"
	@install -d $(BINDIR) $(LIBEXECDIR)
	@install -m 755 -s $(RELEASE)/glovebox $(BINDIR)/glovebox
	@install -m 755 -s $(RELEASE)/glovebox-launcher $(LIBEXECDIR)/glovebox-launcher
	@[ ! -e $(RELEASE)/glovebox-python.so ] || install -m 644 -s $(RELEASE)/glovebox-python.so $(LIBEXECDIR)/glovebox-python.so
	@for program in glovebox-runtime glovebox-worker glovebox-workload; do \
	    [ ! -x $(RELEASE)/$$program ] || install -m 755 -s $(RELEASE)/$$program $(LIBEXECDIR)/$$program; done
	@for file in $(COMPILED)/*; do \
	    [ ! -f "$$file" ] || install -D -m 644 "$$file" $(LIBEXECDIR)/compiled-policies/$$(basename "$$file"); done
	@cd policies && find . -type f -exec install -D -m 644 {} $(SHAREDIR)/glovebox/policies/{} \;
	@install -D -m 644 sandbox/workers/python/glovebox_tool.py $(SHAREDIR)/glovebox/python/glovebox_tool.py
	@if $(RELEASE)/glovebox --generate-completion-script bash >$(BUILD)/completion 2>/dev/null; then \
	    install -D -m 644 $(BUILD)/completion $(SHAREDIR)/bash-completion/completions/glovebox; \
	    $(RELEASE)/glovebox --generate-completion-script zsh >$(BUILD)/completion; \
	    install -D -m 644 $(BUILD)/completion $(SHAREDIR)/zsh/site-functions/_glovebox; \
	    $(RELEASE)/glovebox --generate-completion-script fish >$(BUILD)/completion; \
	    install -D -m 644 $(BUILD)/completion $(SHAREDIR)/fish/vendor_completions.d/glovebox.fish; \
	fi; rm -f $(BUILD)/completion
	@for page in man/*.1; do [ ! -f "$$page" ] || install -D -m 644 "$$page" $(SHAREDIR)/man/man1/$$(basename "$$page"); done

uninstall:
	@echo "uninstall: from $(DESTDIR)$(PREFIX)"
	@rm -f $(BINDIR)/glovebox
	@rm -rf $(LIBEXECDIR) $(SHAREDIR)/glovebox
	@rm -f $(SHAREDIR)/bash-completion/completions/glovebox $(SHAREDIR)/zsh/site-functions/_glovebox
	@rm -f $(SHAREDIR)/fish/vendor_completions.d/glovebox.fish $(SHAREDIR)/man/man1/glovebox.1 $(SHAREDIR)/man/man1/glovebox-*.1

clean:
	@rm -rf $(BUILD)
	@echo "clean: removed .build"
