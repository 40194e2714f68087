/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A view of bytes that somebody else owns: request heads are parsed in place,
 * so a field is a pointer into the receive buffer and a length.
 */
#ifndef SEDAHTTPD_STR_H
#define SEDAHTTPD_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

#ifndef __printf
#define __printf(a, b)	__attribute__(( \
	__format__(__printf__, a, b)))
#endif

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

static inline bool str_caseeq(struct str a, struct str b)
{
	return a.n == b.n && (!a.n || !strncasecmp(a.p, b.p, a.n));
}

static inline bool str_is_space(char c)
{
	return c == ' ' || c == '\t';
}

static inline bool str_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The view without optional white space (RFC 9110's OWS) at either end. */
static inline struct str str_trim(struct str s)
{
	while (s.n && str_is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && str_is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Takes the next member off a comma-separated list; false at its end. */
static inline bool str_next(struct str *list, struct str *member)
{
	const char *comma;

	if (!list->p || !list->n)
		return false;
	comma = memchr(list->p, ',', list->n);
	member->p = list->p;
	member->n = comma ? (size_t)(comma - list->p) : list->n;
	list->p += member->n;
	list->n -= member->n;
	if (comma) {
		list->p++;
		list->n--;
	}
	*member = str_trim(*member);
	return true;
}

#endif
