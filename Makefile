# Thin entry points; the building is CMake's (CMakePresets.json), the testing is ctest's.
PRESET ?= Release
ARGS ?=
SOAK_SECONDS ?= 600
POWER_IMAGES ?= 10000
MAKEFLAGS += --no-print-directory

# What building takes.
BUILD_PACKAGES = gcc libc6-dev libstdc++-12-dev cmake ninja-build pkg-config protobuf-compiler \
    libprotobuf-dev protobuf-c-compiler libprotobuf-c-dev libgrpc-dev libnng-dev libmbedtls-dev \
    liblmdb-dev libzstd-dev zlib1g-dev libssl-dev libseccomp-dev

# What the client, the batch files and the model of the end-to-end tests take.
CLIENT_PACKAGES = python3 python3-grpcio python3-protobuf python3-cryptography python3-zstandard

LINT_PACKAGES = clang-format-14 shellcheck codespell pyflakes3 git
FUZZ_PACKAGES = clang-14 libclang-rt-14-dev
COMPILER_PACKAGES = libcmocka-dev clang-14 clang-16
PACKAGE_PACKAGES = dpkg-dev gzip file lintian
BENCH_PACKAGES = libsqlite3-dev sqlite3 postgresql
TEST_PACKAGES = libcmocka-dev systemd man-db strace $(CLIENT_PACKAGES) $(LINT_PACKAGES) \
    $(FUZZ_PACKAGES)

INSTALL = deploy/install_packages.sh
CLIENT = PYTHONPATH=tests/support:build/cmake/$(PRESET)/tests/python WEIR=build/$(PRESET)/weir \
    /usr/bin/python3 -B

.PHONY: help run build build_dependencies build_connector demo tester test test_asan test_tsan \
    fuzz compilers lint soak power neighbours bench bench-full package fresh fresh_package clean \
    build_client

help:
	@echo "make run ARGS=...     build and serve, as ./run.sh does"
	@echo "make demo             small encrypted syncs into a temporary folder, and what they left"
	@echo "make tester ARGS=...  sends an input file of Fivetran's destination tester to weir"
	@echo "make test             all tests, as ./test.sh runs them"
	@echo "make test_asan        the suite under the address and undefined-behaviour sanitizers"
	@echo "make test_tsan        the suite under the thread sanitizer"
	@echo "make compilers        builds with Clang 14 and 16, warnings being errors"
	@echo "make fuzz             every fuzz target for FUZZ_SECONDS (10)"
	@echo "make lint             format, names, layers, spelling, shell scripts"
	@echo "make soak             kill -9 during random operations for SOAK_SECONDS (600), then during"
	@echo "                      batches of SOAK_ROWS (1000000), SOAK_KILLS (50) times, then random"
	@echo "                      operations beside the model for SOAK_SECONDS"
	@echo "make power            POWER_IMAGES (10000) power cuts during a workload, nothing lost"
	@echo "make neighbours       how long batches take beside files that crash, hang and balloon"
	@echo "make bench            weir beside sqlite3, DuckDB and PostgreSQL, in two minutes"
	@echo "make bench-full       the same with 4 million rows and more, into BENCHMARKS.md"
	@echo "make package          a Debian package, with binary, units and manual page"
	@echo "make fresh            clone and test in a minimal Debian root made by debootstrap"
	@echo "make fresh_package    install the package in another one, run it there under systemd"
	@echo "make build PRESET=... Release (default), Debug, asan, tsan, clang14 or clang16"

run: build_dependencies
	@$(MAKE) build BUILD_ARGS="--target weir"
	@exec build/$(PRESET)/weir $(ARGS)

# Fivetran's pipeline for native connectors calls these two.
build_dependencies:
	@$(INSTALL) $(BUILD_PACKAGES)

build_connector:
	@$(MAKE) build PRESET=Release BUILD_ARGS="--target weir"

build: build/cmake/$(PRESET)/build.ninja
	@cmake --build --preset $(PRESET) $(BUILD_ARGS)

# Ninja configures again by itself when a CMakeLists.txt changes.
build/cmake/%/build.ninja: CMakePresets.json
	@cmake --preset $*

# The Python of the tests needs the messages that protoc makes, in any preset.
build_client: build_dependencies
	@$(INSTALL) $(CLIENT_PACKAGES)
	@$(MAKE) build BUILD_ARGS="--target weir python_messages"

