#!/usr/bin/env bash
# Makes what only the tests need, under build/tools: a Python environment, FerretDB (where Go is), and the node
# packages of tests/web. Each is made again only when its list of versions has changed.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/build/tools
mkdir -p "$tools"

# up_to_date NAME FILE…: was NAME made from these very files?
up_to_date() {
    local name=$1
    shift
    [[ -f $tools/$name.made && $(cat "$tools/$name.made") == "$(cat "$@" | sha256sum)" ]]
}

made() {
    local name=$1
    shift
    cat "$@" | sha256sum >"$tools/$name.made"
}

python_environment() {
    local list=tests/integration/requirements.txt
    if up_to_date venv "$list" && [[ -x $tools/venv/bin/pytest ]]; then
        return
    fi
    echo "tools: Python environment for the integration tests"
    rm -rf "$tools/venv" "$tools/venv.made"
    /usr/bin/python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check -r "$list"
    made venv "$list"
}

ferretdb() {
    local sources=(tests/ferretdb/go.mod tests/ferretdb/go.sum tests/ferretdb/main.go)
    if up_to_date ferretdb "${sources[@]}" && [[ -x $tools/ferretdb ]]; then
        return
    fi
    if command -v mongod >/dev/null; then
        echo "tools: mongod is installed, so the MongoDB tests run on it"
        return
    fi
    if ! command -v go >/dev/null; then
        echo "tools: no mongod and no go: the MongoDB tests will be skipped"
        return
    fi
    echo "tools: FerretDB, a server of MongoDB's protocol (takes a minute)"
    rm -f "$tools/ferretdb" "$tools/ferretdb.made"
    if (cd tests/ferretdb && go build -trimpath -o "$tools/ferretdb" .); then
        made ferretdb "${sources[@]}"
    else
        echo "tools: $(go version) could not build FerretDB: the MongoDB tests will be skipped" >&2
    fi
}

node_packages() {
    local folder=tests/web
    [[ -f $folder/package.json ]] || return 0
    local lists=("$folder/package.json")
    [[ -f $folder/package-lock.json ]] && lists+=("$folder/package-lock.json")
    if up_to_date web "${lists[@]}" && [[ -d $folder/node_modules ]]; then
        return
    fi
    echo "tools: node packages for the browser tests"
    if [[ -f $folder/package-lock.json ]]; then
        (cd "$folder" && npm ci --silent --no-audit --no-fund)
    else
        (cd "$folder" && npm install --silent --no-audit --no-fund --no-package-lock)
    fi
    made web "${lists[@]}"
}

python_environment
ferretdb
node_packages
