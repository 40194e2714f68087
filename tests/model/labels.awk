# SPDX-License-Identifier: GPL-2.0
#
# "FUNCTION FILE LABEL" for each [label] in a comment of C or of a model, where
# functions begin in the first column, as "inline" or "#define" in a model.
FNR == 1 { name = "" }
/^(inline|#define) seda_[a-z_]*\(/ { name = $2; sub(/\(.*/, "", name) }
/^[a-z].*\(/ && !/^inline seda/ {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
}
{
	while (match($0, /\/\* \[[a-z-]+\]/)) {
		print name, FILENAME, substr($0, RSTART + 4, RLENGTH - 5)
		$0 = substr($0, RSTART + RLENGTH)
	}
}
