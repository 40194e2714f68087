// SPDX-License-Identifier: GPL-2.0
/*
 * sedahttpd: what a response will be.  Most of all, a Content-Length is exactly
 * the length of what is sent.
 */
#include "kselftest_harness.h"
#include "tools/sedahttpd/plan.h"

static const struct meta meta = {
	.size = 1000, .type = "text/plain", .validators = { "\"e\"", 1000 },
};

static struct plan plan;
static char text[8192];

static void make(enum method method, const char *range)
{
	struct request req = { .method = method };

	if (range)
		req.field[FIELD_RANGE] = (struct str){ range, strlen(range) };
	plan_make(&plan, &req, &meta, 0xabc, 2000);
}

static const char *head(void)
{
	struct head h = { .minor = 1, .keep_alive = true, .now = 2000 };
	struct out out = OUT_OF(text);

	head_put_plan(&out, &h, &plan, &meta);
	text[out.len] = '\0';
	return out.overflow ? "overflow" : text;
}

TEST(whole)
{
	make(METHOD_GET, NULL);
	EXPECT_EQ(200, plan.status);
	EXPECT_EQ(1, plan.parts);
	EXPECT_EQ(0, plan.part[0].first);
	EXPECT_EQ(999, plan.part[0].last);
	EXPECT_EQ(1000, plan.body);
	EXPECT_STREQ("HTTP/1.1 200 OK\r\nServer: seda\r\n"
		     "Date: Thu, 01 Jan 1970 00:33:20 GMT\r\n"
		     "ETag: \"e\"\r\n"
		     "Last-Modified: Thu, 01 Jan 1970 00:16:40 GMT\r\n"
		     "Accept-Ranges: bytes\r\nContent-Type: text/plain\r\n"
		     "Content-Length: 1000\r\n\r\n", head());
}

TEST(one_range)
{
	make(METHOD_GET, "bytes=10-19");
	EXPECT_EQ(206, plan.status);
	EXPECT_EQ(10, plan.body);
	EXPECT_FALSE(plan.multipart);
	EXPECT_NE(NULL, strstr(head(),
			       "Content-Range: bytes 10-19/1000\r\n"));
	EXPECT_NE(NULL, strstr(head(), "Content-Length: 10\r\n"));
}

TEST(several_ranges)
{
	uint64_t sum = 0;
	int i;

	make(METHOD_GET, "bytes=0-0,100-199,-5");
	EXPECT_EQ(206, plan.status);
	EXPECT_TRUE(plan.multipart);
	for (i = 0; i <= plan.parts; i++) {
		struct out out = OUT_OF(text);

		plan_put_part_head(&plan, &meta, i, &out);
		sum += out.len;
		if (i < plan.parts)
			sum += range_len(&plan.part[i]);
	}
	EXPECT_EQ(sum, plan.body);
	EXPECT_NE(NULL, strstr(head(), "Content-Type: multipart/byteranges; "
			       "boundary=seda-0000000000000abc\r\n"));
	EXPECT_EQ(NULL, strstr(head(), "Content-Range"));
}

TEST(unsatisfiable)
{
	make(METHOD_GET, "bytes=1000-");
	EXPECT_EQ(416, plan.status);
	EXPECT_EQ(0, plan.parts);
	EXPECT_NE(NULL, strstr(head(), "Content-Range: bytes */1000\r\n"));
}

TEST(head_has_no_range)
{
	make(METHOD_HEAD, "bytes=10-19");
	EXPECT_EQ(200, plan.status);
	EXPECT_EQ(1000, plan.body);
}

TEST(precondition_before_range)
{
	struct request req = { .method = METHOD_GET };

	req.field[FIELD_RANGE] = STR("bytes=0-1");
	req.field[FIELD_IF_NONE_MATCH] = STR("\"e\"");
	plan_make(&plan, &req, &meta, 0, 2000);
	EXPECT_EQ(304, plan.status);
	EXPECT_EQ(NULL, strstr(head(), "Content-Length"));
	EXPECT_NE(NULL, strstr(head(), "ETag: \"e\"\r\n"));

	req.field[FIELD_IF_NONE_MATCH].p = NULL;
	req.field[FIELD_IF_RANGE] = STR("\"other\"");
	plan_make(&plan, &req, &meta, 0, 2000);
	EXPECT_EQ(200, plan.status);
	EXPECT_EQ(1000, plan.body);
}

TEST(empty_file)
{
	struct meta empty = meta;
	struct request req = { .method = METHOD_GET };

	empty.size = 0;
	plan_make(&plan, &req, &empty, 0, 2000);
	EXPECT_EQ(200, plan.status);
	EXPECT_EQ(0, plan.body);
	EXPECT_EQ(0, range_len(&plan.part[0]));
}

TEST(endless)
{
	struct head h = { .minor = 1, .keep_alive = true, .chunked = true };
	struct meta fifo = { .endless = true, .type = "text/plain" };
	struct request req = { .method = METHOD_GET };
	struct out out = OUT_OF(text);

	req.field[FIELD_RANGE] = STR("bytes=0-1");
	plan_make(&plan, &req, &fifo, 0, 2000);
	EXPECT_EQ(200, plan.status);
	head_put_plan(&out, &h, &plan, &fifo);
	text[out.len] = '\0';
	EXPECT_NE(NULL, strstr(text, "Transfer-Encoding: chunked\r\n"));
	EXPECT_EQ(NULL, strstr(text, "Content-Length"));
	EXPECT_EQ(NULL, strstr(text, "ETag"));
}

TEST(persistence_is_told)
{
	struct head h = { .minor = 1, .keep_alive = false };
	struct out out = OUT_OF(text);

	head_put(&out, &h, 404, "X: y\r\n", "text/html", 3);
	text[out.len] = '\0';
	EXPECT_NE(NULL, strstr(text, "HTTP/1.1 404 Not Found\r\n"));
	EXPECT_NE(NULL, strstr(text, "Connection: close\r\n"));
	EXPECT_NE(NULL, strstr(text, "X: y\r\n"));
	h.minor = 0;
	h.keep_alive = true;
	out.len = 0;
	head_put(&out, &h, 200, "", "text/html", 3);
	text[out.len] = '\0';
	EXPECT_NE(NULL, strstr(text, "Connection: keep-alive\r\n"));
}

TEST(heads_fit)
{
	struct meta large = meta;

	large.size = UINT64_MAX;
	memset(large.validators.etag, 'e', ETAG_SIZE - 1);
	large.type = "application/vnd.oasis.opendocument.presentation";
	make(METHOD_GET, NULL);
	plan.status = 206;
	plan.body = UINT64_MAX;
	plan.part[0] = (struct range){ UINT64_MAX, UINT64_MAX };
	struct head h = { .keep_alive = true };
	struct out out = { text, 0, HEAD_SIZE, false };

	head_put_plan(&out, &h, &plan, &large);
	EXPECT_FALSE(out.overflow);
	plan.multipart = true;
	out = (struct out){ text, 0, PART_HEAD_SIZE, false };
	plan_put_part_head(&plan, &large, 0, &out);
	EXPECT_FALSE(out.overflow);
}

TEST_HARNESS_MAIN
