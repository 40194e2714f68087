// SPDX-License-Identifier: GPL-2.0
/*
 * The Range field: what is to be sent lies within the file, is not more than the
 * file, and means the same when it is asked for by its numbers.
 *
 * The input: a line with the file's size, and the field's value.
 */
#include "fuzz.h"
#include "tools/sedahttpd/range.h"

static void check_ranges(const struct range *r, int n, uint64_t size)
{
	char again[RANGE_MAX * 48] = "Bytes=";
	struct range out[RANGE_MAX];
	uint64_t total = 0;
	int len = 6, i;

	REQUIRE(n <= RANGE_MAX);
	for (i = 0; i < n; i++) {
		REQUIRE(r[i].first <= r[i].last && r[i].last < size);
		REQUIRE(range_len(&r[i]) <= size - total);
		total += range_len(&r[i]);
		len += sprintf(again + len, "%s%llu-%llu", i ? " ,\t" : "",
			       (unsigned long long)r[i].first,
			       (unsigned long long)r[i].last);
	}
	REQUIRE(range_parse((struct str){ again, len }, size, out) == n);
	for (i = 0; i < n; i++)
		REQUIRE(out[i].first == r[i].first && out[i].last == r[i].last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size }, line = take_line(&in);
	struct str value = exact(in.p, in.n);
	struct range out[RANGE_MAX];
	uint64_t of = 0;
	size_t i;
	int n;

	for (i = 0; i < line.n; i++)
		of = of * 10 + (line.p[i] & 15);
	n = range_parse(value, of, out);
	REQUIRE(n >= 0 || n == -416);
	if (n > 0)
		check_ranges(out, n, of);
	drop(value);
	return 0;
}
