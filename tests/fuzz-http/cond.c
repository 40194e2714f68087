// SPDX-License-Identifier: GPL-2.0
/*
 * Preconditions: whatever the fields say, the answer is one of three, the file's
 * own tag is recognised in any list of well-formed ones, and If-Range never
 * passes for another version.
 *
 * The input: a line for each of If-Match, If-None-Match, If-Modified-Since,
 * If-Unmodified-Since and If-Range; an empty one is a field that is absent.
 */
#include "fuzz.h"
#include "tools/sedahttpd/cond.h"
#include "tools/sedahttpd/httpdate.h"

#define NOW	1800000000

static const enum field fields[] = {
	FIELD_IF_MATCH, FIELD_IF_NONE_MATCH, FIELD_IF_MODIFIED_SINCE,
	FIELD_IF_UNMODIFIED_SINCE, FIELD_IF_RANGE,
};

/* The validators of 1994 are in the corpus; strange ones must do no harm. */
static void make_validators(struct validators *v, size_t seed)
{
	struct stat st = {
		.st_ino = seed % 2 ? 1 : ~(ino_t)0,
		.st_size = seed % 2 ? 2 : INT64_MAX,
		.st_mtim = { seed % 2 ? 784111777 : -1, seed % 2 ? 0 : 999999999 },
	};

	validators_of(&st, v);
	REQUIRE(strlen(v->etag) > 6 && strlen(v->etag) < ETAG_SIZE);
}

/* Only quotes make tags; with an even number the list ends outside of one. */
static bool well_formed(struct str list)
{
	size_t i, quotes = 0;

	for (i = 0; i < list.n; i++) {
		quotes += list.p[i] == '"';
		if (!(quotes % 2) && list.p[i] != '"' &&
		    !str_is_space(list.p[i]) && list.p[i] != ',')
			return false;
	}
	return !(quotes % 2);
}

/*
 * Our tag after any well-formed list is found.  Weak it stands for what one has,
 * but not for what one may change, unless the list has it strong as well.
 */
static void check_list(struct str list, const struct validators *v, bool weak)
{
	struct request req = { 0 };
	bool strong = list.n && memmem(list.p, list.n, v->etag, strlen(v->etag));
	int may = weak && !strong ? 412 : 200;
	char *text = malloc(list.n + ETAG_SIZE + 4);
	struct str all = { text, list.n };

	if (list.n)
		memcpy(text, list.p, list.n);
	all.n += sprintf(text + list.n, ", %s%s", weak ? "W/" : "", v->etag);
	req.field[FIELD_IF_NONE_MATCH] = all;
	REQUIRE(cond_evaluate(&req, v, NOW) == 304);
	req.field[FIELD_IF_MATCH] = all;
	req.field[FIELD_IF_NONE_MATCH].p = NULL;
	REQUIRE(cond_evaluate(&req, v, NOW) == may);
	free(text);
}

static void check_range(const struct request *req, const struct validators *v)
{
	struct str value = req->field[FIELD_IF_RANGE];

	if (!value.p || !cond_range_applies(req, v, NOW))
		return;
	REQUIRE(str_eq(value, (struct str){ v->etag, strlen(v->etag) }) ||
		httpdate_parse(value, NOW) == v->mtime);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size }, line;
	struct request req = { 0 };
	struct validators v;
	unsigned int i;
	int status;

	make_validators(&v, size);
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		line = take_line(&in);
		if (line.n)
			req.field[fields[i]] = exact(line.p, line.n);
	}
	status = cond_evaluate(&req, &v, NOW);
	REQUIRE(status == 200 || status == 304 || status == 412);
	if (!req.field[FIELD_IF_MATCH].p && !req.field[FIELD_IF_UNMODIFIED_SINCE].p)
		REQUIRE(status != 412);
	if (well_formed(req.field[FIELD_IF_MATCH]))
		check_list(req.field[FIELD_IF_MATCH], &v, size % 3);
	check_range(&req, &v);
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		drop(req.field[fields[i]]);
	return 0;
}
