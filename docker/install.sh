#!/bin/sh
# Install Evenhand into a Python environment, with the versions of constraints.txt.
#
#   docker/install.sh PYTHON dependencies [EXTRA...]    the packages that Evenhand needs
#   docker/install.sh PYTHON code [OPTION...]           Evenhand itself, with options of pip
#
# The image and the Makefile both run it, in the folder of the checkout. In the image each call is
# a layer, so that a change of the code does not install the dependencies again.
set -eu

usage() {
  echo "install.sh: write: docker/install.sh PYTHON dependencies [EXTRA...]" >&2
  echo "            or:    docker/install.sh PYTHON code [OPTION...]" >&2
  exit 2
}

[ "$#" -ge 2 ] || usage
python=$1 part=$2
shift 2
[ -f constraints.txt ] || {
  echo "install.sh: no constraints.txt in $(pwd); run it in the folder of the checkout" >&2
  exit 2
}

pip_install() {
  "$python" -m pip install --quiet --disable-pip-version-check -c constraints.txt "$@"
}

case $part in
  dependencies)
    listed=$(mktemp)
    trap 'rm -f "$listed"' EXIT
    "$python" - "$@" >"$listed" <<'PYTHON'
import sys, tomllib

with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]
print(*project["dependencies"], sep="\n")
for extra in sys.argv[1:]:
    print(*project["optional-dependencies"][extra], sep="\n")
PYTHON
    pip_install -r "$listed"
    ;;
  code) pip_install --no-deps "$@" ;;
  *) usage ;;
esac
