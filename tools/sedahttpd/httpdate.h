/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP dates (RFC 9110, 5.6.7).  Pure: no time zone, no locale, no allocation. */
#ifndef SEDAHTTPD_HTTPDATE_H
#define SEDAHTTPD_HTTPDATE_H

#include <time.h>

#include "str.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL. */
#define HTTPDATE_LEN	29
#define HTTPDATE_SIZE	(HTTPDATE_LEN + 1)

/* Writes @when as an IMF-fixdate; times past the year 9999 are clamped. */
void httpdate_format(time_t when, char out[HTTPDATE_SIZE]);

/*
 * Reads any of the three forms a recipient must accept (IMF-fixdate, RFC 850,
 * asctime).  @now resolves the two-digit years of RFC 850.  Returns -1 if @s is
 * no valid date, as recipients then ignore the field.
 */
time_t httpdate_parse(struct str s, time_t now);

#endif
