# Sourced by the other scripts. `ensure_venv EXTRA[,EXTRA…]` leaves $python, the interpreter of the clone's .venv in which
# evocircuits is installed, editable, with those extras. It installs only when a stamp in .venv does not fit, and starts
# afresh where an installation was broken off.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=$root/.venv/bin/python

find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "evocircuits needs Python 3.11 or newer with its venv module, and found none on PATH" \
        "(Debian and Ubuntu: apt-get install python3-venv)" >&2
    return 1
}

# What an installation was made from: the clone's place, the interpreter, the requirements and the pins.
fingerprint() {
    "$python" - "$root" <<'PY'
import hashlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
files = [(root / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
print(hashlib.sha256(b"\0".join([str(root).encode(), sys.version.encode(), *files])).hexdigest())
PY
}

ensure_venv() {
    local extra=$1 base wanted
    local stamps=$root/.venv/evocircuits-installed unfinished=$root/.venv/evocircuits-unfinished
    if [[ -e $unfinished ]] || ! "$python" -m pip --version >/dev/null 2>&1; then
        base=$(find_python) || return 1
        echo "Making $root/.venv"
        "$base" -m venv --clear "$root/.venv" || return 1
    fi
    wanted=$(fingerprint) || return 1
    # The extra `dev` holds those of users, so its stamp serves for all.
    if [[ $wanted == "$(cat "$stamps-$extra" 2>/dev/null)" || $wanted == "$(cat "$stamps-dev" 2>/dev/null)" ]]; then
        return
    fi
    echo "Installing evocircuits[$extra] into $root/.venv (a few minutes the first time)"
    rm -f "$stamps"-*
    touch "$unfinished"
    "$python" -m pip install --quiet --quiet --disable-pip-version-check \
        --constraint "$root/constraints.txt" --editable "$root[$extra]" || return 1
    echo "$wanted" >"$stamps-$extra"
    rm "$unfinished"
}
