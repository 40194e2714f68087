# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What a browser shows of /_seda/.  To be sourced after tap.sh; $browser is empty
# where there is none, or where SEDA_NO_BROWSER says so.
: "${tap_dir:?tests/lib/tap.sh comes first}"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
[ -z "${SEDA_NO_BROWSER-}" ] || browser=''

# shown URL VIRTUAL-MS: the text of the tiles after that time; the whole page is
# then in $tap_dir/dom.VIRTUAL-MS.
shown() {
	timeout $((60 * ${slow:-1})) "$browser" --headless --no-sandbox --disable-gpu \
		--disable-quic --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync \
		--user-data-dir="$tap_dir/chromium.$2" --virtual-time-budget="$2" \
		--dump-dom "$1/_seda/" 2>/dev/null >"$tap_dir/dom.$2"
	grep -oE "class=.big.>[^<]*<|class=.note.>[^<]*<|id=.state.[^>]*>[^<]*<" \
		"$tap_dir/dom.$2"
}

# check_browser URL BACKEND: while somebody makes requests, the page is live.
check_browser() {
	shown "$1" 2500 >"$tap_dir/shown1"
	shown "$1" 4500 >"$tap_dir/shown2"
	check "$2: a browser is live" grep -q 'live<' "$tap_dir/shown1"
	check "$2: it shows the stages" grep -q "id=.stage-file." "$tap_dir/dom.2500"
	check "$2: it shows the backend" grep -q ">$2<" "$tap_dir/dom.2500"
	check "$2: it shows requests" grep -qE '>[0-9.]+( [kM])? in all' "$tap_dir/shown1"
	check "$2: the numbers change" \
		test "$(cat "$tap_dir/shown1")" != "$(cat "$tap_dir/shown2")"
	head -n 4 "$tap_dir/shown1" "$tap_dir/shown2" | sed 's/^/# /'
}
