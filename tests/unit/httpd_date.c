// SPDX-License-Identifier: GPL-2.0
/* sedahttpd: dates, written in one form and read in three. */
#include "kselftest_harness.h"
#include "tools/sedahttpd/httpdate.h"

#define NOW	1790000000	/* in September 2026 */

static time_t parse(const char *text)
{
	return httpdate_parse((struct str){ text, strlen(text) }, NOW);
}

TEST(three_forms)
{
	EXPECT_EQ(784111777, parse("Sun, 06 Nov 1994 08:49:37 GMT"));
	EXPECT_EQ(784111777, parse("Sunday, 06-Nov-94 08:49:37 GMT"));
	EXPECT_EQ(784111777, parse("Sun Nov  6 08:49:37 1994"));
	EXPECT_EQ(0, parse("Thu, 01 Jan 1970 00:00:00 GMT"));
	EXPECT_EQ(951782400, parse("Tue, 29 Feb 2000 00:00:00 GMT"));
	/* a leap second, which is the next minute's first */
	EXPECT_EQ(1483228800, parse("Sat, 31 Dec 2016 23:59:60 GMT"));
	/* 50 years ahead are this century's, 51 are the last one's. */
	EXPECT_LT(NOW, parse("Sunday, 06-Nov-76 08:49:37 GMT"));
	EXPECT_GT(NOW, parse("Sunday, 06-Nov-77 08:49:37 GMT"));
}

TEST(invalid)
{
	static const char * const bad[] = {
		"", "0", "now", "Sun", "Sun, ", "Sun, 06 Nov 1994",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 CET",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Feb 1994 08:49:37 GMT",
		"Mon, 29 Feb 2100 08:49:37 GMT",
		"Sun, 06 Nov 1900 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sun Nov 06 08:49:37 94",
		"SundaySun, 06 Nov 1994 08:49:37 GMT",
		"Sunday Sun Nov  6 08:49:37 1994",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-1, parse(bad[i])) {
			TH_LOG("%s", bad[i]);
		}
}

TEST(round_trip)
{
	char text[HTTPDATE_SIZE];
	time_t when;

	for (when = 0; when < 8000000000; when += 7654321) {
		httpdate_format(when, text);
		ASSERT_EQ(HTTPDATE_LEN, strlen(text));
		ASSERT_EQ(when, parse(text)) {
			TH_LOG("%s", text);
		}
	}
	httpdate_format(784111777, text);
	EXPECT_STREQ("Sun, 06 Nov 1994 08:49:37 GMT", text);
}

TEST(out_of_range)
{
	char text[HTTPDATE_SIZE];

	httpdate_format(-1, text);
	EXPECT_STREQ("Thu, 01 Jan 1970 00:00:00 GMT", text);
	httpdate_format((time_t)1 << 55, text);
	EXPECT_STREQ("Fri, 31 Dec 9999 23:59:59 GMT", text);
}

TEST_HARNESS_MAIN
