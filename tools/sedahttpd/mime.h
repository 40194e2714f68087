/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Media types by file name.  Pure. */
#ifndef SEDAHTTPD_MIME_H
#define SEDAHTTPD_MIME_H

/*
 * The value of Content-Type for the file @name (a path will do).  Names with no
 * known extension are application/octet-stream, which no browser executes.
 */
const char *mime_type(const char *name);

#endif
