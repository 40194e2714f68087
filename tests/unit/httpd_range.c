// SPDX-License-Identifier: GPL-2.0
/* sedahttpd: the Range field. */
#include "kselftest_harness.h"
#include "tools/sedahttpd/range.h"

static struct range r[RANGE_MAX];

static int parse(const char *value, uint64_t size)
{
	return range_parse((struct str){ value, strlen(value) }, size, r);
}

TEST(single)
{
	static const struct {
		const char *value;
		uint64_t first, last;
	} cases[] = {
		{ "bytes=0-0", 0, 0 },
		{ "bytes=0-499", 0, 499 },
		{ "bytes=500-", 500, 999 },
		{ "bytes=-1", 999, 999 },
		{ "bytes=-500", 500, 999 },
		{ "bytes=-5000", 0, 999 },
		{ "bytes=999-999", 999, 999 },
		{ "bytes=0-99999999999999999999999", 0, 999 },
		{ "BYTES=1-2", 1, 2 },
		{ "bytes= 1-2 ,", 1, 2 },
		{ "bytes=1-2,1000-", 1, 2 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(1, parse(cases[i].value, 1000)) {
			TH_LOG("%s", cases[i].value);
		}
		EXPECT_EQ(cases[i].first, r[0].first);
		EXPECT_EQ(cases[i].last, r[0].last);
	}
}

TEST(several)
{
	ASSERT_EQ(3, parse("bytes=0-1, 10-19,,-1", 1000));
	EXPECT_EQ(10, r[1].first);
	EXPECT_EQ(19, r[1].last);
	EXPECT_EQ(999, r[2].first);
	/* In the order asked for. */
	ASSERT_EQ(2, parse("bytes=10-19,0-1", 1000));
	EXPECT_EQ(10, r[0].first);
}

TEST(ignored)
{
	static const char * const cases[] = {
		"", "bytes", "bytes=", "bytes=,", "bytes 0-1", "lines=0-1",
		"bytes=a-b", "bytes=0-1x", "bytes=5-4", "bytes=-", "bytes=--1",
		"bytes=0 - 1", "bytes=1", "bytes=0-1,x", "bytes=+0-1",
		"bytes=0-1;2-3",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_EQ(0, parse(cases[i], 1000)) {
			TH_LOG("%s", cases[i]);
		}
}

TEST(unsatisfiable)
{
	EXPECT_EQ(-416, parse("bytes=1000-", 1000));
	EXPECT_EQ(-416, parse("bytes=1000-1001", 1000));
	EXPECT_EQ(-416, parse("bytes=-0", 1000));
	EXPECT_EQ(-416, parse("bytes=99999999999999999999999-", 1000));
	EXPECT_EQ(-416, parse("bytes=0-", 0));
	EXPECT_EQ(-416, parse("bytes=-1", 0));
}

TEST(more_work_than_the_whole_is_ignored)
{
	char many[1024] = "bytes=0-0";
	int i;

	EXPECT_EQ(0, parse("bytes=0-,0-", 1000));
	EXPECT_EQ(0, parse("bytes=0-999,0-0", 1000));
	EXPECT_EQ(2, parse("bytes=0-499,0-499", 1000));
	for (i = 1; i < RANGE_MAX; i++)
		strcat(many, ",5-5");
	EXPECT_EQ(RANGE_MAX, parse(many, 1000));
	strcat(many, ",5-5");
	EXPECT_EQ(0, parse(many, 1000));
}

TEST_HARNESS_MAIN
