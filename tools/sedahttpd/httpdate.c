// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Formats and parses HTTP dates by hand: strftime() and strptime() depend on
 * the locale, and strptime() accepts what the grammar does not.
 */
#include <stdio.h>

#include "httpdate.h"

static const char day_names[7][4] = {
	"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat",
};

static const char *const day_long_names[7] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
	"Saturday",
};

static const char month_names[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

/* 9999-12-31 23:59:59, the last second four digits of a year can name. */
#define LAST_SECOND	253402300799LL

static void put2(char *out, int value)
{
	out[0] = '0' + value / 10;
	out[1] = '0' + value % 10;
}

void httpdate_format(time_t when, char out[HTTPDATE_SIZE])
{
	struct tm tm;
	int year;

	if (when < 0)
		when = 0;
	if (when > LAST_SECOND)
		when = LAST_SECOND;
	gmtime_r(&when, &tm);
	year = tm.tm_year + 1900;
	memcpy(out, "xxx, xx xxx xxxx xx:xx:xx GMT", HTTPDATE_SIZE);
	memcpy(out, day_names[tm.tm_wday], 3);
	put2(out + 5, tm.tm_mday);
	memcpy(out + 8, month_names[tm.tm_mon], 3);
	put2(out + 12, year / 100);
	put2(out + 14, year % 100);
	put2(out + 17, tm.tm_hour);
	put2(out + 20, tm.tm_min);
	put2(out + 23, tm.tm_sec);
}

static bool take(struct str *s, struct str want)
{
	if (s->n < want.n || memcmp(s->p, want.p, want.n))
		return false;
	s->p += want.n;
	s->n -= want.n;
	return true;
}

static bool take_number(struct str *s, int digits, int *value)
{
	int i;

	if (s->n < (size_t)digits)
		return false;
	*value = 0;
	for (i = 0; i < digits; i++) {
		if (!str_is_digit(s->p[i]))
			return false;
		*value = *value * 10 + (s->p[i] - '0');
	}
	s->p += digits;
	s->n -= digits;
	return true;
}

static bool take_month(struct str *s, struct tm *tm)
{
	for (tm->tm_mon = 0; tm->tm_mon < 12; tm->tm_mon++)
		if (take(s, (struct str){ month_names[tm->tm_mon], 3 }))
			return true;
	return false;
}

static bool take_clock(struct str *s, struct tm *tm)
{
	return take_number(s, 2, &tm->tm_hour) && take(s, STR(":")) &&
	       take_number(s, 2, &tm->tm_min) && take(s, STR(":")) &&
	       take_number(s, 2, &tm->tm_sec) &&
	       tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* "06 Nov 1994 08:49:37 GMT", what follows the day's name. */
static bool take_imf(struct str *s, struct tm *tm)
{
	int year;

	if (!take_number(s, 2, &tm->tm_mday) || !take(s, STR(" ")) ||
	    !take_month(s, tm) || !take(s, STR(" ")) ||
	    !take_number(s, 4, &year) || !take(s, STR(" ")) ||
	    !take_clock(s, tm) || !take(s, STR(" GMT")))
		return false;
	tm->tm_year = year - 1900;
	return true;
}

/* "06-Nov-94 08:49:37 GMT"; a year over 50 years ahead is in the past. */
static bool take_rfc850(struct str *s, struct tm *tm, time_t now)
{
	struct tm today;
	int year;

	if (!take_number(s, 2, &tm->tm_mday) || !take(s, STR("-")) ||
	    !take_month(s, tm) || !take(s, STR("-")) ||
	    !take_number(s, 2, &year) || !take(s, STR(" ")) ||
	    !take_clock(s, tm) || !take(s, STR(" GMT")))
		return false;
	gmtime_r(&now, &today);
	tm->tm_year = today.tm_year - today.tm_year % 100 + year;
	if (tm->tm_year > today.tm_year + 50)
		tm->tm_year -= 100;
	return true;
}

/* "Nov  6 08:49:37 1994", what follows the day's name. */
static bool take_asctime(struct str *s, struct tm *tm)
{
	int year;
	bool day;

	if (!take_month(s, tm) || !take(s, STR(" ")))
		return false;
	if (take(s, STR(" ")))
		day = take_number(s, 1, &tm->tm_mday);
	else
		day = take_number(s, 2, &tm->tm_mday);
	if (!day || !take(s, STR(" ")) || !take_clock(s, tm) ||
	    !take(s, STR(" ")) || !take_number(s, 4, &year))
		return false;
	tm->tm_year = year - 1900;
	return true;
}

/* With its comma, or nothing of it: "SundaySun" is no date. */
static bool take_long_day(struct str *s)
{
	struct str rest = *s;
	int i;

	for (i = 0; i < 7; i++)
		if (take(&rest, (struct str){ day_long_names[i],
					      strlen(day_long_names[i]) }) &&
		    take(&rest, STR(", "))) {
			*s = rest;
			return true;
		}
	return false;
}

static bool take_short_day(struct str *s)
{
	int i;

	for (i = 0; i < 7; i++)
		if (take(s, (struct str){ day_names[i], 3 }))
			return true;
	return false;
}

time_t httpdate_parse(struct str s, time_t now)
{
	struct tm tm = { 0 };
	struct tm check;
	time_t when;
	bool good;

	if (take_long_day(&s))
		good = take_rfc850(&s, &tm, now);
	else if (!take_short_day(&s))
		return -1;
	else if (take(&s, STR(", ")))
		good = take_imf(&s, &tm);
	else
		good = take(&s, STR(" ")) && take_asctime(&s, &tm);
	if (!good || s.n || tm.tm_mday < 1)
		return -1;

	/* timegm() turns 31 Feb into 3 Mar: such a date is not valid. */
	check = tm;
	check.tm_sec = 0;	/* a leap second may end the month */
	when = timegm(&check) + tm.tm_sec;
	if (check.tm_mon != tm.tm_mon || when < 0)
		return -1;
	return when;
}
