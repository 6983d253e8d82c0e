/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes of chunk extensions that a body may carry, and of trailers; all are read over. */
#define KV_HTTP_CHUNKED_MAX_EXTENSIONS 1024
#define KV_HTTP_CHUNKED_MAX_TRAILERS 4096

/**
 * KvHttpChunked:
 *
 * Takes the chunked transfer coding off a body that comes piece by piece: RFC 9112, section 7.1,
 * without leniency. A plain value, without memory of its own; its members are nobody else's
 * business.
 */
typedef struct {
  guint state;
  guint digits;
  guint64 chunk;
  guint64 room;
  guint extensions;
  guint trailers;
  gboolean named;
} KvHttpChunked;

/**
 * KvHttpChunkedResult:
 * @KV_HTTP_CHUNKED_INCOMPLETE: all that was given has been used up; more is to come
 * @KV_HTTP_CHUNKED_COMPLETE: the body is whole; what follows it has not been looked at
 * @KV_HTTP_CHUNKED_MALFORMED: that is no chunked body
 * @KV_HTTP_CHUNKED_TOO_LARGE: it is longer than its limit; told as soon as a chunk says so
 */
typedef enum {
  KV_HTTP_CHUNKED_INCOMPLETE,
  KV_HTTP_CHUNKED_COMPLETE,
  KV_HTTP_CHUNKED_MALFORMED,
  KV_HTTP_CHUNKED_TOO_LARGE,
} KvHttpChunkedResult;

/**
 * kv_http_chunked_init:
 * @limit: the longest body that is taken, in bytes, decoded
 */
void kv_http_chunked_init (KvHttpChunked *chunked, gsize limit);

/**
 * kv_http_chunked_decode:
 * @input: (array length=length): what has come
 * @length: its bytes
 * @output: where the body's bytes go; may be @input itself
 * @consumed: (out): how many bytes of @input belonged to the body
 * @produced: (out): how many were written to @output
 */
KvHttpChunkedResult kv_http_chunked_decode (KvHttpChunked *chunked,
                                            const char *input,
                                            gsize length,
                                            char *output,
                                            gsize *consumed,
                                            gsize *produced);

G_END_DECLS
