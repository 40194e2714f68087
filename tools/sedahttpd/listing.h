/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page that lists a directory without an index.  Blocks. */
#ifndef SEDAHTTPD_LISTING_H
#define SEDAHTTPD_LISTING_H

#include "str.h"

/*
 * Lists the directory open at @fd, which is consumed, under the request path
 * @path.  Names that start with a dot are left out.  *@text is the caller's to
 * free.  Returns 0 or -errno.
 */
int listing_make(int fd, struct str path, char **text, size_t *len);

#endif
