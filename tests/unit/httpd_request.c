// SPDX-License-Identifier: GPL-2.0
/*
 * sedahttpd: request heads.  What a correct client sends is understood, also in
 * pieces; whatever two servers could read differently is refused.
 */
#include "kselftest_harness.h"
#include "tools/sedahttpd/request.h"

/* Scans and parses @text at once.  The status, or 0. */
static int parse(const char *text, struct request *req)
{
	struct head_scan scan = { 0 };
	long len = head_scan(&scan, text, strlen(text), 16384);

	if (len < 0)
		return len;
	if (!len)
		return -1;
	return request_parse(req, &scan, text, len);
}

static int status_of(const char *text)
{
	struct request req;

	return parse(text, &req);
}

TEST(plain_get)
{
	struct request req;

	ASSERT_EQ(0, parse("GET /a?b HTTP/1.1\r\nHost: x\r\n"
			   "Range:  bytes=0-1 \r\n\r\n", &req));
	EXPECT_EQ(METHOD_GET, req.method);
	EXPECT_EQ(1, req.minor);
	EXPECT_TRUE(req.keep_alive);
	EXPECT_TRUE(str_eq(req.target, STR("/a?b")));
	EXPECT_TRUE(str_eq(req.line, STR("GET /a?b HTTP/1.1")));
	EXPECT_TRUE(str_eq(req.field[FIELD_RANGE], STR("bytes=0-1")));
	EXPECT_EQ(NULL, req.field[FIELD_REFERER].p);
	EXPECT_EQ(0, req.body);
}

TEST(methods)
{
	struct request req;

	ASSERT_EQ(0, parse("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", &req));
	EXPECT_EQ(METHOD_HEAD, req.method);
	ASSERT_EQ(0, parse("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", &req));
	EXPECT_EQ(METHOD_OPTIONS, req.method);
	ASSERT_EQ(0, parse("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", &req));
	EXPECT_EQ(METHOD_OTHER, req.method);
	ASSERT_EQ(0, parse("CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", &req));
	EXPECT_EQ(METHOD_OTHER, req.method);
	EXPECT_FALSE(req.keep_alive);
	EXPECT_EQ(-501, status_of("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-501, status_of("get / HTTP/1.1\r\nHost: x\r\n\r\n"));
}

TEST(persistence)
{
	static const struct {
		const char *head;
		bool keep;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		  false },
		{ "GET / HTTP/1.1\r\nHost: x\r\nConnection: a, Close\r\n\r\n",
		  false },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
	};
	struct request req;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, parse(cases[i].head, &req));
		EXPECT_EQ(cases[i].keep, req.keep_alive);
	}
}

