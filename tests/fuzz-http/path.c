// SPDX-License-Identifier: GPL-2.0
/*
 * Targets: what is decoded is an absolute path without dot segments, empty
 * segments and NULs, is the same once more when it is encoded and decoded again,
 * and says nothing in HTML that it should not.  A NUL as it is has been refused
 * by head_scan().
 */
#include "fuzz.h"
#include "tools/sedahttpd/path.h"

static void check_segments(const char *path, int len)
{
	struct str rest = { path + 1, len - 1 }, name;
	const char *slash;

	REQUIRE(len >= 1 && len < PATH_SIZE && path[0] == '/');
	REQUIRE(strlen(path) == (size_t)len);
	while (rest.n) {
		slash = memchr(rest.p, '/', rest.n);
		name = rest;
		if (slash)
			name.n = slash - rest.p;
		REQUIRE(name.n);
		REQUIRE(!str_eq(name, STR(".")) && !str_eq(name, STR("..")));
		rest.p += name.n + !!slash;
		rest.n -= name.n + !!slash;
	}
}

static void check_again(const char *path, int len)
{
	static char encoded[3 * PATH_SIZE + 4], again[PATH_SIZE];
	struct str query;
	int n = path_encode((struct str){ path, len }, encoded, sizeof(encoded));
	int i;

	REQUIRE(n >= len && encoded[n] == '\0');
	for (i = 0; i < n; i++)
		REQUIRE(encoded[i] > ' ' && encoded[i] < 0x7f &&
			!strchr("?#\"<>\\", encoded[i]));
	REQUIRE(path_decode((struct str){ encoded, n }, again, &query) == len);
	REQUIRE(!memcmp(path, again, len) && !query.p);
}

/* Also of a buffer that is too small, nothing is written past its end. */
static void check_html(struct str s, size_t room)
{
	char *out = malloc(room + 1);
	int n, i;

	n = html_escape(s, out, room);
	for (i = 0; i < n; i++)
		REQUIRE(!strchr("<>\"'", out[i]) || !out[i]);
	free(out);
	out = malloc(room + 1);
	n = path_encode(s, out, room);
	REQUIRE(n < (int)room || !room);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = exact(data, size), query;
	static char path[PATH_SIZE];
	int len = 0;

	if (!size || !memchr(data, '\0', size)) {
		len = path_decode(in, path, &query);
		REQUIRE(len > 0 || len == -400 || len == -404 || len == -414);
	}
	if (len > 0) {
		check_segments(path, len);
		check_again(path, len);
	}
	check_html(in, 1 + size % 64);
	check_html(in, 6 * size + 8);
	drop(in);
	return 0;
}
