#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: /_seda/ shows the stages live in a browser, and the JSON is the same.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"
# shellcheck source=tests/lib/browser.sh
. "$SEDA_TOP/tests/lib/browser.sh"

echo home >"$root/index.html"
# A file this new is not cached: the next change might not show in its time.
touch -d "1 minute ago" "$root/index.html"
start_server

curl -s "$url/_seda/stats.json" >"$tap_dir/1"
for i in 1 2 3; do
	get / >/dev/null
done
get /none >/dev/null
curl -s "$url/_seda/stats.json" >"$tap_dir/2"
numbers() {
	python3 - "$tap_dir/1" "$tap_dir/2" "$backend" <<-'END'
		import json
		import sys
		one, two = (json.load(open(name)) for name in sys.argv[1:3])
		assert two["backend"] == sys.argv[3]
		assert two["requests"]["total"] - one["requests"]["total"] == 5, two["requests"]
		assert two["requests"]["4xx"] - one["requests"]["4xx"] == 1
		assert two["cache"]["hits"] >= 2 and two["cache"]["misses"] >= 2
		assert two["uptime_ns"] > one["uptime_ns"]
		stages = {stage["name"]: stage for stage in two["stages"]}
		assert {"accept", "parse", "cache", "file", "send"} <= set(stages), list(stages)
		assert stages["cache"]["delivered"] >= 5
		assert stages["file"]["pool"] == "file"
		assert sum(stages["parse"]["service_log2_ns"]) == stages["parse"]["batches"]
		assert {pool["name"]: pool for pool in two["pools"]}["file"]["workers"] == 4
		assert (two["kernel_delivered"] > 0) == (two["backend"] == "seda")
	END
}
check "the JSON has the numbers" numbers
is "its type" "$(curl -sI "$url/_seda/stats.json" | sed -n 's/^Content-Type: \(.*\)\r/\1/p')" \
	application/json
check "it is not cached" grep -q $'^Cache-Control: no-store\r' <(curl -sI "$url/_seda/stats.json")
is "the page without its slash" "$(get /_seda)" 301
is "no other pages" "$(get /_seda/x)" 404
check "the page refers to nothing outside" \
	test -z "$(curl -s "$url/_seda/" | grep -oE '(src|href)=.?https?:')"

# Chromium: the numbers it shows change.
if [ -n "$browser" ]; then
	wrk -t 1 -c 8 -d 30 "$url/" >/dev/null 2>&1 &
	load=$!
	check_browser "$url" "$backend" "$root"
	kill $load
else
	skip "no browser here"
fi
stop_server
finish
