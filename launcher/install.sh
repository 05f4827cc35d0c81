#!/usr/bin/env bash
# Installs the Debian packages that are missing; asks for root (sudo) only when there are any.
#   launcher/install.sh run     what building and running needs (default)
#   launcher/install.sh test    that, and what the tests need
#   launcher/install.sh bench   what running and the benchmark need
set -euo pipefail

run_packages=(
    # package             what it is for
    build-essential       # gcc, make, the C library's headers
    cmake                 # build rules
    ninja-build           # runs them
    pkg-config            # finds the libraries
    libuv1-dev            # event loop
    libcurl4-openssl-dev  # HTTP client
    libmicrohttpd-dev     # HTTP server of the message API
    libwebsockets-dev     # web page and WebSocket
    libwebsockets-evlib-uv # its libuv loop, opened at run time
    libcjson-dev          # JSON
    libsqlite3-dev        # mailboxes, by default
    libmongoc-dev         # mailboxes in MongoDB
    libbson-dev           # MongoDB's documents
    libutf8proc-dev       # user names in every script
    libreadline-dev       # line editing in the terminal client
    libcmocka-dev         # unit tests
    libjs-chart.js        # charts on the web page
    ca-certificates       # HTTPS to the model
)
test_packages=(
    clang-14              # sanitizer builds, and a second compiler's warnings
    libclang-rt-14-dev    # the sanitizers and the fuzzer
    llvm-14               # names in their reports
    clang-format-14       # formatting check
    python3-venv          # integration tests
    netcat-openbsd        # people with netcat
    strace                # kills programs at a given system call
    iproute2              # networks of their own, for machines that vanish
    chromium              # browser tests
    nodejs                # browser tests
)

bench_packages=(
    ngircd                # a peer: IRC
    mosquitto             # a peer: MQTT
    nats-server           # a peer: NATS
)

main() {
    local wanted=("${run_packages[@]}")
    case ${1:-run} in
    run) ;;
    test) wanted+=("${test_packages[@]}") ;;
    bench) wanted+=("${bench_packages[@]}") ;;
    *)
        echo "usage: launcher/install.sh [run|test|bench]" >&2
        exit 2
        ;;
    esac
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        echo "This script installs Debian packages, and this system has no apt-get." >&2
        echo "Install these, or what your system calls them, then use cmake as in README.md:" >&2
        printf '  %s\n' "${wanted[@]}" >&2
        exit 1
    fi
    # node from another source brings npm along; Debian's doesn't.
    if [[ ${1:-run} == test ]] && ! command -v npm >/dev/null; then
        wanted+=(npm)
    fi
    local missing
    missing=$(missing_packages "${wanted[@]}")
    [[ -z $missing ]] && return
    install_packages $missing
}

missing_packages() {
    local package
    for package in "$@"; do
        if [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) != "install ok installed" ]]; then
            echo "$package"
        fi
    done
}

install_packages() {
    local as_root=()
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            echo "These packages are missing, and there is no sudo. As root, run:" >&2
            echo "  apt-get install $*" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    echo "install: $*"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

main "$@"
