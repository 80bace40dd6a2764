#!/bin/sh
# What cargo runs in the place of rustc for the crates of this workspace (RUSTC_WORKSPACE_WRAPPER):
# the compiler with libFuzzer's instrumentation. Other crates stay as every other check builds them.
exec "$@" -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1
