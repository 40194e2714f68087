// SPDX-License-Identifier: GPL-2.0
/*
 * HTTP dates: any time that is written is read back; a date that is read is the
 * one that the C library finds in it, and is the same when written again.
 *
 * The input: eight bytes of a time, and the text of a date.
 */
#include <time.h>

#include "fuzz.h"
#include "tools/sedahttpd/httpdate.h"

#define LAST_SECOND	253402300799LL

static void check_written(time_t when)
{
	char text[HTTPDATE_SIZE];
	time_t want = when < 0 ? 0 : when > LAST_SECOND ? LAST_SECOND : when;

	httpdate_format(when, text);
	REQUIRE(strlen(text) == HTTPDATE_LEN);
	REQUIRE(httpdate_parse((struct str){ text, HTTPDATE_LEN }, 0) == want);
}

/* The form with two digits of the year is seen to by the year's distance. */
static void check_read(struct str date, time_t when, time_t now)
{
	static const char * const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y",
	};
	struct tm tm, today, day;
	char text[64];
	unsigned int i;

	REQUIRE(when >= 0 && date.n < sizeof(text));
	memcpy(text, date.p, date.n);
	text[date.n] = '\0';
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *end;

		memset(&tm, 0, sizeof(tm));
		end = strptime(text, forms[i], &tm);
		if (end && !*end) {
			/* timegm() would turn 31 Feb into 3 Mar in place. */
			day = tm;
			REQUIRE(timegm(&day) == when);
			REQUIRE(tm.tm_sec == 60 || tm.tm_mday == day.tm_mday);
			return;
		}
	}
	gmtime_r(&now, &today);
	gmtime_r(&when, &tm);
	REQUIRE(tm.tm_year <= today.tm_year + 51 &&
		tm.tm_year >= today.tm_year - 149);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	time_t number = take_number(&in, 8);
	/* of a clock: some time from 1970 to 2106 */
	time_t now = (uint32_t)number, when;
	struct str date = exact(in.p, in.n);

	check_written(number);
	when = httpdate_parse(date, now);
	REQUIRE(when >= -1);
	if (when >= 0) {
		check_read(date, when, now);
		check_written(when);
	}
	drop(date);
	return 0;
}
