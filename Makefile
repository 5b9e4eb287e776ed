# Thin entry points; the building is CMake's (CMakePresets.json).
PRESET ?= Release
ARGS ?=

BUILD_PACKAGES = gcc libc6-dev cmake ninja-build pkg-config protobuf-compiler libprotobuf-dev \
    protobuf-c-compiler libprotobuf-c-dev libgrpc-dev libnng-dev libmbedtls-dev liblmdb-dev \
    libzstd-dev zlib1g-dev libssl-dev libcmocka-dev
TEST_PACKAGES = python3 python3-grpcio python3-protobuf

.PHONY: run test build build_dependencies

run: build_dependencies build
	exec build/$(PRESET)/weir serve $(ARGS)

test: build_dependencies
	deploy/install_packages.sh $(TEST_PACKAGES)
	cmake --preset Debug
	cmake --build --preset Debug
	ctest --preset Debug

build:
	cmake --preset $(PRESET)
	cmake --build --preset $(PRESET)

build_dependencies:
	deploy/install_packages.sh $(BUILD_PACKAGES)
