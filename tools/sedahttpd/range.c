// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses Range with saturating numbers: a position past 2^64 is just past the end. */
#include "range.h"

static bool take_position(struct str *s, uint64_t *value)
{
	size_t i;

	*value = 0;
	for (i = 0; i < s->n && str_is_digit(s->p[i]); i++) {
		unsigned int digit = s->p[i] - '0';

		if (*value > (UINT64_MAX - digit) / 10)
			*value = UINT64_MAX;
		else
			*value = *value * 10 + digit;
	}
	s->p += i;
	s->n -= i;
	return i > 0;
}

/* 1: satisfiable and resolved into @r; 0: beyond the end; -1: malformed. */
static int resolve(struct str spec, uint64_t size, struct range *r)
{
	bool has_first = take_position(&spec, &r->first);
	bool has_last;

	if (!spec.n || spec.p[0] != '-')
		return -1;
	spec.p++;
	spec.n--;
	has_last = take_position(&spec, &r->last);
	if (spec.n || (!has_first && !has_last))
		return -1;
	if (!has_first) {
		if (!r->last || !size)
			return 0;
		r->first = r->last < size ? size - r->last : 0;
		r->last = size - 1;
		return 1;
	}
	if (has_last && r->last < r->first)
		return -1;
	if (r->first >= size)
		return 0;
	if (!has_last || r->last >= size)
		r->last = size - 1;
	return 1;
}

int range_parse(struct str value, uint64_t size, struct range out[RANGE_MAX])
{
	struct str unit = STR("bytes=");
	struct str spec;
	uint64_t left = size;
	int specs = 0, count = 0, kind;
	struct range r;

	if (value.n < unit.n || strncasecmp(value.p, unit.p, unit.n))
		return 0;
	value.p += unit.n;
	value.n -= unit.n;
	while (str_next(&value, &spec)) {
		if (!spec.n)
			continue;
		kind = resolve(spec, size, &r);
		if (kind < 0 || ++specs > RANGE_MAX)
			return 0;
		if (!kind)
			continue;
		if (range_len(&r) > left)
			return 0;
		left -= range_len(&r);
		out[count++] = r;
	}
	if (!specs)
		return 0;
	return count ? count : -416;
}
