/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request's target to a path under the root.  Pure. */
#ifndef SEDAHTTPD_PATH_H
#define SEDAHTTPD_PATH_H

#include "str.h"

/* With the NUL; what a name in the file system cannot exceed. */
#define PATH_SIZE	4096

/*
 * Decodes the target @target ("/a%20b/../c?q", origin form) into @out: percent
 * escapes resolved, "." and ".." removed, repeated slashes merged, starting
 * with a slash, ending with one if a directory was meant, NUL-terminated.
 * @query is set to what follows the '?' (with p == NULL when there is none).
 *
 * Returns the length, or a negated status: -400 for a broken escape, for an
 * encoded NUL or for leaving the root; -404 for an encoded slash, which no file
 * name holds; -414 where the path is longer than the system's limit.
 *
 * This alone does not confine to the root: symbolic links are seen to by
 * root_open().
 */
int path_decode(struct str target, char out[PATH_SIZE], struct str *query);

/*
 * Percent-encodes @path for use in a Location or a link.  Returns the length,
 * or -414 if it does not fit.
 */
int path_encode(struct str path, char *out, size_t size);

/* Escapes @s for HTML text and attributes; returns the length or -1. */
int html_escape(struct str s, char *out, size_t size);

#endif
