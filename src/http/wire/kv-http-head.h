/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/* More header lines than this are refused with 431. */
#define KV_HTTP_HEAD_MAX_FIELDS 100

/* No method is longer; a longer one is refused with 400. */
#define KV_HTTP_HEAD_MAX_METHOD 32

/**
 * KvHttpHeadSpan:
 *
 * Some bytes of a head, counted from its first byte, so that they stay right when the head moves.
 */
typedef struct {
  guint32 offset;
  guint32 length;
} KvHttpHeadSpan;

/**
 * KvHttpHeadField:
 *
 * A header line. The value comes without the white space around it.
 */
typedef struct {
  KvHttpHeadSpan name;
  KvHttpHeadSpan value;
} KvHttpHeadField;

/**
 * KvHttpHead:
 * @length: its bytes, with the empty line that ends it
 * @method: the method
 * @path: the target up to its first '?', or `*`
 * @query: what stands behind that
 * @has_query: whether there is a '?'
 * @minor_version: 0 for HTTP/1.0, 1 for HTTP/1.1 and whatever later 1.x there may be
 * @keep_alive: whether the client wants to send more requests after this one
 * @expects_continue: whether it waits for a `100 Continue` before it sends the body
 * @chunked: whether the body comes in chunks
 * @upgrades: whether the client would rather go on in another protocol
 * @conditional: whether there is an If-Match or an If-None-Match
 * @accepts: whether there is an Accept
 * @has_length: whether there is a Content-Length
 * @content_length: the Content-Length, else 0
 * @n_fields: header lines
 * @fields: the header lines, in order, without those that nobody may see (Range)
 * @status: when it was refused: an HTTP status code
 * @reason: when it was refused: static text for the person who sent it
 *
 * The head of a request: RFC 9112, sections 3 and 5, without any of the leniency that those leave
 * to a server.
 */
typedef struct {
  gsize length;
  KvHttpHeadSpan method;
  KvHttpHeadSpan path;
  KvHttpHeadSpan query;
  gboolean has_query;
  guint minor_version;
  gboolean keep_alive;
  gboolean expects_continue;
  gboolean chunked;
  gboolean upgrades;
  guint8 conditional;
  guint8 accepts;
  gboolean has_length;
  guint64 content_length;
  guint n_fields;
  KvHttpHeadField fields[KV_HTTP_HEAD_MAX_FIELDS];
  guint status;
  const char *reason;
} KvHttpHead;

/**
 * KvHttpHeadResult:
 * @KV_HTTP_HEAD_INCOMPLETE: more bytes are needed
 * @KV_HTTP_HEAD_COMPLETE: the head is there, and well formed
 * @KV_HTTP_HEAD_REFUSED: it is not, whatever follows: see its status and reason
 */
typedef enum {
  KV_HTTP_HEAD_INCOMPLETE,
  KV_HTTP_HEAD_COMPLETE,
  KV_HTTP_HEAD_REFUSED,
} KvHttpHeadResult;

/**
 * kv_http_head_parse:
 * @head: (out caller-allocates): what is in it, unless the result is %KV_HTTP_HEAD_INCOMPLETE
 * @data: (array length=length): the bytes that have come so far
 * @length: their number
 * @max_size: the longest head that is taken, in bytes; a longer one is refused with 431
 * @scanned: (inout): 0 for the first call; how many bytes earlier calls have looked at, so that a
 *   head that comes byte by byte is not read over and over
 *
 * Reads the head of a request, and guesses nothing: what could be understood in two ways is
 * refused, as the next one to read it may understand it the other way (RFC 9112, section 11.2). A
 * pure function, without allocation.
 */
KvHttpHeadResult kv_http_head_parse (KvHttpHead *head,
                                     const char *data,
                                     gsize length,
                                     gsize max_size,
                                     gsize *scanned);

/**
 * kv_http_head_get:
 * @data: where the head lies now
 * @name: a header's name in lower case
 *
 * Returns: the value, or a span without data when there is no such header
 */
KvHttpSpan kv_http_head_get (const KvHttpHead *head, const char *data, const char *name);

/**
 * kv_http_head_get_span:
 * @data: where the head lies now
 *
 * Returns: the bytes of @span
 */
static inline KvHttpSpan
kv_http_head_get_span (const char *data, KvHttpHeadSpan span)
{
  return (KvHttpSpan){ data + span.offset, span.length };
}

G_END_DECLS
