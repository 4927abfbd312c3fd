#!/bin/bash
# Installs the Debian packages that a target needs, or lists what is missing: debian.sh run|test
# Fast when all is there. Never starts a service: redis, PostgreSQL and coturn are installed for their
# programs only, and the tests start their own on free ports.
set -euo pipefail

# package:program (the program is what is looked for, so other distributions pass when they have it)
RUN=(gettext:msgfmt python3-venv:)
TEST=(chromium:chromium firefox-esr:firefox-esr coturn:turnserver redis-server:redis-server postgresql:
    espeak-ng:espeak-ng ffmpeg:ffmpeg iproute2:ip nftables:nft iperf3:iperf3 fonts-dejavu-core: git:git)

PATH="$PATH:/usr/sbin:/sbin:/usr/local/sbin"

is_there() {
    case $1 in
    python3-venv:)
        [ -x .venv/bin/python ] && return 0
        local python
        for python in ${PYTHON:-python3 /usr/bin/python3}; do
            "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
        done
        return 1 ;;
    postgresql:) command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ;;
    fonts-dejavu-core:) [ -n "$(find /usr/share/fonts -name 'DejaVuSans.ttf' -print -quit 2>/dev/null)" ] ;;
    *) command -v "${1#*:}" >/dev/null ;;
    esac
}

missing() {
    local entry
    for entry in "$@"; do is_there "$entry" || echo "${entry%%:*}"; done
}

explain() {
    {
        echo
        echo "Missing: $*"
        echo "They could not be installed for you ($why). On Debian 12 or newer, as root:"
        echo "    apt-get update && apt-get install --no-install-recommends $*"
        echo "Then run make again."
    } >&2
    exit 1
}

case ${1:-} in
run) wanted=("${RUN[@]}") ;;
test) wanted=("${RUN[@]}" "${TEST[@]}") ;;
*) echo "usage: debian.sh run|test" >&2; exit 2 ;;
esac

mapfile -t packages < <(missing "${wanted[@]}")
[ ${#packages[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    why="this is no Debian system" explain "${packages[@]}"
elif [ "$(id -u)" = 0 ]; then
    as_root=()
elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    why="neither root nor sudo without a password" explain "${packages[@]}"
fi

echo "Installing Debian packages: ${packages[*]}"
# 101 from policy-rc.d: "do not start it now". An administrator's own file is left alone.
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee /usr/sbin/policy-rc.d >/dev/null
    "${as_root[@]}" chmod 755 /usr/sbin/policy-rc.d
    trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
fi
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends
    -o DPkg::Lock::Timeout=300 "${packages[@]}")
log=$(mktemp)
if ! "${install[@]}" >"$log" 2>&1; then
    # A new machine has no package lists, an old one stale ones.
    "${as_root[@]}" apt-get update --quiet=2 -o DPkg::Lock::Timeout=300 >>"$log" 2>&1 || true
    if ! "${install[@]}" >>"$log" 2>&1; then
        tail -n 20 "$log" >&2
        why="apt-get failed, see above; all of it is in $log" explain "${packages[@]}"
    fi
fi
rm -f "$log"
mapfile -t packages < <(missing "${wanted[@]}")
[ ${#packages[@]} -eq 0 ] || { why="apt-get said yes, but they are still not found" explain "${packages[@]}"; }
