#!/usr/bin/env bash
# Makes what only the tests need, under build/tools: a Python environment, FerretDB (where Go is), and the node
# packages of tests/web (a browser) and tests/integration (a model server). Each is made again only when its list of
# versions has changed.
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

node_packages() { # folder of tests
    local name=$1 folder=tests/$1
    local lists=("$folder/package.json" "$folder/package-lock.json")
    if up_to_date "$name" "${lists[@]}" && [[ -d $folder/node_modules ]]; then
        return
    fi
    echo "tools: node packages of $folder"
    (cd "$folder" && npm ci --silent --no-audit --no-fund) && made "$name" "${lists[@]}"
}

python_environment
ferretdb
node_packages web
node_packages integration ||
    echo "tools: npm could not install the model server: the bot's test with it will be skipped" >&2
