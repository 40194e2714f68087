// SPDX-License-Identifier: GPL-2.0
/* sedahttpd: preconditions, in the order of RFC 9110, section 13.2.2. */
#include "kselftest_harness.h"
#include "tools/sedahttpd/cond.h"

#define OLD	"Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME	"Sun, 06 Nov 1994 08:49:37 GMT"
#define LATER	"Sun, 06 Nov 1994 08:49:38 GMT"
#define NOW	1790000000

static const struct validators v = { "\"a,b\"", 784111777 };

static void set(struct request *req, enum field field, const char *value)
{
	if (value)
		req->field[field] = (struct str){ value, strlen(value) };
}

/* The verdict for up to four fields; NULL leaves one out. */
static int verdict(const char *match, const char *unmodified,
		   const char *none_match, const char *modified)
{
	struct request req = { .method = METHOD_GET };

	set(&req, FIELD_IF_MATCH, match);
	set(&req, FIELD_IF_UNMODIFIED_SINCE, unmodified);
	set(&req, FIELD_IF_NONE_MATCH, none_match);
	set(&req, FIELD_IF_MODIFIED_SINCE, modified);
	return cond_evaluate(&req, &v, NOW);
}

TEST(none)
{
	EXPECT_EQ(200, verdict(NULL, NULL, NULL, NULL));
}

TEST(if_none_match)
{
	EXPECT_EQ(304, verdict(NULL, NULL, "\"a,b\"", NULL));
	EXPECT_EQ(304, verdict(NULL, NULL, "*", NULL));
	EXPECT_EQ(304, verdict(NULL, NULL, "\"x\", \"a,b\"", NULL));
	EXPECT_EQ(304, verdict(NULL, NULL, "\"x\" ,, W/\"a,b\"", NULL));
	EXPECT_EQ(200, verdict(NULL, NULL, "\"a\"", NULL));
	EXPECT_EQ(200, verdict(NULL, NULL, "\"a\", \"b\"", NULL));
	EXPECT_EQ(200, verdict(NULL, NULL, "a,b", NULL));
	EXPECT_EQ(200, verdict(NULL, NULL, "", NULL));
	EXPECT_EQ(200, verdict(NULL, NULL, "\"", NULL));
	EXPECT_EQ(200, verdict(NULL, NULL, "W/", NULL));
}

TEST(if_modified_since)
{
	EXPECT_EQ(304, verdict(NULL, NULL, NULL, SAME));
	EXPECT_EQ(304, verdict(NULL, NULL, NULL, LATER));
	EXPECT_EQ(200, verdict(NULL, NULL, NULL, OLD));
	EXPECT_EQ(200, verdict(NULL, NULL, NULL, "yesterday"));
	/* It is ignored where there is If-None-Match. */
	EXPECT_EQ(200, verdict(NULL, NULL, "\"x\"", SAME));
	EXPECT_EQ(304, verdict(NULL, NULL, "\"a,b\"", OLD));
}

TEST(if_match)
{
	EXPECT_EQ(200, verdict("\"a,b\"", NULL, NULL, NULL));
	EXPECT_EQ(200, verdict("*", NULL, NULL, NULL));
	EXPECT_EQ(412, verdict("\"x\"", NULL, NULL, NULL));
	/* The comparison is strong. */
	EXPECT_EQ(412, verdict("W/\"a,b\"", NULL, NULL, NULL));
	/* It comes before the others. */
	EXPECT_EQ(412, verdict("\"x\"", NULL, "\"a,b\"", NULL));
	EXPECT_EQ(304, verdict("\"a,b\"", NULL, "\"a,b\"", NULL));
}

TEST(if_unmodified_since)
{
	EXPECT_EQ(200, verdict(NULL, SAME, NULL, NULL));
	EXPECT_EQ(412, verdict(NULL, OLD, NULL, NULL));
	EXPECT_EQ(200, verdict(NULL, "x", NULL, NULL));
	/* It is ignored where there is If-Match. */
	EXPECT_EQ(200, verdict("\"a,b\"", OLD, NULL, NULL));
}

static bool applies(const char *if_range, time_t now)
{
	struct request req = { .method = METHOD_GET };

	req.field[FIELD_IF_RANGE] = (struct str){ if_range, strlen(if_range) };
	return cond_range_applies(&req, &v, now);
}

TEST(if_range)
{
	struct request req = { .method = METHOD_GET };

	EXPECT_TRUE(cond_range_applies(&req, &v, NOW));
	EXPECT_TRUE(applies("\"a,b\"", NOW));
	EXPECT_FALSE(applies("W/\"a,b\"", NOW));
	EXPECT_FALSE(applies("\"x\"", NOW));
	EXPECT_TRUE(applies(SAME, NOW));
	/* An exact match, not an order. */
	EXPECT_FALSE(applies(LATER, NOW));
	EXPECT_FALSE(applies(OLD, NOW));
	EXPECT_FALSE(applies("x", NOW));
	/* A date of this second is a weak validator. */
	EXPECT_FALSE(applies(SAME, v.mtime));
}

TEST(tags_differ)
{
	struct stat st = { .st_ino = 1, .st_size = 2, .st_mtim = { 3, 4 } };
	struct validators a, b;

	validators_of(&st, &a);
	validators_of(&st, &b);
	EXPECT_STREQ(a.etag, b.etag);
	EXPECT_EQ('"', a.etag[0]);
	EXPECT_EQ('"', a.etag[strlen(a.etag) - 1]);
	st.st_mtim.tv_nsec++;
	validators_of(&st, &b);
	EXPECT_STRNE(a.etag, b.etag);
	st.st_mtim.tv_nsec--;
	st.st_size++;
	validators_of(&st, &b);
	EXPECT_STRNE(a.etag, b.etag);
	memset(&st, 0xff, sizeof(st));
	validators_of(&st, &b);
	EXPECT_EQ('"', b.etag[strlen(b.etag) - 1]);
}

TEST_HARNESS_MAIN
