/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * KvHttpKey:
 * @length: bytes of @text
 * @text: the key, NUL-terminated
 *
 * A key from a path, decoded, in a place of its own on the stack.
 */
typedef struct {
  gsize length;
  char text[KV_KEY_MAX_BYTES + 1];
} KvHttpKey;

/**
 * KvHttpDecoded:
 * @KV_HTTP_DECODED: it is done
 * @KV_HTTP_BROKEN_ESCAPE: a '%' stands there that two hexadecimal digits do not follow
 * @KV_HTTP_NO_ROOM: it does not fit
 */
typedef enum {
  KV_HTTP_DECODED,
  KV_HTTP_BROKEN_ESCAPE,
  KV_HTTP_NO_ROOM,
} KvHttpDecoded;

/**
 * kv_http_uri_decode:
 * @text: with data
 * @plus_is_space: as HTML forms have it, where a path does not
 * @buffer: (out caller-allocates) (array length=size): where it goes, without a NUL
 * @length: (out): its bytes
 *
 * Decodes percent escapes, once. What comes out may be any bytes.
 */
KvHttpDecoded kv_http_uri_decode (KvHttpSpan text,
                                  gboolean plus_is_space,
                                  char *buffer,
                                  gsize size,
                                  gsize *length);

/**
 * KvHttpPair:
 * @name: a parameter's name
 * @value: its value; without data where there is no '='
 *
 * A parameter of a query, neither name nor value decoded.
 */
typedef struct {
  KvHttpSpan name;
  KvHttpSpan value;
} KvHttpPair;

/**
 * kv_http_uri_next_pair:
 * @rest: (inout): a query as it came, or no data; then what is left of it
 * @pair: (out): its first parameter; one of which both name and value may be empty, as in `a=1&&b=2`
 *
 * Returns: %FALSE at the end
 */
gboolean kv_http_uri_next_pair (KvHttpSpan *rest, KvHttpPair *pair);

/**
 * kv_http_uri_decode_key:
 * @segment: a path segment as it came
 * @key: (out caller-allocates): the key
 * @error: set to %KV_ERROR_INVALID_KEY
 *
 * Decodes a key from a path segment, once (RFC 3986, section 2.1: a '+' is a plus sign).
 */
gboolean kv_http_uri_decode_key (KvHttpSpan segment, KvHttpKey *key, GError **error);

/**
 * kv_http_uri_get_parameter:
 * @query: a query as it came, or no data
 * @name: the parameter's name, NUL-terminated
 * @buffer: (out caller-allocates) (array length=size): where the decoded value goes
 * @size: bytes of @buffer
 * @value: (out): the value, in @buffer; without data when there is no such parameter
 * @error: set to %KV_ERROR_INVALID_ARGUMENT when it is there twice, has a broken escape, or does
 *   not fit
 *
 * Looks for a parameter of a query, as HTML forms write them (`a=1&b=2`). What else stands in the
 * query is ignored.
 */
gboolean kv_http_uri_get_parameter (KvHttpSpan query,
                                    const char *name,
                                    char *buffer,
                                    gsize size,
                                    KvHttpSpan *value,
                                    GError **error);

/**
 * kv_http_uri_parse_decimal:
 * @text: what may be a number
 * @value: (out): the number
 *
 * Returns: %FALSE when @text is anything but decimal digits, or more than 64 bits hold
 */
gboolean kv_http_uri_parse_decimal (KvHttpSpan text, guint64 *value);

G_END_DECLS
