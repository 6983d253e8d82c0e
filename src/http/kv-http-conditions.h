/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-operation.h"
#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/* Conditional requests (RFC 9110, section 13) by entity tags, which are revisions here. What compares dates or asks for a range
 * is read over: a key has no date of its own, and is always sent as a whole. */

/**
 * KvHttpTags:
 * @given: whether there is such a header
 * @any: whether it is `*`
 * @n: how many revisions it names; tags that no revision of ours could have are not among them
 * @first: one of them
 * @more: (owned) (nullable) (element-type guint64): the others
 *
 * What an If-Match or an If-None-Match says.
 */
typedef struct {
  gboolean given;
  gboolean any;
  guint n;
  guint64 first;
  GArray *more;
} KvHttpTags;

/**
 * KvHttpConditions:
 * @match: If-Match
 * @none_match: If-None-Match
 *
 * The conditions of a request. All zero where there are none.
 */
typedef struct {
  KvHttpTags match;
  KvHttpTags none_match;
} KvHttpConditions;

/**
 * kv_http_conditions_read:
 * @conditions: (out caller-allocates): cleared with kv_http_conditions_clear(), also after an error
 * @error: set to %KV_ERROR_INVALID_ARGUMENT, with the header's name as its subject, when one is not well formed
 */
gboolean
kv_http_conditions_read (KvHttpConditions *conditions, KvHttpExchange *exchange, GError **error);

void kv_http_conditions_clear (KvHttpConditions *conditions);

/**
 * kv_http_conditions_require:
 * @revision: which the key must be at as well, as if an If-Match said so
 */
void kv_http_conditions_require (KvHttpConditions *conditions, guint64 revision);

/**
 * kv_http_conditions_impose:
 * @operation: a write; borrows from @conditions until it is submitted
 * @error: set to %KV_ERROR_INVALID_ARGUMENT when nothing can be asked for both at once: `If-Match: *` beside an
 *   If-None-Match that is a list
 *
 * Has @operation carried out only when all of @conditions hold (RFC 9110, section 13.2.2).
 */
gboolean
kv_http_conditions_impose (KvHttpConditions *conditions, KvOperation *operation, GError **error);

/**
 * KvHttpVerdict:
 * @KV_HTTP_VERDICT_GO: answer as if nothing had been asked
 * @KV_HTTP_VERDICT_NOT_MODIFIED: 304: the client has what is there
 * @KV_HTTP_VERDICT_FAILED: 412
 */
typedef enum {
  KV_HTTP_VERDICT_GO,
  KV_HTTP_VERDICT_NOT_MODIFIED,
  KV_HTTP_VERDICT_FAILED,
} KvHttpVerdict;

/**
 * kv_http_conditions_judge:
 * @revision: of what is there; where nothing is, that is the answer, whatever the conditions (RFC 9110, section 13.2.1)
 *
 * Returns: what a GET is to be answered with
 */
KvHttpVerdict kv_http_conditions_judge (const KvHttpConditions *conditions, guint64 revision);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KvHttpConditions, kv_http_conditions_clear)

G_END_DECLS
