#!/bin/sh
# Writes complete.yaml, for those who have no Kustomize: `kubectl kustomize` does the work.
set -eu
here=$(dirname "$0")
{
  echo "# The complete example in one file; written by render.sh from example/ and component/, where the comments are."
  kubectl kustomize "$here/example"
} > "$here/complete.yaml"
