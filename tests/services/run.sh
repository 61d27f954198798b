#!/bin/sh
# What needs a system package, another Python or a long run. `make test-services` calls this from the repository root.
# Ends within 45 minutes: every step has a limit of its own.
set -u
cd "$(dirname "$0")/../.." || exit 1

INSTALL_LIMIT_S=240
SUITE_LIMIT_S=600
SERVICES_LIMIT_S=1200

here=.venv/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
failed=""

say() { printf '== %s ==\n' "$*"; }
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# npm runs the platform's own validators.
if ! command -v npm >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing node"
        { apt-get update -q && apt-get install -q -y --no-install-recommends nodejs npm; } >"$work/apt.log" 2>&1 ||
            { tail -n 20 "$work/apt.log"; failed="$failed npm"; }
    elif [ "${CI:-}" = true ]; then
        say "npm is missing and cannot be installed here"
        failed="$failed npm"
    else
        say "npm is missing: install nodejs and npm to run the platform's own validators"
    fi
fi

if command -v npm >/dev/null 2>&1; then
    say "installing the platform's own validators"
    npm ci --prefix tests/validators --no-audit --no-fund --silent || failed="$failed validators"
fi

# Of each Python 3.11 to 3.14 one interpreter, other than the one that `make test` has used.
tried=" $(version_of $here) "
for python in python3.11 python3.12 python3.13 python3.14 "$HOME"/.pyenv/versions/*/bin/python; do
    command -v "$python" >/dev/null 2>&1 || continue
    version=$(version_of "$python") || { say "$python cannot run here: passed over"; continue; }
    case "$version" in 3.11 | 3.12 | 3.13 | 3.14) ;; *) continue ;; esac
    case "$tried" in *" $version "*) continue ;; esac
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        say "$python has no venv module: passed over"
        continue
    fi
    tried="$tried$version "
    say "Python $version: $("$python" -c 'import sys; print(sys.executable)')"
    venv="$work/$version"
    if "$python" -m venv "$venv" && timeout $INSTALL_LIMIT_S "$venv/bin/python" -m pip install -qq \
        --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.lock; then
        timeout $SUITE_LIMIT_S "$venv/bin/python" -m pytest -n auto -p no:cacheprovider -m "not services" ||
            failed="$failed python$version"
    else
        say "Python $version: requirements-dev.lock cannot be installed"
        failed="$failed python$version"
    fi
    rm -rf "$venv"
done
say "Pythons tried:$tried"

say "services"
timeout $SERVICES_LIMIT_S $here -m pytest -m services
status=$?
# 5: pytest found no test with the mark.
[ $status -eq 0 ] || failed="$failed services($status)"

[ -z "$failed" ] || { say "failed:$failed"; exit 1; }