demo: build_client
	@$(CLIENT) tests/tester --serve --input-file tests/tester/scenarios/shop.json \
	    --input-file tests/tester/scenarios/members.json

tester: build_client
	@$(CLIENT) tests/tester $(ARGS)

test: build_dependencies
	@$(INSTALL) $(TEST_PACKAGES)
	@$(MAKE) build_connector
	@ctest --preset Release --label-regex static
	@$(MAKE) fuzz
	@$(MAKE) build PRESET=Debug
	@ctest --preset Debug

test_asan test_tsan: test_%: build_dependencies
	@$(INSTALL) libcmocka-dev $(CLIENT_PACKAGES)
	@$(MAKE) build PRESET=$*
	@ctest --preset $* --label-exclude lint

fuzz: export FUZZ_SECONDS ?= 10
fuzz: build_dependencies
	@$(INSTALL) $(FUZZ_PACKAGES)
	@$(MAKE) build PRESET=fuzz BUILD_ARGS="--target fuzzers"
	@ctest --preset fuzz --label-regex fuzz

# The compilers besides GCC 12 that build it without a warning; 16 is what Fivetran's pipeline uses.
compilers: build_dependencies
	@$(INSTALL) $(COMPILER_PACKAGES)
	@$(MAKE) build PRESET=clang14
	@$(MAKE) build PRESET=clang16

lint:
	@$(INSTALL) $(LINT_PACKAGES)
	@tests/lint/run

soak: export SOAK_KILLS ?= 50
soak: export SOAK_ROWS ?= 1000000
soak: export WEIR_TEST_SECONDS = $(SOAK_SECONDS)
soak: build_client
	@$(CLIENT) tests/e2e/test_kill_operations.py -v
	@$(CLIENT) tests/e2e/test_kill_batches.py -v Soak
	@$(CLIENT) tests/e2e/test_random_operations.py -v

# ARGS chooses cases: make bench ARGS="load upsert". Peers that cannot be installed are left out.
bench bench-full: export BENCH_TOOLS = build/cmake/Release/bin
bench bench-full: export BENCH_NODE = build/bench
bench bench-full: build_dependencies
	@$(INSTALL) $(CLIENT_PACKAGES)
	@$(INSTALL) $(BENCH_PACKAGES) || true
	@command -v npm >/dev/null || $(INSTALL) nodejs npm || true
	@cmake --preset Release >/dev/null
	@$(MAKE) build PRESET=Release BUILD_ARGS="--target weir python_messages bench_programs"
	@$(CLIENT) tests/bench/suite --command "make $@$(if $(ARGS), ARGS=\"$(ARGS)\")" \
	    $(BENCH_OPTIONS) $(ARGS)

bench: BENCH_OPTIONS = --quick --rows 400000 --repetitions 1 --small-batches 300
bench-full: BENCH_OPTIONS = --output BENCHMARKS.md

# POWER_IMAGES disks as a power cut may leave them, each with a server started on it.
power: export WEIR_TEST_IMAGES = $(POWER_IMAGES)
power: build_client
	@$(INSTALL) strace
	@$(CLIENT) tests/e2e/test_power.py -v

# In the Debug build, where files can be poisoned.
neighbours: export NEIGHBOURS_ROUNDS ?= 5
neighbours: export PRESET = Debug
neighbours: build_client
	@$(CLIENT) tests/e2e/test_neighbours.py -v

# build/package/weir_VERSION_ARCHITECTURE.deb; lintian finds nothing in it.
package: build_dependencies
	@$(INSTALL) $(PACKAGE_PACKAGES)
	@rm -rf build/package
	@cmake --preset Release >/dev/null
	@$(MAKE) build PRESET=Release BUILD_ARGS="--target weir"
	@cd build/cmake/Release && cpack >/dev/null
	@lintian --fail-on error,warning build/package/*.deb
	@ls build/package/*.deb

fresh:
	tests/support/fresh.sh build/fresh ./test.sh

# On a machine of its own: what it needs, systemd starts it, it serves, and goes without the tables.
fresh_package: export WEIR_MACHINE = build/fresh_package
fresh_package: package build_client
	@$(INSTALL) systemd-container
	@tests/support/fresh_root.sh $$WEIR_MACHINE systemd-sysv
	@WEIR_PACKAGE=$$(ls build/package/*.deb) $(CLIENT) tests/package/test_package.py -v

clean:
	rm -rf build
