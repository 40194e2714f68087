# SPDX-License-Identifier: GPL-2.0
#
# "FUNCTION LABEL" for each comment that ends with a [label], in C or in a model,
# whose functions are "inline" or "#define"; each begins in the first column.
FNR == 1 { name = "" }
/^(inline|#define) seda_[a-z_]*\(/ {
	name = $2
	sub(/\(.*/, "", name)
}
/^[a-z].*\(/ && !/^inline / {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
}
{
	rest = $0
	while (match(rest, /\[[a-z]+(-[a-z]+)+\] \*\//)) {
		print name, substr(rest, RSTART + 1, RLENGTH - 5)
		rest = substr(rest, RSTART + RLENGTH)
	}
}
