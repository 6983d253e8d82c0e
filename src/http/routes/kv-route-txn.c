/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-txn.h"

#include "core/kv-json-text.h"
#include "core/kv-timestamp.h"
#include "http/kv-http-parameters.h"
#include "http/kv-http-refusal.h"
#include "http/kv-http-txn.h"
#include "http/routes/kv-route-batch.h"

/* Leaves the value out where the answer would become too long, as a batch does: a small request could ask for the longest value a
 * thousand times. */
static gboolean
append_value (GString *json, const KvEntry *entry)
{
  gsize length;
  const char *value = kv_entry_get_value (entry, &length);

  if (json->len + length > KV_ROUTE_BATCH_MAX_ANSWER)
    return FALSE;
  g_string_append (json, ",\"value\":");
  kv_json_text_append_string (json, value, length);
  return TRUE;
}

static void
append_found (GString *json, const KvResult *result)
{
  gint64 deadline = kv_entry_get_deadline (result->entry);
  char expires[KV_TIMESTAMP_SIZE];
  gsize begin = json->len;

  g_string_append_printf (json, "{\"status\":200,\"revision\":%" G_GUINT64_FORMAT,
                          result->revision);
  if (!append_value (json, result->entry))
    {
      g_string_truncate (json, begin);
      g_string_append (json, "{\"status\":413}");
      return;
    }
  if (deadline != KV_NO_DEADLINE)
    {
      kv_timestamp_format (kv_clock_to_wall (deadline), expires);
      g_string_append_printf (json, ",\"expires\":\"%s\"", expires);
    }
  g_string_append_c (json, '}');
}

/* What was changed; an increment tells the sum, and others what was there before, if that was asked for. */
static void
append_changed (GString *json, guint status, const KvResult *result)
{
  g_string_append_printf (json, "{\"status\":%u", status);
  if (result->entry != NULL)
    append_value (json, result->entry);
  if (result->previous != NULL)
    {
      g_string_append_printf (json, ",\"prev\":{\"revision\":%" G_GUINT64_FORMAT,
                              kv_entry_get_revision (result->previous));
      append_value (json, result->previous);
      g_string_append_c (json, '}');
    }
  g_string_append_c (json, '}');
}

static void
append_result (GString *json, const KvResult *result)
{
  switch (result->status)
    {
    case KV_RESULT_FOUND:
      append_found (json, result);
      return;
    case KV_RESULT_CREATED:
      append_changed (json, 201, result);
      return;
    case KV_RESULT_REPLACED:
      append_changed (json, result->entry != NULL ? 200 : 204, result);
      return;
    case KV_RESULT_DELETED:
      append_changed (json, 204, result);
      return;
    case KV_RESULT_NOT_FOUND:
      g_string_append (json, "{\"status\":404}");
      return;
    case KV_RESULT_CONDITION_FAILED:
    case KV_RESULT_NOT_A_NUMBER:
    case KV_RESULT_ABORTED:
      break;
    }
  g_assert_not_reached ();
}

static const KvResult *
find_failure (const KvOutcome *outcome, guint *index)
{
  for (*index = 0; *index < kv_outcome_get_length (outcome); ++*index)
    {
      const KvResult *result = kv_outcome_get_result (outcome, *index);

      if (result->status != KV_RESULT_ABORTED)
        return result;
    }
  g_assert_not_reached ();
}

/* Of the operations here an increment can fail, and a touch; the first that did is told, by a JSON pointer (RFC 6901). */
static void
refuse (KvHttpExchange *exchange, const KvOutcome *outcome)
{
  guint index;
  const KvResult *result = find_failure (outcome, &index);
  gboolean is_missing = result->status == KV_RESULT_NOT_FOUND;
  const char *branch = kv_outcome_get_branch (outcome) == KV_BRANCH_THEN ? "then" : "else";
  g_autofree char *pointer = g_strdup_printf ("/%s/%u", branch, index);
  const KvHttpRefusal refusal = {
    .type = is_missing ? KV_HTTP_PROBLEM_NO_SUCH_KEY : KV_HTTP_PROBLEM_NOT_A_NUMBER,
    .detail = is_missing
                ? "Nothing was done: there is no such key"
                : "Nothing was done: the value is no 64-bit integer, or the sum would not be one",
    .parameter = pointer,
    .current = result->entry,
  };

  kv_http_exchange_send_refusal (exchange, &refusal);
}

static GBytes *
format (const KvOutcome *outcome)
{
  GString *json = g_string_sized_new (256);

  g_string_append_printf (json,
                          "{\"succeeded\":%s,\"revision\":%" G_GUINT64_FORMAT ",\"results\":[",
                          kv_outcome_get_branch (outcome) == KV_BRANCH_THEN ? "true" : "false",
                          kv_outcome_get_revision (outcome));
  for (guint i = 0; i < kv_outcome_get_length (outcome); i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      append_result (json, kv_outcome_get_result (outcome, i));
    }
  g_string_append (json, "]}");
  return g_string_free_to_bytes (json);
}

static void
answer (KvStore *store, KvOutcome *outcome, const GError *error, gpointer user_data)
{
  KvHttpExchange *exchange = user_data;

  if (error != NULL)
    kv_http_exchange_send_error (exchange, error);
  else if (!kv_outcome_is_committed (outcome))
    refuse (exchange, outcome);
  else
    {
      kv_http_exchange_add_header (exchange, "Content-Type", "application/json");
      kv_http_exchange_add_header (exchange, "Cache-Control", "no-cache");
      kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
      kv_http_exchange_add_header (exchange, "KV-Revision",
                                   kv_http_exchange_scratch (exchange, "%" G_GUINT64_FORMAT,
                                                             kv_outcome_get_revision (outcome)));
      exchange->response.body_bytes = format (outcome);
      kv_http_exchange_send (exchange, 200);
    }
}

/* It is worth what a batch of as many entries is. */
static gboolean
charge (KvHttpExchange *exchange, KvTransaction *transaction)
{
  guint conditions, operations, others, cost, retry_after;

  kv_transaction_get_conditions (transaction, &conditions);
  kv_transaction_get_operations (transaction, &operations);
  kv_transaction_get_else_operations (transaction, &others);
  cost = (conditions + operations + others) / KV_RATE_ENTRIES_A_REQUEST;
  if (exchange->bucket == NULL || cost == 0
      || kv_rate_bucket_admit (exchange->bucket, cost, &retry_after))
    return TRUE;
  kv_http_exchange_refuse_busy (exchange, "Too many requests", retry_after);
  kv_http_exchange_send (exchange, 429);
  return FALSE;
}

void
kv_route_txn_post (KvHttpExchange *exchange)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) body = kv_http_json_parse (exchange->body, &error);
  g_autoptr (KvTransaction) transaction = NULL;

  if (body != NULL && kv_http_parameters_read_none (exchange->query, &error))
    transaction = kv_http_txn_read (exchange, body, &error);
  if (transaction == NULL)
    kv_http_exchange_send_error (exchange, error);
  else if (charge (exchange, transaction))
    kv_store_submit_transaction (exchange->context->store, transaction, answer, exchange);
}
