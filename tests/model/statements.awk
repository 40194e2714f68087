# SPDX-License-Identifier: GPL-2.0
#
# "LABEL<tab>STATEMENT" for each line of C whose comment ends with a [label]: the line
# itself without comments, or the next when there is nothing else on it.
function bare(line) {
	gsub(/\/\*[^*]*\*\//, "", line)
	gsub(/[ \t]+/, " ", line)
	gsub(/^ | $/, "", line)
	return line
}
FNR == 1 { split("", waiting) }
{
	for (label in waiting)
		print label "\t" bare($0)
	split("", waiting)
	rest = $0
	while (match(rest, /\[[a-z]+(-[a-z]+)+\] \*\//)) {
		label = substr(rest, RSTART + 1, RLENGTH - 5)
		if (bare($0) ~ /[;{(]|else/)
			print label "\t" bare($0)
		else
			waiting[label] = 1
		rest = substr(rest, RSTART + RLENGTH)
	}
}