TEST(versions)
{
	struct request req;

	EXPECT_EQ(-505, status_of("GET / HTTP/2.0\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-505, status_of("PRI * HTTP/2.0\r\n\r\n"));
	EXPECT_EQ(-505, status_of("GET / HTTP/0.9\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET / HTTP/1.10\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET / http/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET / HTTP/1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET /\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET\r\n\r\n"));
	ASSERT_EQ(0, parse("GET / HTTP/1.0\r\n\r\n", &req));
	EXPECT_EQ(0, req.minor);
}

TEST(host)
{
	EXPECT_EQ(-400, status_of("GET / HTTP/1.1\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n"
				  "\r\n"));
	EXPECT_EQ(-400, status_of("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET / HTTP/1.1\r\nHost: a#b\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET / HTTP/1.1\r\nHost: a|b\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"));
	EXPECT_EQ(0, status_of("GET / HTTP/1.1\r\nHost: a_b-c.%7e~d:80\r\n\r\n"));
	EXPECT_EQ(0, status_of("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"));
	EXPECT_EQ(0, status_of("GET / HTTP/1.1\r\nHost:\r\n\r\n"));
}

TEST(absolute_targets)
{
	struct request req;

	ASSERT_EQ(0, parse("GET http://h:1/p/q?r HTTP/1.1\r\nHost: x\r\n\r\n",
			   &req));
	EXPECT_TRUE(str_eq(req.target, STR("/p/q?r")));
	ASSERT_EQ(0, parse("GET HTTP://h HTTP/1.1\r\nHost: x\r\n\r\n", &req));
	EXPECT_TRUE(str_eq(req.target, STR("/")));
	EXPECT_EQ(-400, status_of("GET http:///p HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET http:// HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET http://u@h/ HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET http://h\\/ HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET ftp://h/ HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET p HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET * HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET /#f HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"));
	EXPECT_EQ(-400, status_of("GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n"));
}

#define BODY(fields)	"GET / HTTP/1.1\r\nHost: x\r\n" fields "\r\n\r\n"

TEST(bodies)
{
	struct request req;

	ASSERT_EQ(0, parse(BODY("Content-Length: 42"), &req));
	EXPECT_EQ(42, req.body);
	EXPECT_TRUE(req.keep_alive);
	ASSERT_EQ(0, parse(BODY("Transfer-Encoding: Chunked"), &req));
	EXPECT_TRUE(req.chunked);
	/* Where it ends is found by closing only. */
	EXPECT_FALSE(req.keep_alive);
	ASSERT_EQ(0, parse(BODY("Content-Length: 1\r\n"
				"Expect: 100-Continue"), &req));
	EXPECT_TRUE(req.expect_continue);
	ASSERT_EQ(0, parse(BODY("Expect: 100-continue"), &req));
	EXPECT_FALSE(req.expect_continue);
	EXPECT_EQ(-417, status_of(BODY("Expect: 200-ok")));
}

TEST(smuggling)
{
	static const char * const bad[] = {
		BODY("Content-Length: 1\r\nTransfer-Encoding: chunked"),
		BODY("Transfer-Encoding: chunked\r\nContent-Length: 1"),
		BODY("Content-Length: 1\r\nContent-Length: 2"),
		BODY("Content-Length: 1\r\nContent-Length: 1"),
		BODY("Content-Length: 1, 1"),
		BODY("Content-Length: +1"),
		BODY("Content-Length: -1"),
		BODY("Content-Length: 0x1"),
		BODY("Content-Length: 1 2"),
		BODY("Content-Length:"),
		BODY("Content-Length: 99999999999999999999999"),
		BODY("Content-Length : 1"),
		BODY("Content-Length\t: 1"),
		BODY("Transfer-Encoding: chunked\r\n"
		     "Transfer-Encoding: chunked"),
		/* RFC 9112, 6.3: where chunked is not the last, there is no end */
		BODY("Transfer-Encoding: xchunked"),
		BODY("Transfer-Encoding: identity"),
		BODY("Transfer-Encoding: chunked, gzip"),
		BODY("Transfer-Encoding: chunked;q=1"),
		BODY("Transfer-Encoding: \"chunked\""),
		BODY("Transfer-Encoding:"),
		BODY("A: b\r\n folded"),
		BODY("A: b\r\n\tfolded"),
		BODY("A: b\rC: d"),
		BODY("A: b\nC: d"),
		BODY("A: b\x01"),
		BODY("A: b\x7f"),
		BODY("A"),
		BODY(": b"),
		BODY("A b: c"),
		BODY("\xc3\xa4: c"),
		BODY("Range: bytes=0-1\r\nRange: bytes=2-3"),
		"GET / HTTP/1.1\nHost: x\n\n",
		"GET / HTTP/1.1\r\nHost: x\n\r\n",
		"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
		"GET / HTTP/1.1\rHost: x\r\n\r\n",
		"\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
		" GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
		"G\x01T / HTTP/1.1\r\nHost: x\r\n\r\n",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-400, status_of(bad[i])) {
			TH_LOG("case %u: %s", i, bad[i]);
		}
	EXPECT_EQ(-501, status_of(BODY("Transfer-Encoding: gzip, chunked")));
	EXPECT_EQ(-501, status_of(BODY("Transfer-Encoding: x, chunked ,")));
	EXPECT_EQ(-501, status_of(BODY("Transfer-Encoding: chunked, chunked")));
	EXPECT_EQ(-400, status_of("GET / HTTP/1.0\r\n"
				  "Transfer-Encoding: chunked\r\n\r\n"));
}

TEST(null_bytes)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
	struct head_scan scan = { 0 };

	EXPECT_EQ(-400, head_scan(&scan, text, sizeof(text) - 1, 16384));
}

TEST(any_pieces_give_the_same)
{
	static const char text[] =
		"\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\nGET /next";
	struct head_scan whole = { 0 };
	long len = head_scan(&whole, text, sizeof(text) - 1, 16384);
	struct request req;
	size_t first, second;

	ASSERT_EQ(strlen(text) - strlen("GET /next"), len);
	for (first = 0; first < (size_t)len; first++)
		for (second = first; second < (size_t)len; second++) {
			struct head_scan scan = { 0 };

			ASSERT_EQ(0, head_scan(&scan, text, first, 16384));
			ASSERT_EQ(0, head_scan(&scan, text, second, 16384));
			ASSERT_EQ(len, head_scan(&scan, text,
						 sizeof(text) - 1, 16384));
			ASSERT_EQ(0, request_parse(&req, &scan, text, len));
			ASSERT_TRUE(str_eq(req.target, STR("/x")));
		}
}

TEST(early_refusal)
{
	struct head_scan scan = { 0 };

	/* A TLS client waits for an answer and sends no newline. */
	EXPECT_EQ(-400, head_scan(&scan, "\x16\x03\x01", 3, 16384));
	/* The same, whether or not more came at once than a head may have. */
	memset(&scan, 0, sizeof(scan));
	EXPECT_EQ(-400, head_scan(&scan, "\x16\x03\x01", 3, 2));
}

TEST(limits)
{
	struct head_scan scan = { 0 };
	char text[8192];
	int n, i;

	memset(text, 'a', sizeof(text));
	memcpy(text, "GET /", 5);
	EXPECT_EQ(0, head_scan(&scan, text, 255, 256));
	EXPECT_EQ(-414, head_scan(&scan, text, 256, 256));

	memset(&scan, 0, sizeof(scan));
	n = sprintf(text, "GET / HTTP/1.1\r\nHost: x\r\nA: ");
	memset(text + n, 'a', sizeof(text) - n);
	EXPECT_EQ(0, head_scan(&scan, text, 255, 256));
	EXPECT_EQ(-431, head_scan(&scan, text, 256, 256));

	/* A head of exactly the limit passes. */
	memset(&scan, 0, sizeof(scan));
	memcpy(text + 252, "\r\n\r\n", 4);
	EXPECT_EQ(256, head_scan(&scan, text, 256, 256));
	memset(&scan, 0, sizeof(scan));
	EXPECT_EQ(-431, head_scan(&scan, text, 256, 255));

	memset(&scan, 0, sizeof(scan));
	n = sprintf(text, "GET / HTTP/1.1\r\nHost: x\r\n");
	for (i = 1; i < REQUEST_FIELDS_MAX; i++)
		n += sprintf(text + n, "A: b\r\n");
	strcpy(text + n, "\r\n");
	EXPECT_EQ(n + 2, head_scan(&scan, text, n + 2, 16384));
	memset(&scan, 0, sizeof(scan));
	strcpy(text + n, "A: b\r\n\r\n");
	EXPECT_EQ(-431, head_scan(&scan, text, n + 8, 16384));
}

/* Random changes to a good head never crash, and never pass as another length. */
TEST(mutations)
{
	static const char good[] =
		"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
	unsigned int seed = 1, i, j;
	struct request req;
	char text[sizeof(good)];

	for (i = 0; i < 200000; i++) {
		struct head_scan scan = { 0 };
		long len;

		memcpy(text, good, sizeof(good));
		for (j = 0; j <= i % 3; j++) {
			seed = seed * 1664525 + 1013904223;
			text[(seed >> 8) % (sizeof(good) - 1)] = seed >> 24;
		}
		len = head_scan(&scan, text, sizeof(good) - 1, 16384);
		ASSERT_LE(len, (long)sizeof(good) - 1);
		if (len > 0 && !request_parse(&req, &scan, text, len))
			ASSERT_LE(req.target.p + req.target.n, text + len);
	}
}

TEST_HARNESS_MAIN
