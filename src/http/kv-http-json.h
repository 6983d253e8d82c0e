/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

#include <jansson.h>

G_BEGIN_DECLS

G_DEFINE_AUTOPTR_CLEANUP_FUNC (json_t, json_decref)

/**
 * kv_http_json_parse:
 * @body: the text
 * @error: set to %KV_ERROR_INVALID_ARGUMENT when it is no JSON (RFC 8259, and nothing more), nests
 *   too deep or has an object with too many members; to %KV_ERROR_TOO_LARGE when it holds too many
 *   values; to %KV_ERROR_UNPROCESSABLE when an object has the same member twice, or a number does
 *   not fit into 64 bits
 *
 * Reads a JSON body. Strings may hold U+0000.
 *
 * Returns: (transfer full): the value; any kind, not only an array or an object
 */
json_t *kv_http_json_parse (KvHttpSpan body, GError **error);

/**
 * kv_http_json_get_string:
 * @object: an object
 * @name: the member's name
 * @text: (out): its text, borrowed from @object; it may hold U+0000
 * @error: set to %KV_ERROR_UNPROCESSABLE, with @name as its subject, when there is no such member, or it is no string
 */
gboolean
kv_http_json_get_string (const json_t *object, const char *name, KvHttpSpan *text, GError **error);

/**
 * kv_http_json_check_members:
 * @object: an object
 * @names: (array zero-terminated=1): the members that it may have
 * @error: set to %KV_ERROR_UNPROCESSABLE, with the member's name as its subject, when it has another
 *
 * For the routes under `/v1`, which read over nothing.
 */
gboolean
kv_http_json_check_members (const json_t *object, const char *const *names, GError **error);

G_END_DECLS
