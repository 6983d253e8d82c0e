/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"
#include "http/wire/kv-http-buffer.h"

G_BEGIN_DECLS

/**
 * KvHttpConnectionField:
 * @KV_HTTP_CONNECTION_DEFAULT: the connection stays, as HTTP/1.1 has it: no header
 * @KV_HTTP_CONNECTION_KEEP_ALIVE: it stays, for a client of HTTP/1.0 that has asked for it
 * @KV_HTTP_CONNECTION_CLOSE: it ends after this response
 *
 * What a response's Connection header says.
 */
typedef enum {
  KV_HTTP_CONNECTION_DEFAULT,
  KV_HTTP_CONNECTION_KEEP_ALIVE,
  KV_HTTP_CONNECTION_CLOSE,
} KvHttpConnectionField;

/**
 * kv_http_wire_get_phrase:
 *
 * Returns: the reason phrase of a status of ours, an empty one for others
 */
const char *kv_http_wire_get_phrase (guint status);

/**
 * kv_http_wire_get_date:
 *
 * Returns: (transfer none): the time, as the Date header has it (RFC 9110, section 5.6.7); valid
 *   until this thread's next call. Made once a second
 */
const char *kv_http_wire_get_date (void);

/**
 * kv_http_wire_get_connection:
 *
 * Returns: (nullable): the value of the Connection header
 */
const char *kv_http_wire_get_connection (KvHttpConnectionField field);

/**
 * kv_http_wire_get_body:
 *
 * Returns: the body of @response, which borrows it; an empty span where it has none
 */
KvHttpSpan kv_http_wire_get_body (const KvHttpResponse *response);

/**
 * kv_http_wire_append_head:
 * @buffer: where it goes
 * @response: its status and headers
 * @body_length: the length of the body; that of the body it would have, for the answer to a HEAD
 *
 * Writes the head of a response (RFC 9112, section 4), with Date, Content-Length and Connection.
 * Where the status forbids a Content-Length (204), it would have to be another's (304) or nobody
 * knows it there is none.
 */
void kv_http_wire_append_head (KvHttpBuffer *buffer,
                               const KvHttpResponse *response,
                               gsize body_length,
                               KvHttpConnectionField connection);

/**
 * kv_http_wire_append_response:
 * @without_body: whether the request was a HEAD
 *
 * Writes the whole response. For short ones: the body is copied.
 */
void kv_http_wire_append_response (KvHttpBuffer *buffer,
                                   const KvHttpResponse *response,
                                   gboolean without_body,
                                   KvHttpConnectionField connection);

/**
 * kv_http_wire_may_have_body:
 *
 * Returns: whether the status allows a body (RFC 9110, section 6.4.1)
 */
gboolean kv_http_wire_may_have_body (const KvHttpResponse *response);

G_END_DECLS
