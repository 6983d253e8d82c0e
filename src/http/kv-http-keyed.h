/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-conditions.h"
#include "http/kv-http-router.h"
#include "http/kv-http-uri.h"
#include "store/kv-store.h"

G_BEGIN_DECLS

/* What the routes of one key do alike: their patterns end with `{key}`. */

/**
 * kv_http_keyed_read_key:
 * @key: (out caller-allocates): the key
 * @error: set to %KV_ERROR_INVALID_KEY
 */
static inline gboolean
kv_http_keyed_read_key (const KvHttpExchange *exchange, KvHttpKey *key, GError **error)
{
  return kv_http_uri_decode_key (kv_http_router_get_segment (exchange), key, error);
}

/**
 * kv_http_keyed_submit:
 * @operation: is used up
 * @func: answers @exchange, which it has as its data
 *
 * Carries out @operation on the conditions of @exchange, or answers with what is wrong with these.
 */
void kv_http_keyed_submit (KvHttpExchange *exchange, KvOperation *operation, KvSubmitFunc func);

/**
 * kv_http_keyed_submit_on:
 * @conditions: those of the exchange, and perhaps more
 *
 * The same on other conditions.
 */
void kv_http_keyed_submit_on (KvHttpExchange *exchange,
                              KvHttpConditions *conditions,
                              KvOperation *operation,
                              KvSubmitFunc func);

/**
 * kv_http_keyed_refuse_missing:
 *
 * Answers that there is no such key.
 */
void kv_http_keyed_refuse_missing (KvHttpExchange *exchange);

/**
 * kv_http_keyed_refuse_condition:
 * @current: (nullable): what the key holds instead
 *
 * Answers that a condition does not hold, and what does. A client that wanted to write is told the value, too, under `/v1`.
 */
void kv_http_keyed_refuse_condition (KvHttpExchange *exchange, const KvEntry *current);

/**
 * kv_http_keyed_refuse:
 * @result: of the exchange's operation
 * @needs_key: whether the operation has nothing to do where there is no such key: then that is the answer, and no condition is
 *   looked at (RFC 9110, section 13.2.1)
 *
 * Answers what came of an operation that was not carried out.
 *
 * Returns: %FALSE where it was: nothing has been answered
 */
gboolean
kv_http_keyed_refuse (KvHttpExchange *exchange, const KvResult *result, gboolean needs_key);

/**
 * kv_http_keyed_meet_conditions:
 * @entry: what the key holds
 *
 * Answers a GET or HEAD with what its conditions have in place of @entry: 304 or 412, or 400 where they are not well formed. To be
 * called for an exchange that is conditional.
 *
 * Returns: %FALSE where there is nothing against answering with @entry
 */
gboolean kv_http_keyed_meet_conditions (KvHttpExchange *exchange, const KvEntry *entry);

/**
 * kv_http_keyed_send_value:
 * @entry: (transfer full): whose value is the body
 */
void kv_http_keyed_send_value (KvHttpExchange *exchange, guint status, KvEntry *entry);

/**
 * kv_http_keyed_send_previous:
 * @result: of a write; what was there is taken out of it
 * @status: where nothing was, or nobody asked for it
 *
 * Answers a write: with what was replaced or deleted as the body, and its revision in `KV-Previous-Revision`, if it was asked for.
 */
void kv_http_keyed_send_previous (KvHttpExchange *exchange, KvResult *result, guint status);

G_END_DECLS
