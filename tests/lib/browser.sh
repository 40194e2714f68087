# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What a browser shows of /_seda/.  To be sourced after tap.sh; $browser is empty
# where there is none, or where SEDA_NO_BROWSER says so.
: "${tap_dir:?tests/lib/tap.sh comes first}"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
[ -z "${SEDA_NO_BROWSER-}" ] || browser=''

# A page with /_seda/ in a frame, loaded once, that keeps what the frame shows after
# 2.5 and after 4.5 s of the browser's time.
samples_page() {
	cat <<'END'
<!doctype html>
<iframe src="/_seda/"></iframe>
<div id="first"></div>
<div id="second"></div>
<script>
const sample = id => {
  const body = document.querySelector('iframe').contentDocument.body.cloneNode(true);
  body.querySelectorAll('script').forEach(s => s.remove());
  document.getElementById(id).innerHTML = body.innerHTML;
};
onload = () => {
  setTimeout(sample, 2500, 'first');
  setTimeout(sample, 4500, 'second');
};
</script>
END
}

# sample_browser URL DIRECTORY: $tap_dir/first and second are the page's two states,
# URL serving DIRECTORY.
sample_browser() {
	samples_page >"$2/samples.html"
	timeout $((60 * ${slow:-1})) "$browser" --headless --no-sandbox --disable-gpu \
		--disable-quic --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync \
		--user-data-dir="$tap_dir/chromium" --virtual-time-budget=6000 \
		--dump-dom "$1/samples.html" 2>/dev/null >"$tap_dir/dom"
	rm -r "$2/samples.html" "$tap_dir/chromium"
	sed -n '/<div id="first">/,/<div id="second">/p' "$tap_dir/dom" >"$tap_dir/first"
	sed -n '/<div id="second">/,$p' "$tap_dir/dom" >"$tap_dir/second"
}

# numbers_in FILE: the text of the tiles.
numbers_in() {
	grep -oE "class=.big.>[^<]*<|class=.note.>[^<]*<" "$1"
}

# check_browser URL BACKEND DIRECTORY: while somebody makes requests, the page that
# was loaded once is live.
check_browser() {
	local one two

	sample_browser "$1" "$3"
	one=$(numbers_in "$tap_dir/first")
	two=$(numbers_in "$tap_dir/second")
	check "$2: a browser is live" grep -q 'id="state"[^>]*>live<' "$tap_dir/first"
	check "$2: it is later, too" grep -q 'id="state"[^>]*>live<' "$tap_dir/second"
	check "$2: it shows the stages" grep -q 'id="stage-file"' "$tap_dir/first"
	check "$2: it shows the backend" grep -q ">$2<" "$tap_dir/first"
	check "$2: it shows requests" grep -qE '>[0-9.]+( [kM])? in all' <<<"$one"
	check "$2: the numbers change" test -n "$two" -a "$one" != "$two"
	{ head -n 4 <<<"$one"; head -n 4 <<<"$two"; } | sed 's/^/# /'
}
