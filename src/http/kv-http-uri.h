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
 * kv_http_uri_check_parameters:
 * @query: a query as it came, or no data
 * @names: (array zero-terminated=1): the parameters that there may be
 * @error: set to %KV_ERROR_INVALID_ARGUMENT when there is another
 *
 * For routes that would do harm by reading over a parameter whose name was misspelt.
 */
gboolean kv_http_uri_check_parameters (KvHttpSpan query, const char *const *names, GError **error);

/**
 * kv_http_uri_parse_decimal:
 * @text: what may be a number
 * @value: (out): the number
 *
 * Returns: %FALSE when @text is anything but decimal digits, or more than 64 bits hold
 */
gboolean kv_http_uri_parse_decimal (KvHttpSpan text, guint64 *value);

G_END_DECLS
