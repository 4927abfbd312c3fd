#!/bin/sh
# Makes a virtual environment with the first Python >= 3.11 that can: venv.sh DIRECTORY
set -eu
directory=$1
for python in ${PYTHON:-python3 /usr/bin/python3 python3.13 python3.12 python3.11}; do
    command -v "$python" >/dev/null 2>&1 || continue
    "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    echo "Creating $directory with $("$python" --version)"
    exec "$python" -m venv "$directory"
done
echo "Python 3.11 or newer with the venv module is needed (Debian: apt-get install python3-venv). Set PYTHON= to name one." >&2
exit 1
