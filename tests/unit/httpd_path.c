// SPDX-License-Identifier: GPL-2.0
/* sedahttpd: targets become paths that never leave the root. */
#include "kselftest_harness.h"
#include "tools/sedahttpd/path.h"

static char out[PATH_SIZE];
static struct str query;

static int decode(const char *target)
{
	out[0] = '\0';
	return path_decode((struct str){ target, strlen(target) }, out, &query);
}

TEST(decoding)
{
	static const struct {
		const char *target, *path;
	} cases[] = {
		{ "/", "/" },
		{ "/a", "/a" },
		{ "/a/", "/a/" },
		{ "/a/b.txt", "/a/b.txt" },
		{ "/a%20b", "/a b" },
		{ "/%61%62", "/ab" },
		{ "/%c3%a4", "/\xc3\xa4" },
		{ "/a+b", "/a+b" },
		{ "//a///b//", "/a/b/" },
		{ "/a/./b", "/a/b" },
		{ "/a/.", "/a/" },
		{ "/./", "/" },
		{ "/a/../b", "/b" },
		{ "/a/..", "/" },
		{ "/a/b/..", "/a/" },
		{ "/a/b/../../c", "/c" },
		{ "/a/%2e%2e/b", "/b" },
		{ "/a/%2E./b", "/b" },
		{ "/...", "/..." },
		{ "/..a/.b/c..", "/..a/.b/c.." },
		{ "/a%252e", "/a%2e" },
		{ "/a%3fb", "/a?b" },
		{ "/%0a", "/\n" },
		{ "/a\\..\\b", "/a\\..\\b" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(strlen(cases[i].path), decode(cases[i].target)) {
			TH_LOG("%s", cases[i].target);
		}
		EXPECT_STREQ(cases[i].path, out);
	}
}

TEST(escapes_from_the_root)
{
	static const char * const bad[] = {
		"/..", "/../", "/../etc/passwd", "/a/../..", "/a/../../b",
		"/%2e%2e/", "/%2e%2e", "/.%2e/x", "/%2e./x", "//../x",
		"/a/%2e%2e/%2e%2e/b", "/./../x", "/a//../../x",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-400, decode(bad[i])) {
			TH_LOG("%s gave %s", bad[i], out);
		}
}

TEST(malformed)
{
	EXPECT_EQ(-400, decode(""));
	EXPECT_EQ(-400, decode("a"));
	EXPECT_EQ(-400, decode("?"));
	EXPECT_EQ(-400, decode("/%"));
	EXPECT_EQ(-400, decode("/%2"));
	EXPECT_EQ(-400, decode("/%g0"));
	EXPECT_EQ(-400, decode("/%0g"));
	EXPECT_EQ(-400, decode("/a%00"));
	EXPECT_EQ(-400, decode("/a%00.html"));
	EXPECT_EQ(-404, decode("/a%2fb"));
	EXPECT_EQ(-404, decode("/..%2f..%2fetc/passwd"));
}

TEST(queries)
{
	ASSERT_EQ(2, decode("/a?b=c?d/../e"));
	EXPECT_STREQ("/a", out);
	EXPECT_TRUE(str_eq(query, STR("b=c?d/../e")));
	ASSERT_EQ(2, decode("/a?"));
	EXPECT_NE(NULL, query.p);
	EXPECT_EQ(0, query.n);
	ASSERT_EQ(2, decode("/a"));
	EXPECT_EQ(NULL, query.p);
	/* What follows the mark is not decoded. */
	ASSERT_EQ(1, decode("/?%00%"));
}

TEST(length)
{
	static char target[3 * PATH_SIZE];

	memset(target, 'a', sizeof(target) - 1);
	target[0] = '/';
	target[PATH_SIZE - 2] = '\0';
	EXPECT_EQ(PATH_SIZE - 2, decode(target));
	target[PATH_SIZE - 2] = 'a';
	EXPECT_EQ(-414, decode(target));
	memset(target, '/', sizeof(target) - 1);
	EXPECT_EQ(1, decode(target));
}

TEST(encoding)
{
	char text[64];

	EXPECT_EQ(22, path_encode(STR("/a b%\n\"?#c"), text, sizeof(text)));
	EXPECT_STREQ("/a%20b%25%0A%22%3F%23c", text);
	EXPECT_EQ(-414, path_encode(STR("/aaaa"), text, 5));
}

TEST(round_trip)
{
	char path[512], target[2048];
	int i, n = 0;

	path[n++] = '/';
	for (i = 1; i < 256; i++)
		if (i != '/')
			path[n++] = i;
	ASSERT_LT(0, path_encode((struct str){ path, n }, target,
				 sizeof(target)));
	ASSERT_EQ(n, decode(target));
	EXPECT_EQ(0, memcmp(path, out, n));
}

TEST(html)
{
	char text[64];

	EXPECT_EQ(27, html_escape(STR("a<b>&\"'c"), text, sizeof(text)));
	EXPECT_STREQ("a&lt;b&gt;&amp;&quot;&#39;c", text);
	EXPECT_EQ(-1, html_escape(STR("<<<<"), text, 8));
}

TEST_HARNESS_MAIN
