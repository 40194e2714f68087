#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The examples on the device: echo.sh in a guest, with the backend seda.
# vm: --timeout 1800
set -u
SEDA_TOP=${SEDA_TOP:-$PWD}
read -ra vm <<<"${SEDA_VM:-tests/vm/run}"
exec "$SEDA_TOP/${vm[0]#"$SEDA_TOP/"}" "${vm[@]:1}" --timeout 1500 \
	--env SEDAK_BACKEND=seda --env SEDA_TOP="$SEDA_TOP" -- \
	"$SEDA_TOP/tests/e2e/echo.sh"
