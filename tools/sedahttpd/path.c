// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Decoding comes first and dot segments are removed from what was decoded, so
 * "%2e%2e" is ".." and has no second chance later.
 */
#include "path.h"

static int hex_digit(char c)
{
	if (str_is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next decoded byte of @s, which moves on; negative is a status. */
static int next_byte(struct str *s)
{
	int high, low, value;

	if (*s->p != '%') {
		value = (unsigned char)*s->p;
		s->p++;
		s->n--;
		return value;
	}
	if (s->n < 3)
		return -400;
	high = hex_digit(s->p[1]);
	low = hex_digit(s->p[2]);
	if (high < 0 || low < 0 || (!high && !low))
		return -400;
	value = high << 4 | low;
	s->p += 3;
	s->n -= 3;
	return value == '/' ? -404 : value;
}

/*
 * A segment is complete in out[start..len).  Drops it if it is a dot segment
 * (and the one before it, if two dots) and returns the new length.
 */
static int end_segment(char *out, int start, int len)
{
	if (len - start == 1 && out[start] == '.')
		return start;
	if (len - start != 2 || out[start] != '.' || out[start + 1] != '.')
		return len;
	if (start == 1)
		return -400;
	for (len = start - 1; out[len - 1] != '/'; len--)
		;
	return len;
}

int path_decode(struct str target, char out[PATH_SIZE], struct str *query)
{
	const char *mark = target.n ? memchr(target.p, '?', target.n) : NULL;
	int len = 1, start = 1, byte;

	*query = (struct str){ NULL, 0 };
	if (mark) {
		query->p = mark + 1;
		query->n = target.p + target.n - query->p;
		target.n = mark - target.p;
	}
	if (!target.n || target.p[0] != '/')
		return -400;
	out[0] = '/';
	target.p++;
	target.n--;
	/* Here out[start..len) is the segment so far and out[start - 1] a slash. */
	while (target.n) {
		if (*target.p == '/') {
			target.p++;
			target.n--;
			len = end_segment(out, start, len);
			if (len < 0)
				return len;
			if (out[len - 1] != '/')
				out[len++] = '/';
			start = len;
		} else {
			byte = next_byte(&target);
			if (byte < 0)
				return byte;
			out[len++] = byte;
		}
		if (len >= PATH_SIZE - 1)
			return -414;
	}
	len = end_segment(out, start, len);
	if (len > 0)
		out[len] = '\0';
	return len;
}

static bool is_path_char(unsigned char c)
{
	return str_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c && strchr("/-._~!$&()*+,;=:@", c));
}

int path_encode(struct str path, char *out, size_t size)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t len = 0, i;

	for (i = 0; i < path.n; i++) {
		unsigned char c = path.p[i];

		if (len + 4 > size)
			return -414;
		if (is_path_char(c)) {
			out[len++] = c;
		} else {
			out[len++] = '%';
			out[len++] = hex[c >> 4];
			out[len++] = hex[c & 15];
		}
	}
	out[len] = '\0';
	return len;
}

static struct str html_entity(char c)
{
	switch (c) {
	case '&':
		return STR("&amp;");
	case '<':
		return STR("&lt;");
	case '>':
		return STR("&gt;");
	case '"':
		return STR("&quot;");
	case '\'':
		return STR("&#39;");
	default:
		return (struct str){ NULL, 0 };
	}
}

int html_escape(struct str s, char *out, size_t size)
{
	size_t len = 0, i;

	for (i = 0; i < s.n; i++) {
		struct str entity = html_entity(s.p[i]);

		if (!entity.p)
			entity = (struct str){ s.p + i, 1 };
		if (len + entity.n + 1 > size)
			return -1;
		memcpy(out + len, entity.p, entity.n);
		len += entity.n;
	}
	if (len < size)
		out[len] = '\0';
	return len;
}
