/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-keyed.h"

#include "http/kv-http-refusal.h"

void
kv_http_keyed_submit_on (KvHttpExchange *exchange,
                         KvHttpConditions *conditions,
                         KvOperation *operation,
                         KvSubmitFunc func)
{
  g_autoptr (GError) error = NULL;

  if (kv_http_conditions_impose (conditions, operation, &error))
    kv_store_submit (exchange->context->store, operation, 1, FALSE, func, exchange);
  else
    kv_http_exchange_send_error (exchange, error);
}

void
kv_http_keyed_submit (KvHttpExchange *exchange, KvOperation *operation, KvSubmitFunc func)
{
  g_auto (KvHttpConditions) conditions = { 0 };
  g_autoptr (GError) error = NULL;

  if (kv_http_conditions_read (&conditions, exchange, &error))
    kv_http_keyed_submit_on (exchange, &conditions, operation, func);
  else
    kv_http_exchange_send_error (exchange, error);
}

void
kv_http_keyed_refuse_missing (KvHttpExchange *exchange)
{
  const KvHttpRefusal refusal = {
    .type = KV_HTTP_PROBLEM_NO_SUCH_KEY,
    .detail = "There is no such key",
  };

  kv_http_refusal_fill_in (&refusal, exchange);
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-cache");
  exchange->carrier->send (exchange);
}

void
kv_http_keyed_refuse_condition (KvHttpExchange *exchange, const KvEntry *current)
{
  char detail[64] = "The condition does not hold: there is no such key";
  const KvHttpRefusal refusal = {
    .type = KV_HTTP_PROBLEM_CONDITION_FAILED,
    .detail = detail,
    .current = current,
    .with_value = exchange->method != KV_HTTP_GET && exchange->method != KV_HTTP_HEAD,
  };

  if (current != NULL)
    g_snprintf (detail, sizeof detail,
                "The condition does not hold: the revision is %" G_GUINT64_FORMAT,
                kv_entry_get_revision (current));
  kv_http_exchange_send_refusal (exchange, &refusal);
}

static void
refuse_number (KvHttpExchange *exchange, const KvEntry *current)
{
  const KvHttpRefusal refusal = {
    .type = KV_HTTP_PROBLEM_NOT_A_NUMBER,
    .detail = "The value is no 64-bit integer, or the sum would not be one",
    .current = current,
  };

  kv_http_exchange_send_refusal (exchange, &refusal);
}

gboolean
kv_http_keyed_refuse (KvHttpExchange *exchange, const KvResult *result, gboolean needs_key)
{
  switch (result->status)
    {
    case KV_RESULT_FOUND:
    case KV_RESULT_CREATED:
    case KV_RESULT_REPLACED:
    case KV_RESULT_DELETED:
      return FALSE;
    case KV_RESULT_NOT_FOUND:
      kv_http_keyed_refuse_missing (exchange);
      return TRUE;
    case KV_RESULT_CONDITION_FAILED:
      if (result->entry == NULL && needs_key)
        kv_http_keyed_refuse_missing (exchange);
      else
        kv_http_keyed_refuse_condition (exchange, result->entry);
      return TRUE;
    case KV_RESULT_NOT_A_NUMBER:
      refuse_number (exchange, result->entry);
      return TRUE;
    case KV_RESULT_ABORTED:
      break;
    }
  g_assert_not_reached ();
}

gboolean
kv_http_keyed_meet_conditions (KvHttpExchange *exchange, const KvEntry *entry)
{
  g_auto (KvHttpConditions) conditions = { 0 };
  g_autoptr (GError) error = NULL;

  if (!kv_http_conditions_read (&conditions, exchange, &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return TRUE;
    }
  switch (kv_http_conditions_judge (&conditions, kv_entry_get_revision (entry)))
    {
    case KV_HTTP_VERDICT_GO:
      return FALSE;
    case KV_HTTP_VERDICT_NOT_MODIFIED:
      kv_http_exchange_reset_response (exchange);
      kv_http_exchange_add_entry (exchange, entry);
      kv_http_exchange_send (exchange, 304);
      return TRUE;
    case KV_HTTP_VERDICT_FAILED:
      kv_http_keyed_refuse_condition (exchange, entry);
      return TRUE;
    }
  g_assert_not_reached ();
}

void
kv_http_keyed_send_value (KvHttpExchange *exchange, guint status, KvEntry *entry)
{
  kv_http_exchange_add_header (exchange, "Content-Type", "text/plain; charset=utf-8");
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
  exchange->response.body_entry = entry;
  kv_http_exchange_send (exchange, status);
}

void
kv_http_keyed_send_previous (KvHttpExchange *exchange, KvResult *result, guint status)
{
  if (result->previous == NULL)
    {
      kv_http_exchange_send (exchange, status);
      return;
    }
  kv_http_exchange_add_header (exchange, "KV-Previous-Revision",
                               kv_http_exchange_scratch (exchange, "%" G_GUINT64_FORMAT,
                                                         kv_entry_get_revision (result->previous)));
  kv_http_keyed_send_value (exchange, 200, g_steal_pointer (&result->previous));
}
