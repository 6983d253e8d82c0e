/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"
#include "http/kv-http-problem.h"

G_BEGIN_DECLS

/**
 * KvHttpRefusal:
 * @type: what is wrong
 * @status: the HTTP status code where it is not that of @type, else 0
 * @detail: what has gone wrong this time, for a person: one line without its end
 * @parameter: (nullable): the parameter, header or member that is to blame
 * @limit: how much there may be of what was too much, or 0
 * @retry_after: in how many seconds to try again, or 0
 * @current: (nullable): what the key holds, for whoever expected something else
 * @with_value: whether its value is told too
 * @oldest: the oldest revision after which a watch can begin, for whoever wanted another; or 0
 * @newest: with that, the newest
 *
 * Why a request is not carried out. All but @type and @detail may be left out.
 */
struct _KvHttpRefusal {
  KvHttpProblemType type;
  guint status;
  const char *detail;
  const char *parameter;
  guint64 limit;
  guint retry_after;
  const KvEntry *current;
  gboolean with_value;
  guint64 oldest;
  guint64 newest;
};

/**
 * kv_http_refusal_wants_problem:
 *
 * Tells whether the client is told in JSON what is wrong: everywhere under `/v1`, and elsewhere where its `Accept` names that type.
 * Elsewhere clients were promised lines of text before there was such a type, and get them from us until they ask for more.
 *
 * Returns: %FALSE also where nobody knows yet what the request is
 */
gboolean kv_http_refusal_wants_problem (KvHttpExchange *exchange);

/**
 * kv_http_refusal_fill_in:
 *
 * Makes @refusal the response of @exchange, whatever there was of one, as a problem or as a line of text. Does not send it.
 */
void kv_http_refusal_fill_in (const KvHttpRefusal *refusal, KvHttpExchange *exchange);

/**
 * kv_http_refusal_fill_in_error:
 *
 * The same for an error.
 */
void kv_http_refusal_fill_in_error (const GError *error, KvHttpExchange *exchange);

G_END_DECLS
