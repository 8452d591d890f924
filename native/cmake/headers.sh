#!/bin/sh
# Fetch the ONNX Runtime headers from Debian 13 into a folder, on a Debian whose own release has none.
#
#   headers.sh FOLDER      prints the include folder on success
#
# Nothing is installed and the system's apt stays as it is: a copy of the machine's own Debian sources, with the
# suite replaced, feeds an apt that keeps its lists and its cache in FOLDER. apt checks the archive's signature.
set -eu

folder=${1:?usage: headers.sh FOLDER}
suite=trixie
. /etc/os-release
codename=${VERSION_CODENAME:?this is not a Debian release with a code name}
command -v apt-get >/dev/null && command -v dpkg >/dev/null

mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
folder=$(cd "$folder" && pwd)

# The first source of this machine that offers the suite's "main", in either of apt's two notations.
sources=
for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -r "$file" ] || continue
    case $file in
    *.sources)
        sources=$folder/debian.sources
        awk -v RS= -v code="$codename" -v suite="$suite" '
            $0 ~ "(^|\n)Suites:[^\n]*[ \t]" code "([ \t\n]|$)" && /(^|\n)Components:[^\n]* main/ {
                sub(/Suites:[^\n]*/, "Suites: " suite)
                print
                exit
            }' "$file" >"$sources"
        ;;
    *)
        sources=$folder/debian.list
        sed -n "/^deb[[:space:]].*[[:space:]]$codename[[:space:]].*main/{s/[[:space:]]$codename[[:space:]]/ $suite /p;q}" \
            "$file" >"$sources"
        ;;
    esac
    [ -s "$sources" ] && break
done
[ -s "${sources:-/dev/null}" ] || {
    echo "no apt source for $codename main found under /etc/apt" >&2
    exit 1
}

apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$sources" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::Lists="$folder/lists" -o Dir::Cache="$folder/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none "$@"
}
cd "$folder"
apt update >&2
apt download libonnxruntime-dev >&2
for package in libonnxruntime-dev_*.deb; do
    dpkg -x "$package" "$folder/root"
done
header=$(find "$folder/root" -name onnxruntime_cxx_api.h | head -n 1)
[ -n "$header" ]
dirname "$header"
